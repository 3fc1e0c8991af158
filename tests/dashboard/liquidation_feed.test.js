/** @file Liquidated volume is what the API answers: what is heard only says when to ask again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LiquidationFeed,
  liquidationTopic,
} from "../../src/headwater/dashboard/liquidation_feed.js";

const MINUTE = 60;
const row = (minute, usd) => ({
  timestamp: new Date(minute * 60_000).toISOString(),
  buy_volume: usd,
  sell_volume: 0,
  buy_quantity: 1,
  sell_quantity: 0,
  buy_count: 1,
  sell_count: 0,
  is_floor: false,
});
const event = (minute) => ({
  kind: "update",
  data: { timestamp: new Date(minute * 60_000 + 30_123).toISOString() },
});

/** A feed whose answers, messages and time the test gives. */
function feed() {
  const asked = [];
  const changes = [];
  const timers = [];
  let hear = () => {};
  const stream = {
    follow: (topic, follower) => {
      hear = follower;
      return () => {};
    },
    world: { random: () => 0, later: (work, ms) => (timers.push({ work, ms }), () => {}) },
  };
  const ask = (scope, span, aborted) =>
    new Promise((resolve, reject) => asked.push({ scope, span, aborted, resolve, reject }));
  const scope = { exchange: "bybit", isEvery: false, symbol: "BTCUSDT", interval: "1m" };
  const made = new LiquidationFeed(scope, { ask, stream }, (from) => changes.push(from));
  made.start();
  return { made, asked, changes, timers, hear: (one) => hear(one) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const seen = (made) =>
  [...made.buckets.values()]
    .sort((a, b) => a.time - b.time)
    .map((one) => [one.time / MINUTE, one.sums.usd.shorts]);

test("one venue and all venues have their topics", () => {
  const scope = { exchange: "bybit", isEvery: false, symbol: "BTCUSDT", interval: "1m" };
  assert.equal(liquidationTopic(scope), "bybit/BTCUSDT/liquidations");
  assert.equal(
    liquidationTopic({ ...scope, isEvery: true }),
    "all/liquidations?min_value_usd=0&symbols=BTCUSDT",
  );
});

test("candles decide what is asked: their span, and older ones when they come", async () => {
  const { made, asked, changes } = feed();
  await turn();
  assert.equal(asked.length, 0);
  made.cover(100 * MINUTE, 200 * MINUTE);
  made.cover(50 * MINUTE, 200 * MINUTE);
  assert.deepEqual(asked[0].span, { from: 100 * MINUTE, to: 202 * MINUTE });
  asked[0].resolve([row(150, 7)]);
  await turn();
  assert.deepEqual(asked[1].span, { from: 50 * MINUTE, to: 100 * MINUTE });
  asked[1].resolve([row(60, 3)]);
  await turn();
  made.cover(50 * MINUTE, 200 * MINUTE);
  assert.equal(asked.length, 2);
  assert.deepEqual(seen(made), [
    [60, 3],
    [150, 7],
  ]);
  assert.deepEqual(changes, [100 * MINUTE, 50 * MINUTE]);
});

test("of a long chart the newest part comes first, in questions that the API allows", async () => {
  const { made, asked } = feed();
  made.cover(0, 9_500 * MINUTE);
  assert.deepEqual(asked[0].span, { from: 5_502 * MINUTE, to: 9_502 * MINUTE });
  asked[0].resolve([]);
  await turn();
  assert.deepEqual(asked[1].span, { from: 1_502 * MINUTE, to: 5_502 * MINUTE });
  asked[1].resolve([]);
  await turn();
  assert.deepEqual(asked[2].span, { from: 0, to: 1_502 * MINUTE });
});

test("a burst of liquidations is one question from the oldest one's candle on", async () => {
  const { made, asked, timers, hear } = feed();
  made.cover(100 * MINUTE, 200 * MINUTE);
  asked[0].resolve([row(198, 7)]);
  await turn();
  for (const minute of [200, 199, 200]) hear(event(minute));
  assert.deepEqual([asked.length, timers.length], [1, 1]);
  assert.ok(timers[0].ms > 1_000, "an answer that is given again would not have it yet");
  timers[0].work();
  assert.deepEqual(asked[1].span, { from: 199 * MINUTE, to: 202 * MINUTE });
  asked[1].resolve([row(199, 5), row(200, 9)]);
  await turn();
  assert.deepEqual(seen(made), [
    [198, 7],
    [199, 5],
    [200, 9],
  ]);
});

test("a sum that the API corrects takes the place of what was drawn, also by nothing", async () => {
  const { made, asked, timers, hear } = feed();
  made.cover(100 * MINUTE, 200 * MINUTE);
  asked[0].resolve([row(150, 7), row(200, 1)]);
  await turn();
  hear(event(200));
  timers[0].work();
  asked[1].resolve([]);
  await turn();
  assert.deepEqual(seen(made), [[150, 7]]);
});

test("what is heard while a question is under way is asked for after it", async () => {
  const { made, asked, timers, hear } = feed();
  made.cover(100 * MINUTE, 200 * MINUTE);
  hear(event(200));
  timers[0].work();
  assert.equal(asked.length, 1);
  asked[0].resolve([row(200, 1)]);
  await turn();
  assert.deepEqual(asked[1].span, { from: 200 * MINUTE, to: 202 * MINUTE });
  asked[1].resolve([row(200, 2)]);
  await turn();
  assert.deepEqual(seen(made), [[200, 2]]);
});

test("after a break everything since the last question is asked for again", async () => {
  const { made, asked, timers, hear } = feed();
  made.cover(100 * MINUTE, 200 * MINUTE);
  asked[0].resolve([]);
  await turn();
  // Hours later: the candles came first.
  made.cover(100 * MINUTE, 400 * MINUTE);
  for (const kind of ["snapshot", "dropped"]) hear({ kind, data: [] });
  timers[0].work();
  assert.deepEqual(asked[1].span, { from: 199 * MINUTE, to: 402 * MINUTE });
});

test("a failure is told and tried again without forgetting what was out of date", async () => {
  const { made, asked, timers, hear } = feed();
  made.cover(100 * MINUTE, 200 * MINUTE);
  asked[0].resolve([row(200, 1)]);
  await turn();
  hear(event(200));
  timers[0].work();
  asked[1].reject(new Error("the database is away"));
  await turn();
  assert.equal(made.trouble.value, "the database is away");
  timers[1].work();
  assert.deepEqual(asked[2].span, { from: 200 * MINUTE, to: 202 * MINUTE });
  asked[2].resolve([row(200, 4)]);
  await turn();
  assert.deepEqual(seen(made), [[200, 4]]);
  assert.equal(made.trouble.value, "");
});

test("nothing happens after the end", async () => {
  const { made, asked, changes, timers } = feed();
  made.cover(100 * MINUTE, 200 * MINUTE);
  made.stop();
  assert.equal(asked[0].aborted.aborted, true);
  asked[0].resolve([row(200, 1)]);
  await turn();
  assert.deepEqual([changes.length, timers.length, made.buckets.size], [0, 0, 0]);
});
