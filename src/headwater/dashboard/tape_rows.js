/** @file How events are written on the tape: columns, rows, and the sums above them. */

import { fixed, timeText, usdText } from "./format.js";
import { SIGNS, tierOf } from "./tape.js";
import { venueClass } from "./venue_colours.js";

/** What a "≥" before a liquidation means. */
export const FLOOR = "The venue tells at most one a second: in that second it may have been more";

/** @typedef {import("./row_list.js").Column} Column */

/**
 * @typedef {object} Writing
 * @property {number} large what counts as large, USD
 * @property {string} zone `UTC` or `local`
 * @property {boolean} isAny whether the tape is of many symbols
 * @property {import("./tape.js").Tape} tape knows the decimals of prices
 */

/** @type {Column} */
const SYMBOL = { name: "symbol", label: "symbol", width: 7.5, align: "left" };

/** @param {boolean} isAny whether the tape is of many symbols @returns {Column[]} */
export const columnsOf = (isAny) => [
  { name: "time", label: "time", width: 5.7, align: "left", rank: isAny ? 1 : 0 },
  { name: "venue", label: "venue", width: 6.5, align: "left" },
  ...(isAny ? [SYMBOL] : []),
  { name: "side", label: "side", width: 6.4, align: "left", rank: isAny ? 0 : 1 },
  { name: "price", label: "price", width: 7.6, rank: isAny ? 2 : 0 },
  { name: "quantity", label: "quantity", width: 6.5, rank: 3 },
  { name: "value", label: "USD", width: 6 },
];

/** @param {import("./tape.js").Event} one @param {Writing} writing
 * @returns {import("./row_list.js").Row}
 */
export function rowOf(one, { large, zone, isAny, tape }) {
  const isForced = one.kind === "liquidation";
  const way = one.side === "buy" ? "up" : "down";
  const sign = SIGNS[isForced ? one.position || "long" : one.side];
  const cells = [
    timeText(one.timeMs / 1000, zone, "second"),
    one.exchange,
    ...(isAny ? [one.symbol] : []),
    isForced ? `LIQ ${one.position}` : one.side,
    // Beside the price, where it stays when there is no room for words.
    `${sign} ${fixed(one.price, tape.decimals(one))}`,
    String(one.quantity),
    `${one.isFloor ? "≥ " : ""}${usdText(one.value)}`,
  ];
  const looks = ["dim", venueClass(one.exchange), ...(isAny ? [""] : []), way, way, "", way];
  const titles = cells.map(() => "");
  if (isForced) titles[cells.length - 3] = `price: ${one.priceKind}`;
  if (one.isFloor) titles[cells.length - 1] = FLOOR;
  const look = `${isForced ? "forced " : ""}tier-${tierOf(one.value, large)}`;
  return { cells, looks, titles, look };
}

/** Sums in words; a venue that tells one a second makes them lower bounds.
 * @param {import("./tape.js").Sums} sums
 */
export function sumsText({ bought, sold, longs, shorts, isFloor }) {
  const floor = isFloor ? "≥ " : "";
  const { buy, sell, long, short } = SIGNS;
  const parts = [];
  if (bought + sold > 0) parts.push(`${buy} ${usdText(bought)}  ${sell} ${usdText(sold)}`);
  if (longs + shorts > 0) {
    parts.push(`LIQ ${long} ${floor}${usdText(longs)}  ${short} ${floor}${usdText(shorts)}`);
  }
  return parts.join("   ");
}
