/** @file The panel of the largest liquidations of the last hours, fetched with its first use. */

import { lazyKind } from "./lazy_panel.js";
import { VENUES, amounts } from "./tape_settings.js";
import { isAmount, isVenue } from "./tool_strip.js";

/** Spans of time that can be looked at. */
export const SPANS = ["1h", "4h", "24h"].map((value) => ({ value, label: `last ${value}` }));
/** Whose liquidations. */
export const SYMBOLS = [
  { value: "*", label: "all symbols" },
  { value: "=", label: "the one looked at" },
];
export const LIQUIDATIONS = lazyKind(
  {
    kind: "liquidations",
    label: "Largest liquidations",
    size: { w: 5, h: 12 },
    settings: [
      { name: "span", label: "Span", choices: SPANS },
      { name: "venue", label: "Venue", choices: VENUES, accepts: isVenue },
      { name: "symbols", label: "Symbols", choices: SYMBOLS },
      {
        name: "least",
        label: "From, USD",
        choices: amounts("0", "10000", "100000", "1000000"),
        accepts: isAmount,
      },
    ],
  },
  async () => {
    const { LiquidationsPanel } = await import("./liquidations_view.js");
    return (host, context) => new LiquidationsPanel(host, context);
  },
);
