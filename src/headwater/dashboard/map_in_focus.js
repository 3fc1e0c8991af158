/** @file The candles panel that keys of the heat map act on, and whose model card is shown. */

import { signal } from "@preact/signals";

/** The one that was used last, else the one that came last; null without any.
 * @type {import("@preact/signals").Signal<import("./heatmap_slot.js").HeatmapSlot | null>}
 */
export const mapInFocus = signal(null);
