/** @file Mark and index as they come: one reading a second, bounded, and the basis of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MARKS_MAX, MarkFeed, basisBps, markOf } from "../../src/headwater/dashboard/mark_feed.js";

const row = (ms, mark = 100.5, index = 100) => ({
  timestamp: new Date(ms).toISOString(),
  mark_price: mark,
  index_price: index,
});

function feed() {
  let hear = () => {};
  const stream = {
    follow: (topic, follower) => {
      hear = follower;
      return () => {};
    },
    heardMs: () => 7,
  };
  const market = { exchange: "okx", symbol: "BTCUSDT", interval: "1m" };
  const made = new MarkFeed(market, stream, () => {});
  made.start();
  return { made, say: (ms, mark) => hear({ kind: "update", data: row(ms, mark) }), hear };
}

test("half a percent above the index is 50 basis points; without an index there is none", () => {
  assert.equal(basisBps(markOf(row(0))), 50);
  assert.equal(basisBps(markOf(row(0, 99, 100))), -100);
  assert.equal(basisBps(markOf(row(0, 99, null))), null);
});

test("a stream faster than one a second leaves about one a second, and always the newest", () => {
  const { made, say } = feed();
  for (let ms = 0; ms <= 10_000; ms += 250) say(ms, ms);
  assert.equal(made.readings.at(-1).values[0], 10_000);
  assert.ok(made.readings.length <= 12, String(made.readings.length));
  const times = made.readings.map((one) => one.time);
  assert.deepEqual(
    [...times].sort((a, b) => a - b),
    times,
  );
});

test("what comes late is left out, and the list is bounded", () => {
  const { made, say } = feed();
  say(5_000, 1);
  say(4_000, 2);
  assert.equal(made.readings.length, 1);
  for (let second = 6; second < MARKS_MAX + 20; second += 1) say(second * 1000, second);
  assert.equal(made.readings.length, MARKS_MAX);
});

test("a venue without such a stream is told", () => {
  const { made, hear } = feed();
  hear({ kind: "problem", text: "the venue has none" });
  assert.deepEqual(made.state.value, { phase: "failed", text: "the venue has none" });
});
