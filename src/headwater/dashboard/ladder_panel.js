/** @file The panel of the order book as a ladder, fetched with its first use. */

import { SOURCE, unitSetting } from "./book_settings.js";
import { fixed } from "./format.js";
import { lazyKind } from "./lazy_panel.js";

export const LADDER = lazyKind(
  {
    kind: "ladder",
    label: "Order book",
    size: { w: 4, h: 14 },
    settings: [
      SOURCE,
      {
        name: "step",
        label: "Rounding",
        choices: [
          { value: "default", label: "usual" },
          { value: "0", label: "finest" },
          ...[1, 2, 3, 4, 5, 6].map((power) => ({
            value: String(power),
            label: `finest × ${fixed(10 ** power, 0)}`,
          })),
        ],
      },
      unitSetting("Sizes in"),
      {
        name: "levels",
        label: "Levels a side",
        choices: ["25", "10", "50", "100"].map((value) => ({ value, label: value })),
      },
    ],
  },
  async () => {
    const { LadderPanel } = await import("./ladder_view.js");
    return (host, context) => new LadderPanel(host, context);
  },
);
