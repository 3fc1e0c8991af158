/** @file All panels that there are, and the layout that a newcomer gets. */

import { ALERTS } from "./alerts_panel.js";
import { CANDLES } from "./candles_panel.js";
import { DEPTH } from "./depth_panel.js";
import { FUNDING } from "./funding_panel.js";
import { LADDER } from "./ladder_panel.js";
import { readLayout, settled, writtenLayout } from "./layout.js";
import { MARK } from "./mark_panel.js";
import { OPEN_INTEREST } from "./open_interest_panel.js";
import { LIQUIDATIONS } from "./liquidations_panel.js";
import { MARKETS } from "./markets_panel.js";
import { OVERVIEW } from "./overview_panel.js";
import { TAPE } from "./tape_panel.js";

/** @type {ReadonlyMap<string, import("./panel.js").PanelKind>} */
export const PANELS = new Map(
  [
    CANDLES,
    LADDER,
    DEPTH,
    TAPE,
    LIQUIDATIONS,
    OPEN_INTEREST,
    FUNDING,
    MARK,
    OVERVIEW,
    MARKETS,
    ALERTS,
  ].map((kind) => [kind.kind, kind]),
);

/**
 * A panel in its place. @param {string} kind @param {number} x @param {number} y
 * @param {number} w @param {number} h @param {Readonly<Record<string, string>>} [settings]
 * @returns {import("./layout.js").Placed}
 */
const at = (kind, x, y, w, h, settings = {}) => ({ id: `${kind}-1`, kind, x, y, w, h, settings });

/**
 * The layout that a newcomer gets.
 * @type {import("./layout.js").Layout}
 */
export const FIRST_LAYOUT = settled([
  at("candles", 0, 0, 9, 15),
  at("ladder", 9, 0, 3, 11),
  at("overview", 0, 15, 9, 6),
  at("tape", 9, 11, 3, 10),
]);

/** What else is looked at together.
 * @type {Readonly<Record<string, import("./layout.js").Layout>>}
 */
const OTHERS = {
  Chart: [at("candles", 0, 0, 12, 17)],
  Derivatives: [
    at("candles", 0, 0, 12, 12),
    at("open_interest", 0, 12, 4, 8),
    at("funding", 4, 12, 4, 8),
    at("mark", 8, 12, 4, 8),
  ],
  Liquidations: [
    at("candles", 0, 0, 8, 21, { map_realised: "on", map_estimated: "on" }),
    at("liquidations", 8, 0, 4, 12),
    at("alerts", 8, 12, 4, 9),
  ],
  "Order books": [
    at("ladder", 0, 0, 4, 20, { source: "merged" }),
    at("depth", 4, 0, 8, 11, { source: "merged" }),
    at("tape", 4, 11, 8, 9),
  ],
  Venues: [at("overview", 0, 0, 12, 6), at("markets", 0, 6, 12, 14)],
};

/**
 * Layouts that come with the page, by name.
 * @type {readonly import("./named_layouts.js").NamedLayout[]}
 */
export const READY_LAYOUTS = [
  { name: "Market", panels: writtenLayout(FIRST_LAYOUT) },
  ...Object.entries(OTHERS).map(([name, panels]) => ({ name, panels: writtenLayout(panels) })),
];

/**
 * The layout of a page opened as `?start=<name>` of a ready one, in any case; else a newcomer's.
 * @param {string} search the address's part from `?` on
 */
export function startLayout(search) {
  const wanted = new URLSearchParams(search).get("start")?.toLowerCase();
  const found = READY_LAYOUTS.find((one) => one.name.toLowerCase() === wanted);
  return found === undefined
    ? FIRST_LAYOUT
    : settled(readLayout(found.panels, new Set(PANELS.keys())));
}
