/** @file Rates of different intervals become comparable; how long until the next settlement. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  annualised,
  eightHourly,
  percent,
  scalePercent,
  untilText,
} from "../../src/headwater/dashboard/funding.js";

test("0.01 % every 8 h is 10.95 % a year: three settlements on each of 365 days", () => {
  assert.equal(eightHourly(0.0001, 8), 0.0001);
  assert.equal(percent(annualised(0.0001, 8), 2), "10.95 %");
});

test("0.00125 % every hour is the same: eight of them in 8 h", () => {
  assert.ok(Math.abs(eightHourly(0.0000125, 1) - 0.0001) < 1e-18);
  assert.equal(percent(annualised(0.0000125, 1), 2), "10.95 %");
  assert.equal(percent(annualised(-0.0000125, 1), 2), "−10.95 %");
});

test("of an interval that nobody tells nothing is worked out", () => {
  assert.deepEqual([eightHourly(0.0001, null), annualised(0.0001, 0)], [null, null]);
  assert.equal(percent(null, 2), "?");
});

test("no two marks of a scale have the same text", () => {
  // A flat line of 0.01 % has marks of 0.00005 % around it; they need five decimals.
  const marks = [0.0000995, 0.0001, 0.0001005].map((one) => scalePercent(one, 0.0000005));
  assert.deepEqual(marks, ["0.00995 %", "0.01000 %", "0.01005 %"]);
  // Marks of 2.5 % and of 0.00025 %: a quarter needs a digit more than its size says.
  assert.equal(scalePercent(0.1, 0.025), "10.00 %");
  assert.equal(scalePercent(0.0000125, 0.0000025), "0.00125 %");
  assert.equal(scalePercent(0.0001, 0), "0.01 %");
});

test("the time until a settlement is never too short", () => {
  assert.equal(untilText(3 * 3600 + 11 * 60 + 1), "in 3 h 12 min");
  assert.equal(untilText(59), "in 1 min");
  assert.equal(untilText(-5), "now");
});
