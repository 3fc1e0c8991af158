/** @file Past and present of a market become one list of candles, whatever comes first. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CandleFeed } from "../../src/headwater/dashboard/candle_feed.js";

const row = (minute, close, closed = true, volume = 1) => ({
  timestamp: new Date(minute * 60_000).toISOString(),
  open: 1,
  high: 9,
  low: 1,
  close,
  volume,
  is_closed: closed,
  revision: 0,
});

/** A feed whose answers and messages the test gives. */
function feed() {
  const asked = [];
  const changes = [];
  const timers = [];
  const waits = [];
  let hear = () => {};
  const stream = {
    follow: (topic, follower) => {
      hear = follower;
      return () => {};
    },
    world: { random: () => 0, later: (work, ms) => (timers.push(work), waits.push(ms), () => {}) },
  };
  const ask = (market, page, aborted) =>
    new Promise((resolve, reject) => asked.push({ market, page, aborted, resolve, reject }));
  const market = { exchange: "binance", symbol: "BTCUSDT", interval: "1m" };
  const made = new CandleFeed(market, { ask, stream }, (...change) => changes.push(change));
  made.start();
  return { made, asked, changes, timers, waits, hear: (event) => hear(event) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const seen = (made) => made.candles.map((one) => [one.time / 60, one.close]);

test("live candles that come before the past are kept beside it", async () => {
  const { made, asked, hear } = feed();
  assert.equal(made.topic, "binance/BTCUSDT/ohlc?interval=1m");
  hear({ kind: "snapshot", data: row(3, 33, false, 2) });
  asked[0].resolve([row(1, 1), row(2, 2), row(3, 30, false)]);
  await turn();
  hear({ kind: "update", data: row(4, 4, false) });
  assert.deepEqual(seen(made), [
    [1, 1],
    [2, 2],
    [3, 33],
    [4, 4],
  ]);
  assert.equal(made.state.value.phase, "ready");
});

test("a break without a bridge, and dropped messages, fetch the newest page again", async () => {
  const { made, asked, hear } = feed();
  asked[0].resolve([row(1, 1)]);
  await turn();
  hear({ kind: "snapshot", data: row(1, 1) });
  assert.equal(asked.length, 1);
  hear({ kind: "snapshot", data: row(5, 5, false) });
  assert.equal(asked.length, 2);
  asked[1].resolve([row(2, 2), row(3, 3), row(4, 4), row(5, 5, false)]);
  await turn();
  assert.deepEqual(seen(made), [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
  ]);
  hear({ kind: "dropped" });
  assert.equal(asked.length, 3);
});

test("the past is paged from the oldest candle, once at a time, to its end", async () => {
  const { made, asked } = feed();
  asked[0].resolve([row(10, 10)]);
  await turn();
  void made.older();
  void made.older();
  assert.equal(asked.length, 2);
  assert.deepEqual(asked[1].page, { limit: 500, beforeMs: 600_000 });
  asked[1].resolve([row(8, 8), row(9, 9)]);
  await turn();
  assert.deepEqual(seen(made), [
    [8, 8],
    [9, 9],
    [10, 10],
  ]);
  void made.older();
  asked[2].resolve([]);
  await turn();
  void made.older();
  assert.equal(asked.length, 3);
});

test("a failure is told and tried again; a topic that brings nothing is told", async () => {
  const { made, asked, timers, hear } = feed();
  asked[0].reject(new Error("the platform does not answer"));
  await turn();
  assert.deepEqual(made.state.value, { phase: "failed", text: "the platform does not answer" });
  timers[0]();
  asked[1].resolve([row(1, 1)]);
  await turn();
  assert.equal(made.state.value.phase, "ready");
  hear({ kind: "problem", text: "no such symbol" });
  assert.deepEqual(made.state.value, { phase: "failed", text: "no such symbol" });
});

test("what changed is told: the tail, one candle further back, or all", async () => {
  const { asked, changes, hear } = feed();
  asked[0].resolve([row(1, 1), row(3, 3, false)]);
  await turn();
  hear({ kind: "update", data: row(3, 4, false) });
  hear({ kind: "update", data: row(4, 5, false) });
  hear({ kind: "update", data: row(3, 6) });
  hear({ kind: "update", data: row(2, 2) });
  assert.deepEqual(changes, [
    ["all", 0],
    ["tail", 180],
    ["tail", 240],
    ["tail", 180],
    ["all", 0],
  ]);
});

test("a candle that closed between first answer and first message is asked for", async () => {
  const { made, asked, timers, waits, hear } = feed();
  asked[0].resolve([row(1, 1), row(2, 2, false)]);
  await turn();
  hear({ kind: "snapshot", data: row(3, 3, false) });
  assert.equal(asked.length, 1);
  assert.deepEqual(waits, [8_000]);
  timers[0]();
  asked[1].resolve([row(1, 1), row(2, 22), row(3, 3, false)]);
  await turn();
  assert.deepEqual(seen(made), [
    [1, 1],
    [2, 22],
    [3, 3],
  ]);
  assert.equal(made.candles[1].isClosed, true);
  assert.equal(timers.length, 1);
});

test("a candle whose last word comes in time is not asked for", async () => {
  const { asked, timers, hear } = feed();
  asked[0].resolve([row(1, 1), row(2, 2, false)]);
  await turn();
  hear({ kind: "update", data: row(3, 3, false) });
  hear({ kind: "update", data: row(2, 22) });
  timers[0]();
  assert.deepEqual([asked.length, timers.length], [1, 1]);
});

test("a last word that nobody has is asked for four times, ever more seldom", async () => {
  const { asked, timers, waits, hear } = feed();
  const rows = [row(1, 1), row(2, 2, false), row(3, 3, false)];
  asked[0].resolve(rows);
  await turn();
  for (let question = 1; question <= 4; question += 1) {
    timers.at(-1)();
    asked[question].resolve(rows);
    await turn();
    hear({ kind: "update", data: row(3, 3, false) });
  }
  assert.deepEqual([asked.length, waits], [5, [8_000, 16_000, 32_000, 64_000]]);
});

test("what is dropped while an answer is on its way is asked for after it", async () => {
  const { made, asked, hear } = feed();
  hear({ kind: "dropped" });
  assert.equal(asked.length, 1);
  asked[0].resolve([row(1, 1)]);
  await turn();
  assert.equal(asked.length, 2);
  asked[1].resolve([row(1, 1), row(2, 2)]);
  await turn();
  assert.equal(asked.length, 2);
  assert.deepEqual(seen(made), [
    [1, 1],
    [2, 2],
  ]);
});

test("nothing happens after the end", async () => {
  const { made, asked, changes, timers } = feed();
  made.stop();
  assert.equal(asked[0].aborted.aborted, true);
  asked[0].reject(new Error("aborted"));
  await turn();
  assert.deepEqual([changes.length, timers.length], [0, 0]);
});
