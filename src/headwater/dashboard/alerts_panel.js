/** @file The panel of alerts of open interest and volume, fetched with its first use. */

import { lazyKind } from "./lazy_panel.js";

export const ALERTS = lazyKind(
  {
    kind: "alerts",
    label: "Alerts of open interest and volume",
    size: { w: 6, h: 11 },
    settings: [
      {
        name: "scope",
        label: "Spikes",
        choices: [
          { value: "all", label: "of all symbols" },
          { value: "symbol", label: "of the symbol that is looked at" },
        ],
      },
    ],
  },
  async () => {
    const { AlertsPanel } = await import("./alerts_view.js");
    return (host, context) => new AlertsPanel(host, context);
  },
);
