/** @file A table as a picture, for panels that are no chart. */

import { colour } from "./preferences.js";

const ROWS_MAX = 40;
const ROW_PX = 20;
const PAD_PX = 12;
const FONT = "12px system-ui, sans-serif";

/**
 * The newest rows of a table, newest first, in the page's colours.
 * @param {import("./csv.js").Table} table
 * @returns {HTMLCanvasElement}
 */
export function tableImage(table) {
  const rows = [table.columns, ...table.rows.slice(-ROWS_MAX).reverse()].map((row) =>
    row.map(String),
  );
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.font = FONT;
  const widths = table.columns.map((_, at) =>
    Math.max(...rows.map((row) => context.measureText(row[at] ?? "").width)),
  );
  const scale = devicePixelRatio;
  const width = widths.reduce((sum, one) => sum + one + PAD_PX, PAD_PX);
  const height = (rows.length + 1) * ROW_PX + PAD_PX;
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  context.scale(scale, scale);
  context.font = FONT;
  context.fillStyle = colour("panel");
  context.fillRect(0, 0, width, height);
  context.fillStyle = colour("text");
  context.fillText(table.caption, PAD_PX, ROW_PX - 5);
  rows.forEach((row, line) => {
    context.fillStyle = colour(line === 0 ? "dim" : "text");
    let x = PAD_PX;
    row.forEach((text, at) => {
      context.fillText(text, x, (line + 2) * ROW_PX - 5);
      x += widths[at] + PAD_PX;
    });
  });
  return canvas;
}
