/** @file Cumulative depth over price: what rests between the middle and any price. Pure. */

import { middleOf } from "./book_levels.js";

/** Levels a side that a chart is made of at most: finer ones would not be seen. */
export const CURVE_LEVELS_MAX = 400;

/**
 * @typedef {import("./book_levels.js").Book} Book
 * @typedef {import("./book_levels.js").Level} Level
 *
 * @typedef {object} Depth
 * @property {Book} book whose it is
 * @property {number} mid quote currency
 * @property {number} low lowest price of the span
 * @property {number} high
 * @property {readonly Level[]} bids inside the span, best first
 * @property {readonly Level[]} asks
 *
 * @typedef {object} DepthPoint what rests between the middle and a price
 * @property {"bid" | "ask"} side
 * @property {number} price
 * @property {number} awayPercent of the mid, below 0 for bids
 * @property {number} amount base units
 * @property {number} value quote currency
 * @property {readonly number[]} shares base units by venue
 * @property {boolean} isBeyond whether no venue tells what is so far away
 */

/**
 * The part of a book that lies within a span around its middle.
 * @param {Book} book @param {number} spanPercent to each side
 * @returns {Depth | undefined} none when a side is empty
 */
export function depthOf(book, spanPercent) {
  const middle = middleOf(book);
  if (middle === undefined) return undefined;
  const { mid } = middle;
  const reach = (mid * spanPercent) / 100;
  const [low, high] = [mid - reach, mid + reach];
  const bids = book.bids.filter((one) => one.price >= low);
  const asks = book.asks.filter((one) => one.price <= high);
  return { book, mid, low, high, bids, asks };
}

/**
 * What rests between the middle and a price.
 * @param {Depth} depth @param {number} price
 * @returns {DepthPoint}
 */
export function depthAt(depth, price) {
  const { book, mid } = depth;
  const isBid = price < mid;
  const side = isBid ? book.bids : book.asks;
  const found = side.filter((one) => (isBid ? one.price >= price : one.price <= price));
  const last = found.at(-1);
  const end = side.at(-1)?.price ?? mid;
  return {
    side: isBid ? "bid" : "ask",
    price,
    awayPercent: (price / mid - 1) * 100,
    amount: last?.cumulative ?? 0,
    value: last?.cumulativeValue ?? 0,
    shares: book.exchanges.map((_, at) => found.reduce((sum, one) => sum + one.shares[at], 0)),
    isBeyond: isBid ? price < end : price > end,
  };
}

/**
 * The finest rounding with which a span has no more levels than a chart can show.
 * @param {readonly number[]} options ascending
 * @param {number} mid quote currency
 * @param {number} spanPercent to each side
 */
export function stepForSpan(options, mid, spanPercent) {
  const span = (mid * spanPercent) / 100;
  return options.find((step) => span / step <= CURVE_LEVELS_MAX) ?? options.at(-1);
}

/**
 * Round numbers inside a range, about as many as wanted: 1, 2 or 5 × a power of ten apart.
 * @param {number} low @param {number} high @param {number} count
 * @returns {number[]} ascending
 */
export function roundTicks(low, high, count) {
  if (!(high > low) || count < 1) return [];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((one) => one * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
}
