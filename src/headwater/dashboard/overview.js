/**
 * @file One contract on several venues, side by side: what differs, in the same units.
 *
 * Pure. Prices are in quote currency, rates fractions, `null` what a venue does not say. Numbers
 * that are old do not count for the median and the marks of the greatest and the least.
 */

const HOURS_A_YEAR = 24 * 365;

/**
 * @typedef {object} Facts what is known of a contract on a venue, as the API said it
 * @property {string} exchange
 * @property {any} ticker @property {any} mark @property {any} funding @property {any} interest
 * @property {Liquidated | null} liquidated in 24 hours
 * @property {number | null} ageMs of the older one of ticker and mark price
 *
 * @typedef {object} Liquidated USD
 * @property {number} longs @property {number} shorts @property {boolean} isFloor
 *
 * @typedef {object} Line
 * @property {string} exchange
 * @property {number | null} last @property {number | null} mark @property {number | null} index
 * @property {number | null} deviationBp of the last price from the venues' median
 * @property {number | null} basisBp of the mark price to the index
 * @property {number | null} rate of the coming funding, a fraction per interval
 * @property {number | null} intervalH
 * @property {number | null} yearly the rate over a year without compounding, a fraction
 * @property {string} settledAt time of the coming settlement, empty when unknown
 * @property {number | null} interest open interest, base units
 * @property {number | null} interestUsd
 * @property {number | null} change in 24 hours, a fraction
 * @property {number | null} volume in 24 hours, quote currency
 * @property {number | null} longs liquidated in 24 hours, USD @property {number | null} shorts
 * @property {boolean} isFloor whether more may have been liquidated than the venue told
 * @property {number | null} ageMs
 * @property {boolean} isOld
 */

/** @param {unknown} value @returns {number | null} */
const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** How far a price is from another, in hundredths of a percent.
 * @param {number | null} price @param {number | null} from
 */
export const deviationBp = (price, from) =>
  price === null || from === null || from <= 0 ? null : (price / from - 1) * 10_000;

/** @param {readonly number[]} values @returns {number | null} the middle one, none of nothing */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A rate per interval over a year of 365 days, not compounded.
 * @param {number | null} rate @param {number | null} intervalH
 */
export const yearly = (rate, intervalH) =>
  rate === null || intervalH === null || intervalH <= 0 ? null : rate * (HOURS_A_YEAR / intervalH);

/** What was liquidated, of the rows of `/liquidations/volume`.
 * @param {readonly any[]} rows @returns {Liquidated}
 */
export const liquidatedOf = (rows) => ({
  longs: rows.reduce((sum, one) => sum + one.sell_volume, 0),
  shorts: rows.reduce((sum, one) => sum + one.buy_volume, 0),
  isFloor: rows.some((one) => one.is_floor),
});

/** @param {Facts} facts @param {number} oldAfterMs @returns {Line} */
function lineOf({ exchange, ticker, mark, funding, interest, liquidated, ageMs }, oldAfterMs) {
  const [markPrice, index] = [number(mark?.mark_price), number(mark?.index_price)];
  // The estimate that comes with the mark price is seconds old, the other a minute.
  const rate = number(mark?.funding_rate) ?? number(funding?.funding_rate);
  const intervalH = number(funding?.interval_h);
  const open = number(interest?.open_interest);
  const worth = open === null || markPrice === null ? null : open * markPrice;
  return {
    exchange,
    last: number(ticker?.last),
    mark: markPrice,
    index,
    deviationBp: null,
    basisBp: deviationBp(markPrice, index),
    rate,
    intervalH,
    yearly: yearly(rate, intervalH),
    settledAt: mark?.next_funding_time ?? funding?.funding_time ?? "",
    interest: open,
    interestUsd: number(interest?.open_interest_value) ?? worth,
    change: number(ticker?.change_24h),
    volume: number(ticker?.quote_volume_24h),
    longs: liquidated?.longs ?? null,
    shorts: liquidated?.shorts ?? null,
    isFloor: liquidated?.isFloor ?? false,
    ageMs,
    isOld: ageMs === null || ageMs > oldAfterMs,
  };
}

/**
 * The venues' lines, with each price held against the median of those that are not old.
 * @param {readonly Facts[]} facts @param {number} oldAfterMs @returns {Line[]}
 */
export function linesOf(facts, oldAfterMs) {
  const lines = facts.map((one) => lineOf(one, oldAfterMs));
  const prices = lines.flatMap((one) => (one.isOld || one.last === null ? [] : [one.last]));
  const middle = median(prices);
  return lines.map((one) => ({ ...one, deviationBp: deviationBp(one.last, middle) }));
}

/** @typedef {"greatest" | "least" | ""} Mark */

/**
 * Which lines have the greatest and the least of a column; nobody where all are alike.
 * @param {readonly Line[]} lines @param {keyof Line} name @returns {Mark[]}
 */
export function marksOf(lines, name) {
  const values = lines.map((one) => (one.isOld ? null : number(one[name])));
  const known = values.filter((value) => value !== null);
  const [most, least] = [Math.max(...known), Math.min(...known)];
  if (known.length < 2 || most === least) return lines.map(() => "");
  return values.map((value) => (value === most ? "greatest" : value === least ? "least" : ""));
}

/**
 * Lines by a column; those of which it is unknown stand last, whichever way it goes.
 * @template {Record<string, any>} T
 * @param {readonly T[]} lines @param {import("./row_list.js").Sorting} sorting @returns {T[]}
 */
export function sortedBy(lines, { name, isDown }) {
  const way = isDown ? -1 : 1;
  return [...lines].sort((a, b) => {
    const [left, right] = [a[name] ?? null, b[name] ?? null];
    if (left === right) return 0;
    if (left === null || right === null) return left === null ? 1 : -1;
    return left < right ? -way : way;
  });
}
