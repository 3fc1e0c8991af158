/** @file What can be chosen of a tape; the first choice of each holds for newcomers. */

import { usdText } from "./format.js";
import { isAmount, isVenue } from "./tool_strip.js";

/** @typedef {import("./preferences.js").Choice} Choice */

/** @type {readonly Choice[]} */
export const SHOWN = [
  { value: "both", label: "trades and liquidations" },
  { value: "trades", label: "trades" },
  { value: "liquidations", label: "liquidations" },
];

/** Besides the venues by name. @type {readonly Choice[]} */
export const VENUES = [
  { value: "*", label: "all venues" },
  { value: "=", label: "the one looked at" },
];

/** Amounts in USD as choices. @param {string} from @param {readonly string[]} more */
export const amounts = (from, ...more) =>
  [from, ...more].map((value) => ({ value, label: usdText(Number(value)) }));

/** @type {readonly import("./panel.js").Setting[]} */
export const SETTINGS = [
  {
    name: "show",
    label: "Show",
    choices: SHOWN,
  },
  {
    name: "venue",
    label: "Venue",
    choices: VENUES,
    accepts: isVenue,
  },
  {
    name: "symbols",
    label: "Symbols",
    choices: [
      { value: "=", label: "the one looked at" },
      { value: "*", label: "all that are live" },
    ],
  },
  {
    name: "least",
    label: "Trades from, USD",
    choices: amounts("0", "1000", "10000", "100000", "1000000"),
    accepts: isAmount,
  },
  {
    name: "leastLiquidation",
    label: "Liquidations from, USD",
    choices: amounts("0", "1000", "10000", "100000", "1000000"),
    accepts: isAmount,
  },
  {
    name: "large",
    label: "Large from, USD",
    choices: amounts("100000", "10000", "1000000", "10000000"),
    accepts: (value) => isAmount(value) && Number(value) > 0,
  },
  {
    name: "volume",
    label: "Volume of the sounds",
    choices: [
      { value: "50", label: "50 %" },
      { value: "25", label: "25 %" },
      { value: "100", label: "100 %" },
    ],
  },
];
