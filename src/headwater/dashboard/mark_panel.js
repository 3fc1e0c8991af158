/** @file The panel of mark and index price, and of the basis between them. */

import { lazyLines } from "./lazy_panel.js";
import { spanSetting } from "./span.js";

export const MARK = lazyLines(
  {
    kind: "mark",
    label: "Mark, index and basis",
    size: { w: 6, h: 6 },
    settings: [
      {
        name: "lines",
        label: "Lines",
        choices: [
          { value: "both", label: "prices and basis" },
          { value: "prices", label: "prices" },
          { value: "basis", label: "basis" },
        ],
      },
      spanSetting("all"),
    ],
  },
  async () => (await import("./mark_lines.js")).MARK_LINES,
);
