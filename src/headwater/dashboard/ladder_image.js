/** @file A ladder as a picture, for the PNG. */

import { ladderOf } from "./ladder_rows.js";
import { colour } from "./preferences.js";
import { venueProperty } from "./venue_colours.js";

const WIDTH = 520;
const ROW = 20;
const PAD = 10;
const SHARES = 90;

/**
 * @param {string} title
 * @param {import("./book_levels.js").Book | undefined} book none leaves a note
 * @param {number} rows a side @param {import("./ladder_rows.js").Unit} unit
 * @returns {HTMLCanvasElement}
 */
export function ladderImage(title, book, rows, unit) {
  const ladder = book && ladderOf(book, rows, unit);
  const lines = ladder ? ladder.asks.length + ladder.bids.length + 1 : 1;
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH * 2;
  canvas.height = (lines + 1) * ROW * 2 + PAD * 4;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(2, 2);
  pen.fillStyle = colour("panel");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.font = getComputedStyle(document.body).font;
  pen.textBaseline = "middle";
  write(pen, title, 0, "left", PAD, "dim");
  if (!book || !ladder) {
    write(pen, "no book", 1, "left", PAD, "dim");
    return canvas;
  }
  ladder.asks.forEach((row, at) => drawRow(pen, book, row, at + 1, "down"));
  write(pen, ladder.middle, ladder.asks.length + 1, "center", WIDTH / 2, "text");
  ladder.bids.forEach((row, at) => drawRow(pen, book, row, ladder.asks.length + at + 2, "up"));
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} pen @param {string} text @param {number} line
 * @param {CanvasTextAlign} align @param {number} x @param {string} name of the colour
 */
function write(pen, text, line, align, x, name) {
  pen.fillStyle = colour(name);
  pen.textAlign = align;
  pen.fillText(text, x, PAD + line * ROW + ROW / 2);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {import("./book_levels.js").Book} book
 * @param {import("./ladder_rows.js").Row} row @param {number} line @param {string} name
 */
function drawRow(pen, book, row, line, name) {
  const isMerged = book.exchanges.length > 1;
  const right = WIDTH - PAD - (isMerged ? SHARES : 0);
  const top = PAD + line * ROW;
  pen.globalAlpha = 0.25;
  pen.fillStyle = colour(name);
  pen.fillRect(right * (1 - row.depth), top, right * row.depth, ROW - 1);
  pen.globalAlpha = 1;
  write(pen, row.price, line, "right", 120, name);
  write(pen, row.size, line, "right", 120 + (right - 120) / 2, "text");
  write(pen, row.total, line, "right", right - 4, "dim");
  if (!isMerged) return;
  let from = right + 6;
  row.level.shares.forEach((share, at) => {
    const wide = ((SHARES - 6) * share) / row.level.amount;
    pen.fillStyle = colour(venueProperty(book.exchanges[at]).slice(2));
    pen.fillRect(from, top + 5, wide, ROW - 11);
    from += wide;
  });
}
