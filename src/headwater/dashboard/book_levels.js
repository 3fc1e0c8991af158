/**
 * @file An order book as levels: of one venue, or of several on a common grid of prices, with each
 * venue's share. Pure; takes `orderbook_update` messages of the terminal (docs/guides/terminal.md).
 */

import { decimalsOf } from "./format.js";

/**
 * @typedef {object} Level
 * @property {number} price quote currency
 * @property {number} amount base units
 * @property {number} cumulative base units from the best price to this one
 * @property {number} value quote currency: amount × price
 * @property {number} cumulativeValue quote currency from the best price to this one
 * @property {readonly number[]} shares of the amount in base units, by venue as `Book.exchanges`
 *
 * @typedef {object} Book
 * @property {readonly string[]} exchanges venues that are in it
 * @property {number} step what prices are rounded to: bids down, asks up
 * @property {readonly Level[]} bids best first
 * @property {readonly Level[]} asks best first
 * @property {number} priceDecimals with which prices are written
 * @property {number} amountDecimals
 */

/** Amounts are added as whole units of at most so many decimals, so that sums are exact. */
const DECIMALS_MAX = 12;

/** Decimals of a number that is written out. @param {string} text */
const decimalsIn = (text) => (text.includes(".") ? text.length - text.indexOf(".") - 1 : 0);

/** Decimals of the prices: no more than the rounding has. @param {any[]} messages */
const priceDecimalsOf = (messages) =>
  Math.min(
    decimalsOfMessages(messages, "priceFormatted"),
    decimalsOf(messages.map((one) => one.rounding)),
  );

/** @param {any[]} messages @param {string} name */
function decimalsOfMessages(messages, name) {
  const levels = messages.flatMap((one) => [one.bids[0], one.asks[0]]);
  return Math.max(0, ...levels.map((one) => (one === undefined ? 0 : decimalsIn(one[name]))));
}

/**
 * The book that one message tells; its numbers are the message's.
 * @param {any} message
 * @returns {Book}
 */
export function bookOf(message) {
  return {
    exchanges: [message.exchange],
    step: message.rounding,
    bids: ownLevels(message.bids),
    asks: ownLevels(message.asks),
    priceDecimals: priceDecimalsOf([message]),
    amountDecimals: decimalsOfMessages([message], "amountFormatted"),
  };
}

/** @param {any[]} rows best first @returns {Level[]} */
function ownLevels(rows) {
  let cumulativeValue = 0;
  return rows.map(({ price, amount, cumulative }) => {
    const value = price * amount;
    cumulativeValue += value;
    return { price, amount, cumulative, value, cumulativeValue, shares: [amount] };
  });
}

/**
 * The books of several venues as one.
 *
 * A venue that sent as many levels as it was asked for has more behind them: farther than the
 * nearest such end nothing is shown, since what is there would lack a venue.
 * @param {readonly any[]} messages of different venues, all rounded to the same step
 * @returns {Book}
 */
export function mergedBook(messages) {
  const all = [...messages];
  const decimals = Math.min(decimalsOfMessages(all, "amountFormatted"), DECIMALS_MAX);
  return {
    exchanges: all.map((one) => one.exchange),
    step: all[0]?.rounding ?? 0,
    bids: mergedSide(all, "bids", decimals),
    asks: mergedSide(all, "asks", decimals),
    priceDecimals: priceDecimalsOf(all),
    amountDecimals: decimals,
  };
}

/**
 * Units that are added exactly: 10^-decimals, coarser where the sums would not fit a double.
 * @param {any[]} messages @param {"bids" | "asks"} side @param {number} decimals
 */
function unitsPerCoin(messages, side, decimals) {
  const most = messages.reduce((sum, one) => sum + (one[side].at(-1)?.cumulative ?? 0), 0);
  let scale = 10 ** decimals;
  while (scale > 1 && most * scale > Number.MAX_SAFE_INTEGER) scale /= 10;
  return scale;
}

/**
 * @param {any[]} messages @param {"bids" | "asks"} side @param {number} decimals
 * @returns {Level[]} best first
 */
function mergedSide(messages, side, decimals) {
  const scale = unitsPerCoin(messages, side, decimals);
  /** @type {Map<number, number[]>} units of each venue by price */
  const found = new Map();
  messages.forEach((message, venue) => {
    for (const { price, amount } of message[side]) {
      const shares = found.get(price) ?? new Array(messages.length).fill(0);
      shares[venue] += Math.round(amount * scale);
      found.set(price, shares);
    }
  });
  const end = commonEnd(messages, side);
  const isBid = side === "bids";
  const prices = [...found.keys()].filter((price) => (isBid ? price >= end : price <= end));
  prices.sort((a, b) => (isBid ? b - a : a - b));
  let cumulative = 0;
  let cumulativeValue = 0;
  return prices.map((price) => {
    const shares = found.get(price) ?? [];
    const units = shares.reduce((sum, one) => sum + one, 0);
    const amount = units / scale;
    cumulative += units;
    cumulativeValue += price * amount;
    return {
      price,
      amount,
      cumulative: cumulative / scale,
      value: price * amount,
      cumulativeValue,
      shares: shares.map((one) => one / scale),
    };
  });
}

/**
 * Whether a venue has more levels on a side than it was asked for.
 * @param {any} message @param {"bids" | "asks"} side
 */
export const isCut = (message, side) =>
  message[side].length >= Math.min(message.marketDepthInfo.requestedLevels, 1000);

/**
 * The farthest price up to which every venue has told all that it knows.
 * @param {any[]} messages @param {"bids" | "asks"} side
 */
function commonEnd(messages, side) {
  const ends = messages.filter((one) => isCut(one, side)).map((one) => one[side].at(-1).price);
  return side === "bids" ? Math.max(-Infinity, ...ends) : Math.min(Infinity, ...ends);
}

/**
 * @typedef {object} Middle
 * @property {number} mid between the best prices, quote currency
 * @property {number} spread quote currency; below 0 where the venues' books cross
 * @property {number} spreadBp of the mid
 */

/** What lies between the sides; none when one is empty. @param {Book} book
 * @returns {Middle | undefined}
 */
export function middleOf({ bids, asks, priceDecimals }) {
  const [bid, ask] = [bids[0]?.price, asks[0]?.price];
  if (bid === undefined || ask === undefined) return undefined;
  const mid = (bid + ask) / 2;
  // A difference of two decimals is a decimal; the difference of their doubles is not quite.
  const spread = Number((ask - bid).toFixed(priceDecimals));
  return { mid, spread, spreadBp: (spread / mid) * 10_000 };
}

/**
 * The roundings that books of several venues can share: none finer than the coarsest of their own
 * finest ones.
 * @param {readonly (readonly number[])[]} options of each venue, ascending
 * @returns {number[]} ascending
 */
export function commonOptions(options) {
  const told = options.filter((one) => one.length > 0);
  const finest = Math.max(...told.map((one) => one[0]));
  return [...new Set(told.flat())].filter((one) => one >= finest).sort((a, b) => a - b);
}

/** The rounding where none was chosen: the third, as the server has it.
 * @param {readonly number[]} options ascending
 */
const defaultOption = (options) => options[Math.min(2, options.length - 1)];

/**
 * The rounding that a choice means here.
 * @param {readonly number[]} options ascending
 * @param {string} choice `default`, or how many steps coarser than the finest
 */
export function stepOf(options, choice) {
  if (choice === "default") return defaultOption(options);
  return options[Math.min(Number(choice), options.length - 1)];
}

/**
 * Where a list must be scrolled to, so that the row at its top stays where it is.
 * @param {readonly number[]} before prices of the rows, from the top
 * @param {readonly number[]} after
 * @param {number} top scrolled to, px
 * @param {number} rowPx height of a row
 */
export function steadyTop(before, after, top, rowPx) {
  const at = Math.min(Math.floor(top / rowPx), before.length - 1);
  if (at < 0 || after.length === 0) return top;
  const price = before[at];
  const same = after.indexOf(price);
  // The row is gone: the first one below its price takes its place.
  const next = after.findIndex((one) => one < price);
  const now = same >= 0 ? same : next >= 0 ? next : after.length - 1;
  return top + (now - at) * rowPx;
}
