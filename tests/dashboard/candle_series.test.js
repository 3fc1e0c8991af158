/** @file Candles stay in order, and the newer word on each counts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CANDLES_MAX,
  candleAt,
  candleOf,
  mergeCandles,
  takeCandle,
} from "../../src/headwater/dashboard/candle_series.js";

const candle = (time, close, isClosed = true, revision = 0) => ({
  time,
  open: 1,
  high: 9,
  low: 1,
  close,
  volume: 1,
  isClosed,
  revision,
});
const seen = (candles) => candles.map(({ time, close }) => [time, close]);

test("a row of the API is read with its time in seconds", () => {
  const row = {
    timestamp: "2024-11-07T17:20:00.000Z",
    open: 1,
    high: 4,
    low: 0.5,
    close: 2,
    volume: 3,
    is_closed: false,
    revision: 2,
  };
  // 20034 days and 17 h 20 min after the beginning of 1970.
  assert.deepEqual(candleOf(row), {
    time: 20034 * 86400 + 17 * 3600 + 20 * 60,
    open: 1,
    high: 4,
    low: 0.5,
    close: 2,
    volume: 3,
    isClosed: false,
    revision: 2,
  });
});

test("pages join in order, without doubles", () => {
  const merged = mergeCandles(
    [candle(60, 1), candle(180, 3)],
    [candle(0, 0), candle(60, 1), candle(120, 2)],
  );
  assert.deepEqual(seen(merged), [
    [0, 0],
    [60, 1],
    [120, 2],
    [180, 3],
  ]);
});

test("a closed candle is not opened again, and a correction is not undone", () => {
  assert.deepEqual(seen(mergeCandles([candle(0, 5)], [candle(0, 4, false)])), [[0, 5]]);
  assert.deepEqual(seen(mergeCandles([candle(0, 4, false)], [candle(0, 5)])), [[0, 5]]);
  assert.deepEqual(seen(mergeCandles([candle(0, 6, true, 1)], [candle(0, 5)])), [[0, 6]]);
  assert.deepEqual(seen(mergeCandles([candle(0, 5)], [candle(0, 6, true, 1)])), [[0, 6]]);
});

test("no more candles than the bound, and the newest stay", () => {
  const many = Array.from({ length: CANDLES_MAX }, (_, index) => candle(index * 60, index));
  const merged = mergeCandles(many, [candle(CANDLES_MAX * 60, -1)]);
  assert.equal(merged.length, CANDLES_MAX);
  assert.deepEqual(seen(merged.slice(-1)), [[CANDLES_MAX * 60, -1]]);
});

test("live candles: the last grows, the next is added, an old one is put where it belongs", () => {
  const candles = [];
  assert.equal(takeCandle(candles, candle(0, 1, false)), "tail");
  assert.equal(takeCandle(candles, candle(0, 2, false)), "tail");
  assert.equal(takeCandle(candles, candle(120, 4, false)), "tail");
  assert.equal(takeCandle(candles, candle(60, 3)), "inserted");
  assert.equal(takeCandle(candles, candle(0, 7)), "inside");
  assert.equal(takeCandle(candles, candle(0, 8, false)), "old");
  assert.equal(takeCandle(candles, candle(-60, 8)), "old");
  assert.deepEqual(seen(candles), [
    [0, 7],
    [60, 3],
    [120, 4],
  ]);
});

test("a time lies in the candle that began last before it", () => {
  const candles = [candle(60, 1), candle(120, 2), candle(240, 4)];
  const found = [59, 60, 119, 120, 239, 240, 9999].map((time) => candleAt(candles, time)?.close);
  assert.deepEqual(found, [undefined, 1, 1, 2, 2, 4, 4]);
  assert.equal(candleAt([], 1), undefined);
});
