/** @file The panel of funding. */

import { lazyLines } from "./lazy_panel.js";
import { spanSetting } from "./span.js";

export const FUNDING = lazyLines(
  {
    kind: "funding",
    label: "Funding",
    size: { w: 6, h: 6 },
    settings: [
      {
        name: "rate",
        label: "Rate",
        choices: [
          { value: "8h", label: "for 8 hours" },
          { value: "year", label: "for a year" },
          { value: "told", label: "for the venue's interval" },
        ],
      },
      spanSetting("candles"),
    ],
  },
  async () => (await import("./funding_lines.js")).FUNDING_LINES,
);
