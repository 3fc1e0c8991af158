// Layouts by name: kept, renamed, joined with those of a file; and names of time zones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { timeText } from "../../src/headwater/dashboard/format.js";
import {
  LAYOUTS_MAX,
  NAME_MAX,
  joinedNamed,
  readNamed,
  renamed,
  withNamed,
  withoutNamed,
} from "../../src/headwater/dashboard/named_layouts.js";
import { isZone, zones } from "../../src/headwater/dashboard/zone_names.js";

const PANELS = [{ kind: "candles", x: 0, y: 0, w: 12, h: 17, settings: {} }];
const OTHER = [{ kind: "candles", x: 0, y: 0, w: 6, h: 9, settings: { scale: "log" } }];
const KINDS = new Set(["candles"]);
const named = (name, panels = PANELS) => ({ name, panels });

test("a layout is kept by its name, and by the same name in its place", () => {
  let list = withNamed([], "  one ", PANELS);
  list = withNamed(list, "two", PANELS);
  list = withNamed(list, "one", OTHER);
  assert.deepEqual(list, [named("one", OTHER), named("two")]);
  assert.deepEqual(withoutNamed(list, "one"), [named("two")]);
  assert.throws(() => withNamed(list, "   ", PANELS), /needs a name/);
  assert.equal(withNamed([], "x".repeat(500), PANELS)[0].name.length, NAME_MAX);
  let full = [];
  for (let at = 0; at < LAYOUTS_MAX; at += 1) full = withNamed(full, `n${at}`, PANELS);
  assert.throws(() => withNamed(full, "more", PANELS), /at most 30/);
  assert.equal(withNamed(full, "n3", OTHER).length, LAYOUTS_MAX);
});

test("a new name is one that no other layout has", () => {
  const list = [named("one"), named("two", OTHER)];
  assert.deepEqual(renamed(list, "two", "three"), [named("one"), named("three", OTHER)]);
  assert.deepEqual(renamed(list, "two", " two "), list);
  assert.throws(() => renamed(list, "two", "one"), /already/);
  assert.throws(() => renamed(list, "two", " "), /needs a name/);
});

test("what the browser remembers is read with care", () => {
  assert.deepEqual(readNamed(null), []);
  assert.deepEqual(readNamed([null, { name: 1 }, { name: "x" }, { name: " ", panels: [] }]), []);
  const unknown = named("of a later version", [{ kind: "new" }]);
  assert.deepEqual(readNamed([named("one"), unknown]), [named("one"), unknown]);
  const large = named("large", [{ kind: "x".repeat(40_000) }]);
  assert.deepEqual(readNamed([large, named("many", Array(25).fill(PANELS[0]))]), []);
  assert.equal(readNamed(Array.from({ length: 99 }, (_, at) => named(`n${at}`))).length, 30);
});

test("a file's layouts are joined all or none", () => {
  const list = [named("one"), named("two")];
  assert.deepEqual(joinedNamed(list, [named("two", OTHER), named("three")], KINDS), [
    named("one"),
    named("two", OTHER),
    named("three"),
  ]);
  assert.throws(() => joinedNamed(list, {}, KINDS), /a list/);
  assert.throws(() => joinedNamed(list, [{ panels: [] }], KINDS), /layout 1 has no name/);
  const bad = named("bad", [{ kind: "<b>" }]);
  assert.throws(() => joinedNamed(list, [named("x"), bad], KINDS), /“bad”: panel 1: kind must/);
});

test("times are shown in any zone that the browser knows", () => {
  assert.ok(isZone("UTC") && isZone("local") && isZone("Asia/Tokyo"));
  assert.ok(![undefined, "", "Mars/Olympus", "__proto__", 1].some(isZone));
  assert.ok(zones().length > 300);
  // 2024-11-07T17:20Z is 02:20 of the next day in Tokyo, which has no summer time.
  assert.equal(timeText(1_731_000_000, "Asia/Tokyo", "full"), "08 Nov 2024, 02:20");
  assert.equal(timeText(1_731_000_000, "UTC", "full"), "07 Nov 2024, 17:20");
});
