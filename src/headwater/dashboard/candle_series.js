/** @file Candles in order of time, as pages of the past and live messages bring them. */

/**
 * @typedef {object} Candle
 * @property {number} time when it began, seconds since 1970, UTC
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} volume in units of the base asset
 * @property {boolean} isClosed
 * @property {number} revision rises when a closed candle is corrected
 */

/** Candles kept at most; beyond it the past is not paged further. */
export const CANDLES_MAX = 20_000;

/**
 * A candle of the API as the page keeps it.
 * @param {any} row
 * @returns {Candle}
 */
export function candleOf(row) {
  return {
    time: Date.parse(row.timestamp) / 1000,
    open: row.open,
    high: row.high,
    low: row.low,
    close: row.close,
    volume: row.volume,
    isClosed: row.is_closed,
    revision: row.revision ?? 0,
  };
}

/**
 * Whether `next` is the newer word on the same candle: a closed one is not opened again, and a
 * correction is not undone by what it corrects. An answer may be older than what came live.
 * @param {Candle} known @param {Candle} next
 */
export function isNewer(known, next) {
  if (known.isClosed !== next.isClosed) return next.isClosed;
  if (next.revision !== known.revision) return next.revision > known.revision;
  // While a candle forms, its volume only grows.
  return next.isClosed || next.volume >= known.volume;
}

/**
 * Two lists in order of time as one; of two candles of a time the newer word counts.
 * @param {readonly Candle[]} known in order @param {readonly Candle[]} found in order
 * @returns {Candle[]} in order, at most the newest `CANDLES_MAX`
 */
export function mergeCandles(known, found) {
  /** @type {Candle[]} */
  const merged = [];
  let i = 0;
  let j = 0;
  while (i < known.length || j < found.length) {
    const left = known[i];
    const right = found[j];
    if (right === undefined || (left !== undefined && left.time < right.time)) {
      merged.push(left);
      i += 1;
    } else if (left === undefined || right.time < left.time) {
      merged.push(right);
      j += 1;
    } else {
      merged.push(isNewer(left, right) ? right : left);
      i += 1;
      j += 1;
    }
  }
  return merged.length > CANDLES_MAX ? merged.slice(merged.length - CANDLES_MAX) : merged;
}

/**
 * Takes a live candle in place.
 * @param {Candle[]} candles in order
 * @param {Candle} next
 * @returns {"tail" | "inside" | "inserted" | "old"} whether the last candle changed or one was
 *   added after it, one further back changed, one was put between others, or nothing happened
 */
export function takeCandle(candles, next) {
  const last = candles.at(-1);
  if (last === undefined || next.time > last.time) {
    candles.push(next);
    return "tail";
  }
  let at = candles.length - 1;
  while (at >= 0 && candles[at].time > next.time) at -= 1;
  if (at < 0) return "old";
  if (candles[at].time !== next.time) {
    candles.splice(at + 1, 0, next);
    return "inserted";
  }
  if (!isNewer(candles[at], next)) return "old";
  candles[at] = next;
  return at === candles.length - 1 ? "tail" : "inside";
}

/**
 * The oldest candle that is not closed although a newer one is there.
 * @param {readonly Candle[]} candles in order
 * @param {number} most so many of the newest are looked at
 * @returns {number | undefined} when it began
 */
export function leftOpen(candles, most) {
  for (let at = Math.max(candles.length - most, 0); at < candles.length - 1; at += 1) {
    if (!candles[at].isClosed) return candles[at].time;
  }
  return undefined;
}

/**
 * The candle in which a time lies, or the last one before it.
 * @param {readonly Candle[]} candles in order
 * @param {number} time seconds since 1970
 * @returns {Candle | undefined} none before the first
 */
export function candleAt(candles, time) {
  let low = 0;
  let high = candles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (candles[middle].time <= time) low = middle + 1;
    else high = middle;
  }
  return candles[low - 1];
}
