/** @file How the overview is written: columns, rows, and the table behind them. */

import { ageText, decimalsOf, fixed, usdText } from "./format.js";
import { marksOf } from "./overview.js";
import { FLOOR } from "./tape_rows.js";
import { venueClass } from "./venue_colours.js";

/** @typedef {import("./overview.js").Line} Line */
/** @typedef {import("./row_list.js").Column} Column */

/** Columns of words: sorted from a on. */
export const TEXTS = new Set(["exchange", "symbol"]);

/** Rates of different intervals are not compared: that is done by what they are in a year.
 * @type {Column[]}
 */
export const COLUMNS = [
  { name: "exchange", label: "venue", width: 7, align: "left", head: "sort", cell: "button" },
  { name: "last", label: "last", width: 7, head: "sort" },
  { name: "deviationBp", label: "± med. bp", width: 6.6, head: "sort", rank: 3 },
  { name: "mark", label: "mark", width: 7, head: "sort", rank: 5 },
  { name: "basisBp", label: "basis bp", width: 5.6, head: "sort", rank: 2 },
  { name: "rate", label: "funding", width: 8.6, rank: 1 },
  { name: "yearly", label: "a year", width: 6.8, head: "sort" },
  { name: "interestUsd", label: "OI USD", width: 5.8, head: "sort", rank: 3 },
  { name: "change", label: "24 h", width: 6.8, head: "sort", rank: 2 },
  { name: "volume", label: "vol. USD", width: 5.8, head: "sort", rank: 4 },
  { name: "longs", label: "liq. longs", width: 7.2, head: "sort", rank: 4 },
  { name: "shorts", label: "liq. shorts", width: 7.2, head: "sort", rank: 4 },
  { name: "ageMs", label: "age", width: 4.4, head: "sort" },
];

/** Columns in which the greatest and the least are marked. @type {ReadonlySet<string>} */
const MARKED = new Set([
  ...["last", "basisBp", "yearly", "interestUsd", "change", "volume", "longs", "shorts"],
]);
const SIGNS = { greatest: "▴", least: "▾", "": "" };

/** @param {number | null} value @param {number} decimals */
export function signed(value, decimals) {
  if (value === null) return "–";
  const text = fixed(Math.abs(value), decimals);
  if (Number(text.replaceAll(",", "")) === 0) return text;
  return `${value > 0 ? "+" : "−"}${text}`;
}

/** @param {number | null} value a fraction @param {number} decimals */
export const percent = (value, decimals) =>
  value === null ? "–" : `${signed(value * 100, decimals)} %`;

/** @param {number | null} value @param {boolean} isFloor */
const usd = (value, isFloor = false) =>
  value === null ? "–" : `${isFloor ? "≥ " : ""}${usdText(value)}`;

/** @param {number | null} hours */
const per = (hours) => (hours === null ? "" : ` /${hours}h`);

/** @param {number | null} value */
const wayOf = (value) => (value === null || value === 0 ? "" : value > 0 ? "up" : "down");

/**
 * Writes all lines, so that what is the greatest of a column is known.
 * @param {readonly Line[]} lines @param {string} lookedAt the venue that is looked at
 * @returns {import("./row_list.js").Row[]}
 */
export function rowsOf(lines, lookedAt) {
  const decimals = decimalsOf(lines.flatMap((one) => one.last ?? []));
  const marks = new Map(
    [...MARKED].map((name) => [name, marksOf(lines, /** @type {keyof Line} */ (name))]),
  );
  return lines.map((one, at) => {
    const texts = [
      one.exchange,
      one.last === null ? "–" : fixed(one.last, decimals),
      signed(one.deviationBp, 2),
      one.mark === null ? "–" : fixed(one.mark, decimals),
      signed(one.basisBp, 2),
      `${percent(one.rate, 4)}${one.rate === null ? "" : per(one.intervalH)}`,
      percent(one.yearly, 2),
      usd(one.interestUsd),
      percent(one.change, 2),
      usd(one.volume),
      usd(one.longs, one.isFloor),
      usd(one.shorts, one.isFloor),
      one.ageMs === null ? "none" : ageText(one.ageMs),
    ];
    const looks = COLUMNS.map(({ name }) => lookOf(name, one));
    const titles = COLUMNS.map(({ name }) => titleOf(name, one, marks.get(name)?.[at] ?? ""));
    const cells = texts.map((text, place) => {
      const mark = marks.get(COLUMNS[place].name)?.[at] ?? "";
      return mark === "" ? text : `${SIGNS[mark]} ${text}`;
    });
    const look = `${one.isOld ? "stale" : ""}${one.exchange === lookedAt ? " looked" : ""}`;
    return { cells, looks, titles, look };
  });
}

/** @param {string} name @param {Line} one */
function lookOf(name, one) {
  if (one.isOld) return name === "ageMs" ? "old" : "";
  if (name === "exchange") return venueClass(one.exchange);
  if (name === "rate" || name === "yearly" || name === "change") return wayOf(one[name]);
  return name === "ageMs" ? "dim" : "";
}

/** @param {string} name @param {Line} one @param {import("./overview.js").Mark} mark */
function titleOf(name, one, mark) {
  if (name === "exchange") return "Look at this venue";
  const words = mark === "" ? [] : [`the ${mark} of all venues`];
  if (one.isFloor && (name === "longs" || name === "shorts")) words.push(FLOOR);
  if (name === "rate" && one.settledAt !== "") words.push(`settled at ${one.settledAt}`);
  if (name === "yearly") words.push("365 days, not compounded");
  return words.join("; ");
}

/** Everything that is known, as numbers. @param {readonly Line[]} lines @param {string} caption
 * @returns {import("./csv.js").Table}
 */
export function tableOf(lines, caption) {
  /** @param {number | null} value */
  const plain = (value) => value ?? "";
  return {
    caption,
    columns: [
      ...["exchange", "last", "deviation_bp", "mark_price", "index_price", "basis_bp"],
      ...["funding_rate", "interval_h", "funding_a_year", "funding_time", "open_interest"],
      ...["open_interest_usd", "change_24h", "quote_volume_24h", "longs_liquidated_usd"],
      ...["shorts_liquidated_usd", "is_floor", "is_old", "age_s"],
    ],
    isRanked: true,
    rows: lines.map((one) => [
      ...[one.exchange, plain(one.last), plain(one.deviationBp), plain(one.mark)],
      ...[plain(one.index), plain(one.basisBp), plain(one.rate), plain(one.intervalH)],
      ...[plain(one.yearly), one.settledAt, plain(one.interest), plain(one.interestUsd)],
      ...[plain(one.change), plain(one.volume), plain(one.longs), plain(one.shorts)],
      ...[String(one.isFloor), String(one.isOld)],
      one.ageMs === null ? "" : Math.round(one.ageMs / 100) / 10,
    ]),
  };
}
