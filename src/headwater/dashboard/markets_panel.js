/** @file The panel of the most traded contracts over all venues, fetched with its first use. */

import { lazyKind } from "./lazy_panel.js";

export const MARKETS = lazyKind(
  {
    kind: "markets",
    label: "Symbols over all venues",
    size: { w: 8, h: 10 },
    settings: [
      {
        name: "count",
        label: "Symbols",
        choices: ["25", "10", "50", "100"].map((value) => ({ value, label: `top ${value}` })),
      },
    ],
  },
  async () => {
    const { MarketsPanel } = await import("./markets_view.js");
    return (host, context) => new MarketsPanel(host, context);
  },
);
