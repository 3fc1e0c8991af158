/** @file Books as levels: sums to the last digit, shares, ends, roundings, rows that stay. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bookOf,
  commonOptions,
  mergedBook,
  middleOf,
  stepOf,
  steadyTop,
} from "../../src/headwater/dashboard/book_levels.js";

/** A message as the server writes it; a side is pairs of price and amount, best first. */
function message(exchange, bids, asks, { rounding = 0.1, limit = 20, places = 3 } = {}) {
  const side = (levels) => {
    let units = 0;
    return levels.map(([price, amount]) => {
      units += Math.round(amount * 10 ** places);
      return {
        price,
        priceFormatted: price.toFixed(1),
        amount,
        amountFormatted: amount.toFixed(places),
        cumulative: units / 10 ** places,
      };
    });
  };
  return {
    type: "orderbook_update",
    exchange,
    state: "live",
    rounding,
    roundingOptions: [0.1, 1, 10, 100],
    bids: side(bids),
    asks: side(asks),
    marketDepthInfo: { requestedLevels: limit },
  };
}

const brief = (levels) => levels.map((one) => [one.price, one.amount, one.cumulative]);

test("a venue's own book has the numbers of the message", () => {
  const told = message(
    "okx",
    [
      [100, 0.1],
      [99, 0.2],
    ],
    [[101, 0.7]],
  );
  const book = bookOf(told);
  assert.deepEqual(brief(book.bids), [
    [100, 0.1, 0.1],
    [99, 0.2, 0.3],
  ]);
  assert.deepEqual([book.step, book.priceDecimals, book.amountDecimals], [0.1, 1, 3]);
  assert.deepEqual(
    book.bids.map((one) => one.shares),
    [[0.1], [0.2]],
  );
  // 100 × 0.1 + 99 × 0.2 = 10 + 19.8
  assert.ok(Math.abs(book.bids[1].cumulativeValue - 29.8) < 1e-9);
});

test("equal prices of several venues are one level, exact to the last digit", () => {
  // As doubles 0.1 + 0.2 is 0.30000000000000004, and three times 0.1 is not 0.3 either.
  const book = mergedBook([
    message(
      "a",
      [
        [100, 0.1],
        [98, 0.1],
      ],
      [[101, 1]],
    ),
    message(
      "b",
      [
        [100, 0.2],
        [99, 0.1],
      ],
      [
        [101, 2],
        [103, 4],
      ],
    ),
  ]);
  assert.deepEqual(brief(book.bids), [
    [100, 0.3, 0.3],
    [99, 0.1, 0.4],
    [98, 0.1, 0.5],
  ]);
  assert.deepEqual(
    book.bids.map((one) => one.shares),
    [
      [0.1, 0.2],
      [0, 0.1],
      [0.1, 0],
    ],
  );
  assert.deepEqual(brief(book.asks), [
    [101, 3, 3],
    [103, 4, 7],
  ]);
  assert.deepEqual(book.exchanges, ["a", "b"]);
});

test("venues with different places of amounts are added in the finest", () => {
  const book = mergedBook([
    message("a", [[100, 0.25]], [], { places: 2 }),
    message("b", [[100, 0.00001]], [], { places: 5 }),
  ]);
  assert.deepEqual([book.bids[0].amount, book.amountDecimals], [0.25001, 5]);
});

test("amounts too large for exact units are added as well as doubles can", () => {
  const book = mergedBook([
    message("a", [[1, 9e12]], [], { places: 8 }),
    message("b", [[1, 9e12]], [], { places: 8 }),
  ]);
  assert.equal(book.bids[0].amount, 1.8e13);
});

test("beyond the end of a venue that has more levels nothing is shown", () => {
  // a sent the two levels it was asked for: what it has below 99 is not known.
  const full = message(
    "a",
    [
      [100, 1],
      [99, 1],
    ],
    [
      [101, 1],
      [102, 1],
    ],
    { limit: 2 },
  );
  const deep = message(
    "b",
    [
      [100, 1],
      [99, 1],
      [98, 9],
    ],
    [
      [101, 1],
      [105, 9],
    ],
    { limit: 5 },
  );
  const book = mergedBook([full, deep]);
  assert.deepEqual(brief(book.bids), [
    [100, 2, 2],
    [99, 2, 4],
  ]);
  assert.deepEqual(brief(book.asks), [
    [101, 2, 2],
    [102, 1, 3],
  ]);
  // A venue that has no more than it sent hides nothing.
  const ended = { ...full, marketDepthInfo: { requestedLevels: 20 } };
  assert.equal(mergedBook([ended, deep]).bids.length, 3);
});

test("a merged side is what the venues have, whatever their order (300 random books)", () => {
  let seed = 7;
  const random = (below) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 300; round += 1) {
    const books = ["a", "b", "c"].map((name) => {
      const levels = Array.from({ length: random(9) }, () => [
        100 - random(12),
        random(5000) / 1000,
      ]);
      const once = [...new Map(levels).entries()].sort((x, y) => y[0] - x[0]);
      return message(name, once, []);
    });
    const merged = mergedBook(books).bids;
    const other = mergedBook([books[2], books[0], books[1]]).bids;
    assert.deepEqual(brief(merged), brief(other));
    const units = (levels) => levels.reduce((sum, one) => sum + Math.round(one.amount * 1000), 0);
    assert.equal(units(merged), units(books.flatMap((one) => one.bids)));
    merged.forEach((level, at) => {
      assert.ok(at === 0 || level.price < merged[at - 1].price);
      assert.equal(Math.round(level.cumulative * 1000), units(merged.slice(0, at + 1)));
      assert.equal(
        Math.round(level.shares.reduce((sum, one) => sum + one, 0) * 1000),
        Math.round(level.amount * 1000),
      );
    });
  }
});

test("between the sides: mid and spread, also where venues cross", () => {
  const own = bookOf(message("a", [[100.1, 1]], [[100.4, 1]]));
  assert.deepEqual([middleOf(own)?.mid, middleOf(own)?.spread], [100.25, 0.3]);
  const crossed = mergedBook([message("a", [[100, 1]], [[101, 1]]), message("b", [[102, 1]], [])]);
  assert.equal(middleOf(crossed)?.spread, -1);
  assert.equal(middleOf(bookOf(message("a", [], [[1, 1]]))), undefined);
});

test("venues share the roundings that all of them have", () => {
  const fine = [0.001, 0.01, 0.1, 1, 10, 100];
  assert.deepEqual(commonOptions([fine, [0.1, 1, 10]]), [0.1, 1, 10, 100]);
  assert.deepEqual(commonOptions([fine, []]), fine);
  assert.deepEqual(commonOptions([]), []);
  assert.equal(stepOf(fine, "default"), 0.1);
  assert.equal(stepOf([5], "default"), 5);
  assert.deepEqual(
    ["0", "1", "6"].map((one) => stepOf(fine, one)),
    [0.001, 0.01, 100],
  );
});

test("the row at the top stays there when rows come and go above it", () => {
  const before = [105, 104, 103, 102, 101];
  assert.equal(steadyTop(before, [106, ...before], 45, 20), 65);
  assert.equal(steadyTop(before, [105, 103, 102], 45, 20), 25);
  assert.equal(steadyTop(before, [105, 104, 102], 45, 20), 45); // 103 is gone: 102 is there
  assert.equal(steadyTop(before, [], 45, 20), 45);
  assert.equal(steadyTop([], before, 45, 20), 45);
});
