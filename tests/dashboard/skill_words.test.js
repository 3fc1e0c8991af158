/** @file No skill is claimed without a score whose interval lies above 0. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { badgeOf, gainText, rowOf } from "../../src/headwater/dashboard/skill_words.js";

const gain = (low, high, bits = 0.06) => ({ bits, low, high });
const row = (more = {}) => ({
  model: "estimated",
  venues: "all",
  version: "1",
  last_issued: "2026-01-01T00:00:00.000Z",
  line: "IG +0.06 bit/USD [0.01, 0.13] · 30 d · n=612",
  verdict: "skill",
  judged_by: "per_usd",
  score: { per_usd: gain(0.01, 0.13), blended: gain(-0.1, 0.1) },
  controls: { is_sound: true },
  ...more,
});
const answer = (rows, note = "") => ({ data: rows, meta: { note } });
const badge = (more) => badgeOf(answer([row(more)]), "estimated", "all");

test("skill is said in the API's own words when the interval lies above 0", () => {
  assert.deepEqual(badge({}), { isSkill: true, verdict: "skill", line: row().line });
});

test("skill is not said otherwise", () => {
  assert.deepEqual(badgeOf(null, "estimated", "all").isSkill, false);
  const none = badgeOf(answer([], "no forecast is stored yet"), "estimated", "all");
  assert.deepEqual(none, {
    isSkill: false,
    verdict: "not enough data",
    line: "no forecast is stored yet",
  });
  for (const more of [
    { score: null, verdict: "not enough days" },
    { score: { per_usd: gain(null, null) } },
    { score: { per_usd: gain(-0.01, 0.13) } },
    { verdict: "no measurable skill" },
    { verdict: "worse than distance alone", score: { per_usd: gain(-0.3, -0.1) } },
    { controls: { is_sound: false } },
    { judged_by: "blended" },
    { venues: "okx" },
    { model: "empirical" },
  ]) {
    assert.equal(badge(more).isSkill, false, JSON.stringify(more));
  }
  assert.equal(badge({ score: { per_usd: gain(null, null) } }).verdict, "not enough data");
  assert.match(badge({ controls: { is_sound: false } }).verdict, /controls failed/);
});

test("a new version begins an empty record: its row counts", () => {
  const old = row();
  const young = row({ version: "2", last_issued: "2026-02-01T00:00:00.000Z", score: null });
  assert.equal(rowOf(answer([old, young]), "estimated", "all").version, "2");
  assert.equal(badgeOf(answer([young, old]), "estimated", "all").isSkill, false);
});

test("a gain is written with its interval", () => {
  assert.equal(gainText(gain(-0.014, 0.13)), "+0.06 [−0.01, +0.13]");
  assert.equal(gainText(gain(null, null)), "+0.06 [no interval]");
  assert.equal(gainText(undefined), "–");
});
