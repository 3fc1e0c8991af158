/**
 * @file The largest liquidations of a span that ends now: an answer of the API, then live.
 *
 * Pure. The list is whole as long as it is shorter than its bound; when it is full, what is in it
 * is still the largest, but sorted by time it has holes.
 */

import { keyOf } from "./tape.js";

/** Liquidations that are asked for and kept. */
export const LARGEST_MAX = 500;

/** @typedef {import("./tape.js").Event} Event */
/** @typedef {import("./row_list.js").Sorting} Sorting */

/** The larger first, of equal ones the newer. @param {Event} a @param {Event} b */
const bySize = (a, b) => b.value - a.value || b.timeMs - a.timeMs;

/**
 * Two lists as one.
 * @param {readonly Event[]} known @param {readonly Event[]} found
 * @returns {Event[]} the largest first, at most `LARGEST_MAX`
 */
export function mergeLargest(known, found) {
  const all = new Map([...known, ...found].map((one) => [keyOf(one), one]));
  return [...all.values()].sort(bySize).slice(0, LARGEST_MAX);
}

/** @type {Readonly<Record<string, (one: Event) => string | number>>} */
const FIELDS = {
  time: (one) => one.timeMs,
  venue: (one) => one.exchange,
  symbol: (one) => one.symbol,
  position: (one) => one.position,
  price: (one) => one.price,
  quantity: (one) => one.quantity,
  value: (one) => one.value,
};

/** The list in another order; equal ones stay as they were. @param {readonly Event[]} events
 * @param {Sorting} sorting
 */
export function inOrder(events, { name, isDown }) {
  const field = FIELDS[name] ?? FIELDS.value;
  const way = isDown ? -1 : 1;
  return [...events].sort((a, b) => {
    const [left, right] = [field(a), field(b)];
    if (left === right) return 0;
    return left < right ? -way : way;
  });
}

/** What a heading does that is pressed: the other way round, or numbers greatest first.
 * @param {Sorting} now @param {string} name @param {ReadonlySet<string>} texts columns of words
 * @returns {Sorting}
 */
export function resorted(now, name, texts) {
  if (now.name === name) return { name, isDown: !now.isDown };
  return { name, isDown: !texts.has(name) };
}
