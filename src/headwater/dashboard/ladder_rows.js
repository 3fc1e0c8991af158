/** @file The rows of an order-book ladder as text: what stands where, and what is said of a row. */

import { compact, fixed } from "./format.js";
import { middleOf } from "./book_levels.js";

/**
 * @typedef {import("./book_levels.js").Book} Book
 * @typedef {import("./book_levels.js").Level} Level
 * @typedef {"coin" | "usd"} Unit
 *
 * @typedef {object} Row
 * @property {Level} level
 * @property {string} price
 * @property {string} size
 * @property {string} total from the best price to this one
 * @property {number} depth the total as a share of the greatest one of both sides, 0 to 1
 *
 * @typedef {object} Ladder
 * @property {readonly Row[]} asks highest price first, as they stand above the middle
 * @property {readonly Row[]} bids highest price first
 * @property {string} middle what stands between the sides
 */

/**
 * The ladder of a book.
 * @param {Book} book @param {number} rows a side at most @param {Unit} unit of sizes
 * @returns {Ladder}
 */
export function ladderOf(book, rows, unit) {
  const asks = book.asks.slice(0, rows);
  const bids = book.bids.slice(0, rows);
  const isCoin = unit === "coin";
  /** @param {Level | undefined} level */
  const totalOf = (level) => (isCoin ? level?.cumulative : level?.cumulativeValue) ?? 0;
  const most = Math.max(totalOf(asks.at(-1)), totalOf(bids.at(-1)));
  const decimals = isCoin ? book.amountDecimals : 0;
  /** @param {Level} level @returns {Row} */
  const rowOf = (level) => ({
    level,
    price: fixed(level.price, book.priceDecimals),
    size: fixed(isCoin ? level.amount : level.value, decimals),
    total: fixed(totalOf(level), decimals),
    depth: most > 0 ? totalOf(level) / most : 0,
  });
  return { asks: asks.map(rowOf).reverse(), bids: bids.map(rowOf), middle: middleText(book) };
}

/** Mid and spread in words. @param {Book} book */
function middleText(book) {
  const middle = middleOf(book);
  if (middle === undefined) return book.bids.length ? "no asks" : "no bids";
  const { mid, spread, spreadBp } = middle;
  const text = `mid ${fixed(mid, book.priceDecimals + 1)}`;
  const points = fixed(Math.abs(spreadBp), 2);
  const size = `${fixed(Math.abs(spread), book.priceDecimals)} (${points} bp)`;
  return spread < 0 ? `${text} · venues cross by ${size}` : `${text} · spread ${size}`;
}

/**
 * Each venue's share of an amount, the greatest first.
 * @param {Book} book @param {readonly number[]} shares base units
 */
export function sharesOf(book, shares) {
  const sum = shares.reduce((total, one) => total + one, 0);
  return book.exchanges
    .map((exchange, at) => ({
      exchange,
      at,
      amount: shares[at],
      part: sum > 0 ? shares[at] / sum : 0,
    }))
    .filter((one) => one.amount > 0)
    .sort((a, b) => b.amount - a.amount);
}

/**
 * Each venue's share of all the levels that are shown, as the venues stand in the book.
 * @param {Book} book @param {number} rows a side
 * @returns {number[]} 0 to 1
 */
export function shownShares(book, rows) {
  const shown = [...book.asks.slice(0, rows), ...book.bids.slice(0, rows)];
  const sums = book.exchanges.map((_, at) => shown.reduce((sum, one) => sum + one.shares[at], 0));
  const all = sums.reduce((sum, one) => sum + one, 0);
  return sums.map((one) => (all > 0 ? one / all : 0));
}

/**
 * All that there is to say of a level, in one sentence.
 * @param {Book} book @param {"bid" | "ask"} side @param {Level} level
 */
export function levelText(book, side, level) {
  const middle = middleOf(book);
  const away = middle === undefined ? 0 : (level.price / middle.mid - 1) * 100;
  const far = `${away < 0 ? "−" : "+"}${fixed(Math.abs(away), 3)} %`;
  const parts = [
    `${side} ${fixed(level.price, book.priceDecimals)} (${far})`,
    `${fixed(level.amount, book.amountDecimals)} = ${compact(level.value)} USD`,
    `to here ${fixed(level.cumulative, book.amountDecimals)} = ` +
      `${compact(level.cumulativeValue)} USD`,
  ];
  if (book.exchanges.length > 1) {
    const shares = sharesOf(book, level.shares);
    parts.push(
      shares
        .map(
          (one) =>
            `${one.exchange} ${fixed(one.amount, book.amountDecimals)} (${percent(one.part)})`,
        )
        .join(", "),
    );
  }
  return parts.join(" · ");
}

/** @param {number} part 0 to 1 */
export const percent = (part) => `${fixed(part * 100, part < 0.0995 && part > 0 ? 1 : 0)} %`;

/**
 * A book as a table: asks from the highest, then bids, as they stand on the screen.
 * @param {Book | undefined} book @param {number} rows a side at most @param {string} caption
 * @returns {import("./csv.js").Table}
 */
export function bookTable(book, rows, caption) {
  const isMerged = book !== undefined && book.exchanges.length > 1;
  /** @param {string} side @param {Level} level */
  const row = (side, level) => [
    side,
    level.price,
    level.amount,
    level.cumulative,
    ...(isMerged ? level.shares : []),
  ];
  const asks = (book?.asks ?? []).slice(0, rows).reverse();
  const bids = (book?.bids ?? []).slice(0, rows);
  return {
    caption,
    columns: ["side", "price", "amount", "cumulative", ...(isMerged ? book.exchanges : [])],
    rows: [...asks.map((one) => row("ask", one)), ...bids.map((one) => row("bid", one))],
    isRanked: true,
  };
}
