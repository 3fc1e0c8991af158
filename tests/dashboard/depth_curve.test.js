/** @file Depth over price: what rests up to a price, the rounding of a span, ticks of axes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CURVE_LEVELS_MAX,
  depthAt,
  depthOf,
  roundTicks,
  stepForSpan,
} from "../../src/headwater/dashboard/depth_curve.js";

const levels = (...rows) => {
  let cumulative = 0;
  let cumulativeValue = 0;
  return rows.map(([price, ...shares]) => {
    const amount = shares.reduce((sum, one) => sum + one, 0);
    cumulative += amount;
    cumulativeValue += amount * price;
    return { price, amount, cumulative, value: amount * price, cumulativeValue, shares };
  });
};

/** Mid 100; a has bids of 1 and 2, b one of 3; asks of 4 and 8. */
const BOOK = {
  exchanges: ["a", "b"],
  step: 1,
  priceDecimals: 0,
  amountDecimals: 0,
  bids: levels([99, 1, 0], [98, 2, 3], [90, 10, 0]),
  asks: levels([101, 4, 0], [102, 0, 8]),
};

test("a span cuts both sides around the middle", () => {
  const depth = depthOf(BOOK, 2);
  assert.deepEqual([depth.mid, depth.low, depth.high], [100, 98, 102]);
  assert.deepEqual(
    depth.bids.map((one) => one.price),
    [99, 98],
  );
  assert.deepEqual(depth.asks.at(-1)?.cumulative, 12);
  assert.equal(depthOf({ ...BOOK, asks: [] }, 2), undefined);
});

test("at a price stands what rests between it and the middle", () => {
  const depth = depthOf(BOOK, 10);
  const brief = (price) => {
    const at = depthAt(depth, price);
    return [at.side, at.amount, at.value, at.isBeyond];
  };
  assert.deepEqual(brief(99.5), ["bid", 0, 0, false]);
  assert.deepEqual(brief(99), ["bid", 1, 99, false]);
  assert.deepEqual(brief(98.5), ["bid", 1, 99, false]);
  // 99 × 1 + 98 × 5 = 589
  assert.deepEqual(brief(95), ["bid", 6, 589, false]);
  assert.deepEqual(brief(101.5), ["ask", 4, 404, false]);
  // The asks end at 102: what is farther is not known.
  assert.deepEqual(brief(103), ["ask", 12, 1220, true]);
  assert.deepEqual(depthAt(depth, 98).shares, [3, 3]);
  assert.ok(Math.abs(depthAt(depth, 98).awayPercent + 2) < 1e-9);
});

test("the rounding is the finest that a chart can show", () => {
  const options = [0.1, 1, 10, 100];
  // 1 % of 60,000 is 600: 6,000 steps of 0.1, 600 of 1, 60 of 10.
  assert.equal(stepForSpan(options, 60_000, 1), 10);
  assert.equal(stepForSpan(options, 60_000, 0.5), 1);
  assert.equal(stepForSpan(options, 60_000, 0.05), 0.1);
  assert.equal(stepForSpan(options, 9e9, 10), 100);
  assert.equal(CURVE_LEVELS_MAX, 400);
});

test("ticks are round numbers inside the range", () => {
  assert.deepEqual(roundTicks(98.2, 101.9, 4), [99, 100, 101]);
  assert.deepEqual(roundTicks(0, 100, 5), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(roundTicks(5, 5, 3), []);
  for (let low = 0.001; low < 1e6; low *= 7) {
    const ticks = roundTicks(low, low * 1.02, 6);
    assert.ok(ticks.length >= 2 && ticks.length <= 7, String(low));
    assert.ok(ticks.every((one) => one >= low * 0.999999 && one <= low * 1.020001));
  }
});
