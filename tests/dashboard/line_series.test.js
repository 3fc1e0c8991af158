/** @file Readings in order, what holds at a time, what decides how a line runs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  READINGS_MAX,
  mergeReadings,
  rangeOf,
  readingAt,
  readingBeside,
  readingsIn,
} from "../../src/headwater/dashboard/line_series.js";

const at = (time, value = time) => ({ time, values: [value] });
const times = (readings) => readings.map((one) => one.time);

test("pages and live readings become one list; the found one of two counts", () => {
  const known = [at(10), at(30, 1)];
  assert.deepEqual(mergeReadings(known, [at(20), at(30, 2), at(40)]), [
    at(10),
    at(20),
    at(30, 2),
    at(40),
  ]);
  assert.deepEqual(times(mergeReadings(known, [at(50)])), [10, 30, 50]);
  assert.deepEqual(times(mergeReadings([], [at(5), at(6)])), [5, 6]);
});

test("the list is bounded: the oldest go", () => {
  const many = Array.from({ length: READINGS_MAX }, (_, index) => at(index));
  const merged = mergeReadings(many, [at(READINGS_MAX)]);
  assert.equal(merged.length, READINGS_MAX);
  assert.equal(merged[0].time, 1);
});

test("at a time the last reading until then holds; keys lead from one to the next", () => {
  const readings = [at(10), at(20), at(30)];
  assert.equal(readingAt(readings, 9), undefined);
  assert.equal(readingAt(readings, 20)?.time, 20);
  assert.equal(readingAt(readings, 99)?.time, 30);
  assert.equal(readingBeside(readings, undefined, -1)?.time, 20);
  assert.equal(readingBeside(readings, 20, 1)?.time, 30);
  assert.equal(readingBeside(readings, 30, 1)?.time, 30);
  assert.equal(readingBeside(readings, 30, -Infinity)?.time, 10);
  assert.equal(readingBeside([], 30, 1), undefined);
});

test("a span is drawn with one reading on each side, so that lines reach its edges", () => {
  const readings = [at(0), at(100), at(200), at(300), at(400)];
  assert.deepEqual(times(readingsIn(readings, { from: 150, to: 250 })), [100, 200, 300]);
  assert.deepEqual(times(readingsIn(readings, { from: 210, to: 220 })), [200, 300]);
  assert.deepEqual(times(readingsIn(readings, { from: -9, to: 900 })), [0, 100, 200, 300, 400]);
});

test("the range of a line leaves room, and has one also where nothing moves or is known", () => {
  assert.deepEqual(rangeOf([10, 110, null]), [2, 118]);
  assert.deepEqual(rangeOf([100, 100]), [99, 101]);
  assert.deepEqual(rangeOf([0]), [-1, 1]);
  assert.deepEqual(rangeOf([null]), [0, 1]);
});
