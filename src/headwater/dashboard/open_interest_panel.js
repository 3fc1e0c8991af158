/** @file The panel of open interest. */

import { lazyLines } from "./lazy_panel.js";
import { spanSetting } from "./span.js";

export const OPEN_INTEREST = lazyLines(
  {
    kind: "open_interest",
    label: "Open interest",
    size: { w: 6, h: 6 },
    settings: [
      {
        name: "unit",
        label: "In",
        choices: [
          { value: "coin", label: "coins" },
          { value: "usd", label: "USD" },
        ],
      },
      spanSetting("candles"),
    ],
  },
  async () => (await import("./open_interest_lines.js")).OPEN_INTEREST_LINES,
);
