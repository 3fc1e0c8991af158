/** @file What stands in the rows of a ladder, in its table and in what is said of a level. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bookTable,
  ladderOf,
  levelText,
  percent,
  shownShares,
} from "../../src/headwater/dashboard/ladder_rows.js";

const level = (price, shares, cumulative, cumulativeValue) => {
  const amount = shares.reduce((sum, one) => sum + one, 0);
  return { price, amount, cumulative, value: price * amount, cumulativeValue, shares };
};
const BOOK = {
  exchanges: ["a", "b"],
  step: 0.5,
  priceDecimals: 1,
  amountDecimals: 3,
  bids: [level(1000, [1, 3], 4, 4000), level(999.5, [0.5, 0], 4.5, 4499.75)],
  asks: [level(1000.5, [2, 0], 2, 2001), level(1001, [0, 7], 9, 9008)],
};

test("asks stand above the middle from the highest, with totals from the best outwards", () => {
  const { asks, bids, middle } = ladderOf(BOOK, 25, "coin");
  const brief = (rows) => rows.map((one) => [one.price, one.size, one.total, one.depth]);
  assert.deepEqual(brief(asks), [
    ["1,001.0", "7.000", "9.000", 1],
    ["1,000.5", "2.000", "2.000", 2 / 9],
  ]);
  assert.deepEqual(brief(bids)[1], ["999.5", "0.500", "4.500", 0.5]);
  // 0.5 of 1000.25 is 4.998… basis points
  assert.equal(middle, "mid 1,000.25 · spread 0.5 (5.00 bp)");
});

test("in USD a size is amount times price", () => {
  const { bids } = ladderOf(BOOK, 25, "usd");
  assert.deepEqual([bids[0].size, bids[1].total], ["4,000", "4,500"]);
});

test("a side that is missing, and venues that cross, are said", () => {
  assert.equal(ladderOf({ ...BOOK, asks: [] }, 5, "coin").middle, "no asks");
  assert.equal(ladderOf({ ...BOOK, bids: [] }, 5, "coin").middle, "no bids");
  const crossed = { ...BOOK, bids: [level(1002, [1, 0], 1, 1002)] };
  assert.match(ladderOf(crossed, 5, "coin").middle, /venues cross by 1\.5/);
});

test("a level tells its distance, its value and who has it, the greatest first", () => {
  assert.equal(
    levelText(BOOK, "bid", BOOK.bids[0]),
    "bid 1,000.0 (−0.025 %) · 4.000 = 4K USD · to here 4.000 = 4K USD · " +
      "b 3.000 (75 %), a 1.000 (25 %)",
  );
  assert.deepEqual([percent(0.004), percent(0), percent(0.5)], ["0.4 %", "0 %", "50 %"]);
});

test("a venue's share is of what is shown", () => {
  // a has 1 + 2, b has 3 of the best levels
  assert.deepEqual(shownShares(BOOK, 1), [0.5, 0.5]);
});

test("the table has the numbers as they came, in the order of the screen", () => {
  const table = bookTable(BOOK, 1, "x");
  assert.deepEqual(table.columns, ["side", "price", "amount", "cumulative", "a", "b"]);
  assert.deepEqual(table.rows, [
    ["ask", 1000.5, 2, 2, 2, 0],
    ["bid", 1000, 4, 4, 1, 3],
  ]);
  assert.deepEqual(bookTable(undefined, 5, "x").rows, []);
});
