/** @file The heat map outside of the page: its cells as a table, its legend on the picture. */

import { compact, isoText } from "./format.js";
import { amountAt, palettesOf, rangeOf } from "./heatmap_colours.js";
import { kindOf } from "./heatmap_settings.js";
import { colour } from "./preferences.js";
import { platform } from "./venues.js";

/** Cells of a table at most: the newest. */
export const CELLS_LISTED_MAX = 200_000;
const LINE_PX = 18;
const SCALE_PX = 120;

/** @typedef {import("./heatmap_layers.js").HeatmapLayers} Maps */

/** The table that was made last: a twin asks for it with every candle.
 * @type {{maps: Maps, version: string, table: import("./csv.js").Table} | null}
 */
let made = null;

/**
 * Cells of all layers that are loaded, oldest first.
 * @param {Maps} maps @param {string} title
 * @returns {import("./csv.js").Table}
 */
export function cellTable(maps, title) {
  const version = `${title} ${maps.version}`;
  if (made?.maps === maps && made.version === version) return made.table;
  /** @type {[number, (string | number)[]][]} */
  const rows = [];
  for (const layer of maps.layers.peek()) {
    let [last, text] = [NaN, ""];
    for (const [time, ...rest] of layer.rows()) {
      if (time !== last) [last, text] = [time, isoText(time)];
      rows.push([time, [text, layer.id, ...rest]]);
    }
  }
  rows.sort((a, b) => a[0] - b[0]);
  const table = {
    caption: `Cells of the heat map ${title}`,
    columns: ["time", "layer", "price_from", "price_to", "long_usd", "short_usd"],
    rows: rows.slice(-CELLS_LISTED_MAX).map(([, row]) => row),
  };
  made = { maps, version, table };
  return table;
}

/**
 * The picture of the chart with what its colours mean below it.
 * @param {HTMLCanvasElement} picture @param {Maps} maps
 * @returns {HTMLCanvasElement} the same when no layer is on
 */
export function withLegend(picture, maps) {
  const layers = maps.layers.peek();
  const ratio = devicePixelRatio;
  if (layers.length === 0) return picture;
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height + (layers.length + 1) * LINE_PX * ratio;
  const context = canvas.getContext("2d");
  if (context === null) return picture;
  context.fillStyle = colour("panel");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  context.translate(0, picture.height);
  context.scale(ratio, ratio);
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  layers.toReversed().forEach((layer, at) => paintScale(context, layer, maps, at * LINE_PX));
  context.fillStyle = colour("dim");
  const simulated = platform.peek()?.simulated ? "Simulated market: nothing here is real. " : "";
  const text = `${simulated}USD a cell${layers.length > 1 ? "; layers are not added up" : ""}`;
  context.fillText(text, 8, (layers.length + 0.5) * LINE_PX);
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("./heatmap_layer.js").HeatmapLayer} layer @param {Maps} maps @param {number} top
 */
function paintScale(context, layer, maps, top) {
  const { theme, threshold, bySide } = maps.look();
  const palettes = palettesOf(layer.id, theme);
  const range = rangeOf(layer.top, threshold);
  const shown = bySide ? { long: palettes.long, short: palettes.short } : { "": palettes.total };
  context.fillStyle = colour("text");
  const name = `${layer.id} (${kindOf(layer.id)})`;
  context.fillText(name, 8, top + LINE_PX / 2);
  let left = 20 + context.measureText(name).width;
  for (const [side, stops] of Object.entries(shown)) {
    const gradient = context.createLinearGradient(left, 0, left + SCALE_PX, 0);
    for (const { at, rgba } of stops) {
      gradient.addColorStop(at, `rgb(${rgba[0]} ${rgba[1]} ${rgba[2]} / ${rgba[3] / 255})`);
    }
    context.fillStyle = gradient;
    context.fillRect(left, top + 4, SCALE_PX, LINE_PX - 8);
    context.fillStyle = colour("dim");
    const text = `${side} ${compact(range.low)} to ≥ ${compact(amountAt(range, 1))}`;
    context.fillText(text, left + SCALE_PX + 6, top + LINE_PX / 2);
    left += SCALE_PX + 30 + context.measureText(text).width;
  }
}
