/** @file The panel of the market's depth, fetched with its first use. */

import { SOURCE, unitSetting } from "./book_settings.js";
import { lazyKind } from "./lazy_panel.js";

export const DEPTH = lazyKind(
  {
    kind: "depth",
    label: "Market depth",
    size: { w: 6, h: 9 },
    settings: [
      SOURCE,
      {
        name: "span",
        label: "Span",
        choices: ["1", "0.2", "0.5", "2", "5", "10"].map((value) => ({
          value,
          label: `± ${value} %`,
        })),
      },
      unitSetting("Depth in"),
    ],
  },
  async () => {
    const { DepthPanel } = await import("./depth_view.js");
    return (host, context) => new DepthPanel(host, context);
  },
);
