/** @file One contract on several venues: units, medians, marks, order, what is old. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  deviationBp,
  linesOf,
  liquidatedOf,
  marksOf,
  median,
  sortedBy,
  yearly,
} from "../../src/headwater/dashboard/overview.js";
import { ASK_EVERY_MS, OverviewFeed } from "../../src/headwater/dashboard/overview_feed.js";
import { columnsThatFit } from "../../src/headwater/dashboard/row_list.js";
import { playedTab } from "./played_tab.js";

/** What is known of a venue; the last price says which one it is. */
const facts = (exchange, last, rate, more = {}) => ({
  exchange,
  ticker: { last, quote_volume_24h: 1_000, change_24h: 0.01 },
  mark: { mark_price: 100.5, index_price: 100, funding_rate: rate, next_funding_time: "soon" },
  funding: { funding_rate: 9, interval_h: 8, funding_time: "later" },
  interest: { open_interest: 10, open_interest_value: null },
  liquidated: { longs: 5, shorts: 6, isFloor: true },
  ageMs: 1_000,
  ...more,
});
const line = (...of) => linesOf([facts(...of)], 15_000)[0];

test("by hand: 100.5 over 100 is 50 bp; 0.01 % each 8 hours is 10.95 % a year; 10 at 100.5", () => {
  const one = line("okx", 100.25, 0.0001);
  assert.ok(Math.abs(one.basisBp - 50) < 1e-9);
  assert.ok(Math.abs(one.yearly - 0.1095) < 1e-12);
  assert.equal(one.interestUsd, 1_005);
  assert.deepEqual([one.rate, one.settledAt, one.isFloor], [0.0001, "soon", true]);
  assert.equal(yearly(0.0000125, 1), 0.1095, "a rate an hour is not a rate each eight");
  assert.deepEqual([yearly(0.1, null), yearly(null, 8), yearly(0.1, 0)], [null, null, null]);
});

test("what a venue does not say is unknown, not zero", () => {
  const none = { ticker: null, mark: null, funding: null, interest: null, liquidated: null };
  const one = line("okx", 1, 1, { ...none, ageMs: null });
  for (const name of [
    "last",
    "mark",
    "basisBp",
    "rate",
    "yearly",
    "interestUsd",
    "change",
    "longs",
  ]) {
    assert.equal(one[name], null, name);
  }
  assert.equal(one.isOld, true);
  const told = line("okx", 1, null, { mark: { mark_price: 3, funding_rate: null } });
  assert.deepEqual([told.rate, told.settledAt], [9, "later"], "the other estimate stands in");
});

test("the value that the venue says itself wins over price times quantity", () => {
  const interest = { open_interest: 10, open_interest_value: 999 };
  assert.equal(line("okx", 1, 1, { interest }).interestUsd, 999);
});

test("prices are held against the median of those that are not old", () => {
  assert.deepEqual([median([]), median([3, 1]), median([9, 1, 5])], [null, 2, 5]);
  const lines = linesOf(
    [
      facts("a", 100, 0),
      facts("b", 101, 0),
      facts("c", 102, 0),
      facts("d", 9, 0, { ageMs: 15_001 }),
    ],
    15_000,
  );
  assert.deepEqual(
    lines.map((one) => Math.round((one.deviationBp ?? NaN) * 100) / 100),
    [-99.01, 0, 99.01, -9108.91],
    "d is held against them, but does not move them",
  );
  assert.equal(deviationBp(1, 0), null);
});

test("the greatest and the least are marked, not of what is old, nor where all are alike", () => {
  const lines = linesOf(
    [
      facts("a", 1, 0.3),
      facts("b", 1, 0.1),
      facts("c", 1, 0.2),
      facts("d", 1, 9, { ageMs: 99_999 }),
    ],
    15_000,
  );
  assert.deepEqual(marksOf(lines, "rate"), ["greatest", "least", "", ""]);
  assert.deepEqual(marksOf(lines, "last"), ["", "", "", ""]);
  assert.deepEqual(marksOf(lines.slice(0, 1), "rate"), [""]);
});

test("compare funding on four venues: by what it is in a year, whatever the intervals are", () => {
  const hourly = { funding: { funding_rate: 0, interval_h: 1 } };
  const lines = linesOf(
    [
      facts("binance", 1, 0.0001),
      facts("bybit", 1, -0.0002),
      facts("hyperliquid", 1, 0.00005, hourly),
      facts("okx", 1, null, { mark: null, funding: null }),
    ],
    15_000,
  );
  const down = sortedBy(lines, { name: "yearly", isDown: true }).map((one) => one.exchange);
  assert.deepEqual(down, ["hyperliquid", "binance", "bybit", "okx"]);
  const up = sortedBy(lines, { name: "yearly", isDown: false }).map((one) => one.exchange);
  assert.deepEqual(up, ["bybit", "binance", "hyperliquid", "okx"], "unknown stays last");
  const words = sortedBy(lines, { name: "exchange", isDown: true }).map((one) => one.exchange);
  assert.deepEqual(words, ["okx", "hyperliquid", "bybit", "binance"]);
});

test("liquidations of a day are summed by side; one lower bound makes the sum one", () => {
  const rows = [
    { sell_volume: 5, buy_volume: 1, is_floor: false },
    { sell_volume: 7, buy_volume: 0, is_floor: true },
  ];
  assert.deepEqual(liquidatedOf(rows), { longs: 12, shorts: 1, isFloor: true });
  assert.deepEqual(liquidatedOf([]), { longs: 0, shorts: 0, isFloor: false });
});

test("columns are left out by their rank while there is no room", () => {
  const columns = [
    { name: "a", width: 5 },
    { name: "b", width: 5, rank: 2 },
    { name: "c", width: 5, rank: 1 },
  ];
  const names = (room) =>
    columnsThatFit(columns, room)
      .map((one) => one.name)
      .join("");
  assert.deepEqual([names(15), names(14), names(9), names(0)], ["abc", "ac", "a", "a"]);
});

/** A feed whose questions the test answers. */
function played() {
  const follows = new Map();
  const asked = [];
  const timers = [];
  let changes = 0;
  const stream = {
    follow: (topic, hear) => (follows.set(topic, hear), () => follows.delete(topic)),
    heardMs: (topic) => ({ "okx/BTCUSDT/ticker": 400, "okx/BTCUSDT/mark_price": 900 })[topic],
    world: { random: () => 1, later: (work, ms) => (timers.push({ work, ms }), () => {}) },
  };
  const get = (path, query, aborted) =>
    new Promise((answer, fail) =>
      asked.push({ name: [...path, query.exchanges].join("/"), answer, fail, aborted }),
    );
  const tab = playedTab();
  const feed = new OverviewFeed(
    "BTCUSDT",
    ["bybit", "okx"],
    { get, stream, stores: true, whenSeen: tab.whenSeen },
    () => (changes += 1),
  );
  return { feed, follows, asked, timers, tab, changes: () => changes };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("live numbers and slow ones come together; an age is that of the older topic", async () => {
  const { feed, follows, asked, timers } = played();
  assert.equal(follows.size, 4);
  follows.get("okx/BTCUSDT/ticker")({ kind: "snapshot", data: { last: 7 } });
  follows.get("okx/BTCUSDT/mark_price")({ kind: "problem", text: "none" });
  for (const one of asked) {
    if (one.name.startsWith("multi/oi"))
      one.fail(Object.assign(new Error("busy"), { status: 503 }));
    else if (one.name.endsWith("bybit")) one.fail(Object.assign(new Error("no"), { status: 404 }));
    else if (one.name.endsWith("okx"))
      one.answer([{ sell_volume: 1, buy_volume: 2, is_floor: false }]);
    else one.answer({ okx: { interval_h: 8 }, errors: { bybit: {} } });
  }
  await settled();
  const [bybit, okx] = feed.facts(1_000);
  assert.deepEqual([bybit.ticker, bybit.liquidated, bybit.ageMs], [null, null, null]);
  assert.deepEqual([okx.ticker, okx.funding, okx.ageMs], [{ last: 7 }, { interval_h: 8 }, 600]);
  assert.deepEqual(okx.liquidated, { longs: 1, shorts: 2, isFloor: false });
  assert.equal(feed.problem, "busy", "what is not there is no problem, what failed is one");
  assert.ok(timers[0].ms < ASK_EVERY_MS, "and is asked again soon");
  timers[0].work();
  assert.equal(asked.length, 8);
  feed.stop();
  assert.equal(follows.size, 0);
  assert.equal(asked[7].aborted.aborted, true);
});

test("a hidden tab asks for no slow numbers until it is seen", async () => {
  const { asked, timers, tab } = played();
  for (const one of asked) one.answer([]);
  await settled();
  const before = asked.length;
  assert.equal(timers[0].ms, ASK_EVERY_MS);
  tab.hide();
  timers[0].work();
  assert.equal(asked.length, before);
  tab.show();
  assert.equal(asked.length, 2 * before);
});
