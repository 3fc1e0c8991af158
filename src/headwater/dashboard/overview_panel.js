/** @file The panel of one contract on all venues, fetched with its first use. */

import { lazyKind } from "./lazy_panel.js";
import { COLUMNS } from "./overview_rows.js";

const SORTINGS = COLUMNS.filter(({ head }) => head === "sort").map(({ name, label }) => ({
  value: name,
  label,
}));
const WAYS = [
  { value: "", label: "as is natural" },
  { value: "down", label: "greatest first" },
  { value: "up", label: "least first" },
];
export const OVERVIEW = lazyKind(
  {
    kind: "overview",
    label: "Venues side by side",
    size: { w: 12, h: 6 },
    settings: [
      { name: "sort", label: "Sorted by", choices: SORTINGS },
      { name: "way", label: "Order", choices: WAYS },
    ],
  },
  async () => {
    const { OverviewPanel } = await import("./overview_view.js");
    return (host, context) => new OverviewPanel(host, context);
  },
);
