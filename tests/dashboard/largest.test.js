/** @file The largest liquidations: merged, bounded, sorted, asked for again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LARGEST_MAX,
  inOrder,
  mergeLargest,
  resorted,
} from "../../src/headwater/dashboard/largest.js";
import { LargestFeed, REFRESH_MS } from "../../src/headwater/dashboard/largest_feed.js";
import { playedTab } from "./played_tab.js";
import { eventOf } from "../../src/headwater/dashboard/tape.js";

const T0 = Date.parse("2024-11-07T17:20:00.000Z");

const row = (number, value, more = {}) => ({
  exchange: "bybit",
  symbol: "BTCUSDT",
  timestamp: new Date(T0 + number).toISOString(),
  side: "sell",
  position_side: "long",
  price: 100,
  quantity: value / 100,
  value,
  price_kind: "bankruptcy",
  order_id: null,
  is_floor: false,
  ...more,
});
const event = (...of) => eventOf(row(...of));
const values = (events) => events.map((one) => one.value);

test("two lists become one: each once, the largest first, of equals the newest", () => {
  const merged = mergeLargest([event(1, 5), event(2, 9)], [event(2, 9), event(3, 7), event(4, 9)]);
  assert.deepEqual(values(merged), [9, 9, 7, 5]);
  assert.equal(merged[0].timeMs, T0 + 4);
});

test("a full list keeps the largest", () => {
  const many = Array.from({ length: LARGEST_MAX }, (_, at) => event(at, at + 10));
  const merged = mergeLargest(many, [event(9_999, 1), event(9_998, 10_000)]);
  assert.equal(merged.length, LARGEST_MAX);
  assert.equal(merged[0].value, 10_000);
  assert.equal(merged.at(-1)?.value, 11, "the two smallest fell out");
});

test("a heading sorts, and the other way round when it is pressed again", () => {
  const texts = new Set(["venue"]);
  const events = [event(3, 9), event(1, 7, { exchange: "okx" }), event(2, 5)];
  let sorting = resorted({ name: "value", isDown: true }, "time", texts);
  assert.deepEqual(sorting, { name: "time", isDown: true });
  assert.deepEqual(values(inOrder(events, sorting)), [9, 5, 7]);
  sorting = resorted(sorting, "time", texts);
  assert.deepEqual(values(inOrder(events, sorting)), [7, 5, 9]);
  sorting = resorted(sorting, "venue", texts);
  assert.deepEqual(sorting, { name: "venue", isDown: false }, "words begin with a");
  assert.deepEqual(values(inOrder(events, sorting)), [9, 5, 7]);
});

/** Answers that the test gives by hand, and timers that it fires. */
function played(symbol = "") {
  const asked = [];
  const timers = [];
  let hear = (_event) => {};
  const stream = {
    follow: (topic, follower) => {
      hear = follower;
      asked.topic = topic;
      return () => {};
    },
    world: {
      random: () => 1,
      later: (work, ms) => {
        timers.push({ work, ms });
        return () => timers.pop();
      },
    },
  };
  const ask = (wish, limit, aborted) =>
    new Promise((answer, fail) => asked.push({ wish, limit, aborted, answer, fail }));
  const tab = playedTab();
  const feed = new LargestFeed(
    { symbol, venue: "bybit", least: "0", span: "1h" },
    { ask, stream, whenSeen: tab.whenSeen },
  );
  return { feed, asked, timers, tab, say: (event) => hear(event) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("live ones are added, and stay when an answer that is older than they comes", async () => {
  const { feed, asked, timers, say } = played("BTCUSDT");
  assert.equal(asked.topic, "all/liquidations?exchanges=bybit&min_value_usd=0&symbols=BTCUSDT");
  say({ kind: "snapshot", data: [row(0, 1_000_000)] });
  say({ kind: "update", data: row(5, 60) });
  asked[0].answer([row(1, 50), row(2, 40)]);
  await settled();
  assert.deepEqual(values(feed.found.value.events), [60, 50, 40], "not the snapshot's: too old");
  assert.equal(feed.found.value.phase, "ready");
  assert.equal(timers[0].ms, REFRESH_MS);
  timers[0].work();
  say({ kind: "update", data: row(7, 90) });
  asked[1].answer([row(2, 40)]);
  await settled();
  assert.deepEqual(values(feed.found.value.events), [90, 60, 40], "50 has left the span");
  timers.at(-1)?.work();
  asked[2].answer([row(7, 90)]);
  await settled();
  assert.deepEqual(values(feed.found.value.events), [90], "60 had its one more round");
});

test("a failure is said, the list stays, and it is asked again", async () => {
  const { feed, asked, timers } = played();
  asked[0].answer([row(1, 50)]);
  await settled();
  timers[0].work();
  asked[1].fail(new Error("the platform does not answer"));
  await settled();
  assert.equal(feed.found.value.phase, "failed");
  assert.equal(feed.found.value.text, "the platform does not answer");
  assert.deepEqual(values(feed.found.value.events), [50]);
  timers.at(-1)?.work();
  assert.equal(asked.length, 3);
  feed.stop();
  assert.equal(asked[2].aborted.aborted, true);
});

test("after a hole in the stream the platform is asked", async () => {
  const { asked, say } = played();
  say({ kind: "snapshot", data: [] });
  asked[0].answer([]);
  await settled();
  say({ kind: "dropped" });
  assert.equal(asked.length, 2);
  asked[1].answer([]);
  await settled();
  say({ kind: "snapshot", data: [] });
  assert.equal(asked.length, 3, "another life of the topic");
});

test("a hidden tab asks nothing, and asks the moment it is seen", async () => {
  const { asked, timers, tab } = played();
  asked[0].answer([row(1, 50)]);
  await settled();
  tab.hide();
  timers[0].work();
  assert.equal(asked.length, 1);
  tab.show();
  assert.equal(asked.length, 2);
});

test("an answer that comes after the end begins nothing", async () => {
  const { feed, asked, timers } = played();
  feed.stop();
  asked[0].answer([row(1, 50)]);
  await settled();
  assert.deepEqual([feed.found.value.events.length, timers.length], [0, 0]);
});

test("stopped in a hidden tab, it asks nothing when that is seen", async () => {
  const { feed, asked, timers, tab } = played();
  asked[0].answer([]);
  await settled();
  tab.hide();
  timers[0].work();
  feed.stop();
  tab.show();
  assert.equal(asked.length, 1);
});
