/** @file Liquidated volume by candle: rows of the API as bars, numbers and text. */

import { compact } from "./format.js";

/**
 * @typedef {object} Bucket liquidations of one candle's span, as the API sums them
 * @property {number} time when it begins, seconds since 1970, UTC
 * @property {Readonly<Record<Unit, Sides>>} sums by unit
 * @property {boolean} isFloor a throttled or external feed told of it: the sums are lower bounds
 *
 * @typedef {object} Sides
 * @property {number | null} shorts closed by force; null where the source does not say
 * @property {number | null} longs
 *
 * @typedef {"usd" | "coin" | "count"} Unit
 */

/** What a unit is called in tables. */
export const UNIT_NAMES = Object.freeze({ usd: "USD", coin: "base units", count: "events" });

/** A lower bound is written so. */
export const AT_LEAST = "≥";

/** @type {Readonly<Record<string, number>>} */
const UNIT_SECONDS = { m: 60, h: 3600, d: 86_400, w: 604_800 };
/** Weeks begin on a Monday; the first one after 1970 began did so on its fifth day. */
const FIRST_MONDAY = 4 * 86_400;

/** Seconds of a time frame of the page, from `1m` to `1w`. @param {string} interval */
export const secondsOf = (interval) =>
  Number.parseInt(interval, 10) * UNIT_SECONDS[interval.slice(-1)];

/**
 * When the candle in which a time lies begins.
 * @param {number} time seconds since 1970 @param {string} interval
 */
export function candleStart(time, interval) {
  const step = secondsOf(interval);
  const first = interval.endsWith("w") ? FIRST_MONDAY : 0;
  return Math.floor((time - first) / step) * step + first;
}

/** A row of `/liquidations/volume` as the page keeps it. @param {any} row @returns {Bucket} */
export function bucketOf(row) {
  return {
    time: Date.parse(row.timestamp) / 1000,
    sums: {
      usd: { shorts: row.buy_volume, longs: row.sell_volume },
      coin: { shorts: row.buy_quantity, longs: row.sell_quantity },
      count: { shorts: row.buy_count, longs: row.sell_count },
    },
    isFloor: row.is_floor,
  };
}

/**
 * The two bars of a candle: shorts upwards, longs downwards; a bar of nothing is left out, its
 * place stays.
 * @param {number} time of the candle
 * @param {Bucket | undefined} bucket
 * @param {Unit} unit
 * @returns {{shorts: {time: number, value?: number}, longs: {time: number, value?: number}}}
 */
export function barsOf(time, bucket, unit) {
  const { shorts, longs } = bucket?.sums[unit] ?? { shorts: null, longs: null };
  return {
    shorts: shorts ? { time, value: shorts } : { time },
    longs: longs ? { time, value: -longs } : { time },
  };
}

/**
 * A sum as text, marked where it is a lower bound. Of nothing a lower bound says nothing.
 * @param {number | null} value @param {boolean} isFloor
 */
export function sumText(value, isFloor) {
  if (value === null) return "?";
  return `${isFloor && value > 0 ? AT_LEAST : ""}${compact(value)}`;
}

/** Names of the columns that `cellsOf` fills. @param {Unit} unit */
export const columnsOf = (unit) => [
  `shorts liquidated (${UNIT_NAMES[unit]})`,
  `longs liquidated (${UNIT_NAMES[unit]})`,
  "liquidations are",
];

/**
 * The numbers of a candle for a table, as the API told them; nothing where it told nothing.
 * @param {Bucket | undefined} bucket @param {Unit} unit
 * @returns {(string | number)[]}
 */
export function cellsOf(bucket, unit) {
  if (bucket === undefined) return ["", "", ""];
  const { shorts, longs } = bucket.sums[unit];
  return [shorts ?? "", longs ?? "", bucket.isFloor ? "at least" : "exact"];
}
