/** @file Readings in order of time, as pages of the past and live ones bring them. */

/**
 * @typedef {object} Reading what a venue told at a time
 * @property {number} time seconds since 1970, UTC
 * @property {readonly (number | null)[]} values as the API tells them; null where it does not
 */

/** Readings kept at most, the newest. */
export const READINGS_MAX = 20_000;
/** Room above and below a line, as a part of its height. */
const ROOM = 0.08;

/**
 * Two lists in order of time as one; of two readings of a time the found one counts.
 * @param {readonly Reading[]} known in order @param {readonly Reading[]} found in order
 * @returns {Reading[]} in order, at most the newest `READINGS_MAX`
 */
export function mergeReadings(known, found) {
  const last = known.at(-1);
  const isAfter = found.length > 0 && (last === undefined || found[0].time > last.time);
  const merged = isAfter ? [...known, ...found] : sorted([...known, ...found]);
  return merged.length > READINGS_MAX ? merged.slice(merged.length - READINGS_MAX) : merged;
}

/** @param {readonly Reading[]} readings of two readings of a time the later one counts */
function sorted(readings) {
  const byTime = new Map(readings.map((one) => [one.time, one]));
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}

/** How many readings are not after a time. @param {readonly Reading[]} readings
 * @param {number} time
 */
function countUntil(readings, time) {
  let low = 0;
  let high = readings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (readings[middle].time <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The reading that holds at a time: the last one until then.
 * @param {readonly Reading[]} readings in order @param {number} time
 * @returns {Reading | undefined} none before the first
 */
export const readingAt = (readings, time) => readings[countUntil(readings, time) - 1];

/**
 * The reading that lies so many steps from the one that holds at a time, as far as there are.
 * @param {readonly Reading[]} readings in order
 * @param {number | undefined} time the newest reading's when left out
 * @param {number} steps negative ones lead back
 * @returns {Reading | undefined}
 */
export function readingBeside(readings, time, steps) {
  const at = time === undefined ? readings.length - 1 : countUntil(readings, time) - 1;
  return readings[Math.min(Math.max(at + steps, 0), readings.length - 1)];
}

/**
 * Readings that decide how a line runs in a span: those in it, and one on each side.
 * @param {readonly Reading[]} readings in order
 * @param {import("./span.js").Span} span
 */
export function readingsIn(readings, span) {
  const from = Math.max(0, countUntil(readings, span.from) - 1);
  return readings.slice(from, countUntil(readings, span.to) + 1);
}

/**
 * Lowest and highest value with some room; a line that does not move runs in the middle.
 * @param {Iterable<number | null>} values
 * @returns {[number, number]}
 */
export function rangeOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const room = high > low ? (high - low) * ROOM : Math.abs(high) * 0.01 || 1;
  return [low - room, high + room];
}
