/** @file Panels never overlap, never float, never leave the grid; files of layouts are checked. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  COLUMNS,
  PANELS_MAX,
  moved,
  readLayout,
  resized,
  settled,
  withPanel,
  withSetting,
  without,
  writtenLayout,
} from "../../src/headwater/dashboard/layout.js";

const panel = (id, x, y, w, h) => ({ id, kind: "candles", x, y, w, h, settings: {} });
const places = (layout) =>
  Object.fromEntries(layout.map(({ id, x, y, w, h }) => [id, [x, y, w, h]]));

/** The numbers of a seeded generator (a linear congruence of Numerical Recipes). */
function* numbers(seed) {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

function assertSound(layout) {
  for (const [index, a] of layout.entries()) {
    assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.w <= COLUMNS, JSON.stringify(a));
    for (const b of layout.slice(index + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert.ok(apart, `${JSON.stringify(a)} lies over ${JSON.stringify(b)}`);
    }
    const rests = (y) =>
      layout.some((b) => b !== a && b.y + b.h === y && b.x < a.x + a.w && a.x < b.x + b.w);
    assert.ok(a.y === 0 || rests(a.y), `${JSON.stringify(a)} floats`);
  }
}

test("a panel that is moved onto another one pushes it down", () => {
  const layout = settled([panel("a", 0, 0, 6, 4), panel("b", 6, 0, 6, 4)]);
  assert.deepEqual(places(moved(layout, "b", 0, 0)), { b: [0, 0, 6, 4], a: [0, 4, 6, 4] });
});

test("what is below rises when a panel goes", () => {
  const layout = settled([panel("a", 0, 0, 12, 4), panel("b", 0, 4, 12, 5)]);
  assert.deepEqual(places(without(layout, "a")), { b: [0, 0, 12, 5] });
});

test("sizes and places stay within the grid", () => {
  const layout = [panel("a", 0, 0, 6, 4)];
  assert.deepEqual(places(resized(layout, "a", 99, 0)), { a: [0, 0, 12, 3] });
  assert.deepEqual(places(moved(layout, "a", 99, 3)), { a: [6, 0, 6, 4] });
  assert.deepEqual(places(moved(layout, "a", -5, -5)), { a: [0, 0, 6, 4] });
});

test("ids are never given twice, and there is an end", () => {
  let layout = [];
  for (let count = 0; count < PANELS_MAX + 3; count += 1) {
    layout = withPanel(layout, "candles", { w: 12, h: 3 });
    layout = count === 4 ? without(layout, "candles-2") : layout;
  }
  assert.equal(layout.length, PANELS_MAX);
  assert.equal(new Set(layout.map((one) => one.id)).size, PANELS_MAX);
});

test("whatever is done, the layout is sound, and reads back as it was written", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = numbers(seed);
    const next = (most) => Math.floor(random.next().value * (most + 1));
    let layout = [];
    for (let step = 0; step < 20; step += 1) {
      const at = layout[next(layout.length)];
      const choice = next(3);
      if (at === undefined || choice === 0) {
        layout = withPanel(layout, "candles", { w: 1 + next(12), h: 1 + next(8) });
      } else if (choice === 1) layout = moved(layout, at.id, next(14) - 1, next(20));
      else if (choice === 2) layout = resized(layout, at.id, next(14), next(14));
      else layout = withSetting(layout, at.id, "scale", "log");
      assertSound(layout);
    }
    const read = readLayout(
      JSON.parse(JSON.stringify(writtenLayout(layout))),
      new Set(["candles"]),
    );
    assert.deepEqual(writtenLayout(read), writtenLayout(layout));
  }
});

test("files that are no layouts are refused with words", () => {
  const kinds = new Set(["candles"]);
  const good = { kind: "candles", x: 0, y: 0, w: 6, h: 6, settings: {} };
  const bad = [
    [null, /a list/],
    [{}, /a list/],
    [[1], /panel 1 is not an object/],
    [[{ ...good, kind: "orders" }], /panel 1: kind must be one of candles/],
    [[good, { ...good, kind: "__proto__" }], /panel 2: kind/],
    [[{ ...good, x: 1.5 }], /whole numbers/],
    [[{ ...good, y: "0" }], /whole numbers/],
    [[{ ...good, w: null }], /whole numbers/],
    [[{ ...good, h: Infinity }], /whole numbers/],
    [Array(PANELS_MAX + 1).fill(good), /at most 24/],
  ];
  for (const [value, words] of bad) assert.throws(() => readLayout(value, kinds), words);
});

test("settings of a file are texts, and others are left out", () => {
  const settings = { scale: "log", size: 3, deep: {}, long: "x".repeat(100), "": "y" };
  const [read] = readLayout(
    [{ kind: "candles", x: 0, y: 0, w: 6, h: 6, settings }],
    new Set(["candles"]),
  );
  assert.deepEqual(read.settings, { scale: "log" });
});

test("numbers beyond all bounds are brought into the grid in good time", () => {
  const far = { kind: "candles", x: -1e15, y: 1e15, w: 1e15, h: 1e15, settings: {} };
  const read = readLayout(Array(PANELS_MAX).fill(far), new Set(["candles"]));
  assertSound(read);
});
