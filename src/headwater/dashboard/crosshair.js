/** @file The time that is pointed at in one panel and marked in all others. */

import { signal } from "@preact/signals";

/**
 * @typedef {object} Pointed
 * @property {number | undefined} time seconds since 1970, none when nothing is pointed at
 * @property {unknown} by the panel in which it is
 */

/** What is pointed at now. */
export const crosshair = signal(/** @type {Pointed} */ ({ time: undefined, by: null }));

/**
 * Says what is pointed at in a panel. Panels mark what others say, and must not say it again.
 * @param {unknown} by
 * @param {number | undefined} time
 */
export function point(by, time) {
  const now = crosshair.peek();
  if (now.time === time || (time === undefined && now.by !== by)) return;
  crosshair.value = { time, by };
}
