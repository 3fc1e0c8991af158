/** @file Mark and index price as lines, and the basis between them. */

import { decimalsOf, fixed } from "./format.js";
import { MarkFeed, basisBps } from "./mark_feed.js";

const DECIMALS_MAX = 4;

/** @typedef {import("./line_pane.js").Line} Line */

/** @type {readonly Line[]} */
const PRICES = [
  { label: "mark", colour: "accent", side: "right", value: ({ values: [mark] }) => mark },
  {
    label: "index",
    colour: "dim",
    side: "right",
    dash: [4, 3],
    value: ({ values: [, index] }) => index,
  },
];
/** @type {Line} */
const BASIS = { label: "basis", colour: "warn", side: "left", value: basisBps };

/** @param {number} value */
const priceText = (value) => fixed(value, Math.min(DECIMALS_MAX, decimalsOf([value])));

/** @param {number | null} value */
const bpsText = (value) => (value === null ? "?" : fixed(value, 2).replace("-", "−"));

/** @type {import("./line_view.js").LineKind} */
export const MARK_LINES = {
  noun: "Mark and index",
  channels: ["mark_prices"],
  isStream: true,
  staleAfterMs: 10_000,
  feed: (market, context, changed) => new MarkFeed(market, context.stream, changed),
  lines(context) {
    const shown = context.setting("lines");
    if (shown === "prices") return PRICES;
    return shown === "basis" ? [BASIS] : [...PRICES, BASIS];
  },
  texts: () => ({ right: priceText, left: (value) => bpsText(value) }),
  readout(reading) {
    const [mark, index] = reading.values;
    return [
      ["mark", mark === null ? "?" : priceText(mark)],
      ["index", index === null ? "?" : priceText(index)],
      ["basis", `${bpsText(basisBps(reading))} bp`],
    ];
  },
  columns: ["mark price", "index price", "basis (bp)"],
  cells: (reading) => [...reading.values, basisBps(reading)].map((value) => value ?? ""),
};
