/** @file The span of time that the chart of candles shows; panes below it show the same. */

import { signal } from "@preact/signals";

/**
 * @typedef {object} Span
 * @property {number} from seconds since 1970
 * @property {number} to after `from`
 */

/** What is seen now; null before a chart of candles says so. */
export const visibleSpan = signal(/** @type {Span | null} */ (null));

/**
 * Says what a chart of candles shows. Of several charts the one that moved last counts.
 * @param {number} from @param {number} to seconds since 1970
 */
export function showSpan(from, to) {
  const now = visibleSpan.peek();
  if (!(to > from) || (now !== null && now.from === from && now.to === to)) return;
  visibleSpan.value = { from, to };
}

/** Which span is shown; the first choice is the default. @param {"candles" | "all"} first */
export function spanSetting(first) {
  const choices = [
    { value: "candles", label: "as the candles" },
    { value: "all", label: "all there is" },
  ];
  return {
    name: "span",
    label: "Time",
    choices: first === "candles" ? choices : choices.reverse(),
  };
}
