/** @file The panel of trades and liquidations as they happen, fetched with its first use. */

import { lazyKind } from "./lazy_panel.js";
import { SETTINGS } from "./tape_settings.js";

export const TAPE = lazyKind(
  {
    kind: "tape",
    label: "Trades and liquidations",
    size: { w: 4, h: 14 },
    settings: SETTINGS,
  },
  async () => {
    const { TapePanel } = await import("./tape_view.js");
    return (host, context) => new TapePanel(host, context);
  },
);
