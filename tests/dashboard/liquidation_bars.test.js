/** @file Rows of the API as bars and text: sides, units, lower bounds, the beginning of candles. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  barsOf,
  bucketOf,
  candleStart,
  cellsOf,
  sumText,
} from "../../src/headwater/dashboard/liquidation_bars.js";

const row = (more = {}) => ({
  timestamp: "2024-11-07T17:20:00.000Z",
  buy_volume: 1250.5,
  sell_volume: 33500,
  buy_quantity: 0.02,
  sell_quantity: 0.5,
  buy_count: 1,
  sell_count: 3,
  is_floor: true,
  ...more,
});

test("shorts rise, longs hang, in the unit that is chosen; nothing leaves its place empty", () => {
  const bucket = bucketOf(row());
  const time = Date.UTC(2024, 10, 7, 17, 20) / 1000;
  assert.equal(bucket.time, time);
  assert.deepEqual(barsOf(time, bucket, "usd"), {
    shorts: { time, value: 1250.5 },
    longs: { time, value: -33500 },
  });
  assert.equal(barsOf(time, bucket, "coin").longs.value, -0.5);
  assert.equal(barsOf(time, bucket, "count").shorts.value, 1);
  const quiet = bucketOf(row({ buy_volume: 0 }));
  assert.deepEqual(barsOf(time, quiet, "usd").shorts, { time });
  assert.deepEqual(barsOf(time, undefined, "usd"), { shorts: { time }, longs: { time } });
});

test("the table has the numbers of the API, and says which are lower bounds", () => {
  assert.deepEqual(cellsOf(bucketOf(row()), "usd"), [1250.5, 33500, "at least"]);
  const whole = bucketOf(row({ is_floor: false }));
  assert.deepEqual(cellsOf(whole, "coin"), [0.02, 0.5, "exact"]);
  const external = bucketOf(row({ buy_count: null, sell_count: null }));
  assert.deepEqual(cellsOf(external, "count"), ["", "", "at least"]);
  assert.deepEqual(cellsOf(undefined, "usd"), ["", "", ""]);
});

test("a lower bound is marked, one of nothing is not, and what is not known is not zero", () => {
  assert.equal(sumText(33500, true), "≥33.5K");
  assert.equal(sumText(33500, false), "33.5K");
  assert.equal(sumText(0, true), "0");
  assert.equal(sumText(null, true), "?");
});

test("candles begin where those of the API do: weeks on Mondays, all else by the clock", () => {
  const thursday = Date.UTC(2024, 10, 7, 17, 23, 45) / 1000;
  const starts = ["1m", "3m", "15m", "4h", "1d", "1w"].map((interval) =>
    new Date(candleStart(thursday, interval) * 1000).toISOString().slice(5, 16),
  );
  assert.deepEqual(starts, [
    "11-07T17:23",
    "11-07T17:21",
    "11-07T17:15",
    "11-07T16:00",
    "11-07T00:00",
    "11-04T00:00",
  ]);
});
