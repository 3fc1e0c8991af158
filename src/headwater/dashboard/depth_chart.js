/** @file The depth chart's picture: two flights of steps on a canvas, axes, and a crosshair. */

import { compact, decimalsOf, fixed } from "./format.js";
import { roundTicks } from "./depth_curve.js";
import { colour } from "./preferences.js";

const AXIS_PX = 22;
const TOP_PX = 26;
const TICK_EVERY_X_PX = 90;
const TICK_EVERY_Y_PX = 44;
/** Room above the highest step. */
const HEADROOM = 1.08;

/**
 * @typedef {import("./depth_curve.js").Depth} Depth
 * @typedef {import("./book_levels.js").Level} Level
 *
 * @typedef {object} Frame where things are drawn, in CSS pixels
 * @property {CanvasRenderingContext2D} pen
 * @property {number} width @property {number} height of the area of the steps
 * @property {Depth} depth
 * @property {(level: Level | undefined) => number} sumOf coin or USD
 * @property {number} most greatest sum that fits
 */

/**
 * Sets a canvas up for drawing in CSS pixels.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height CSS pixels
 * @param {number} ratio device pixels in one
 */
export function penFor(canvas, width, height, ratio) {
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = colour("panel");
  pen.fillRect(0, 0, width, height);
  return pen;
}

/**
 * Draws the chart.
 * @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height CSS pixels
 * @param {Depth} depth @param {"coin" | "usd"} unit of the sums
 * @param {number | undefined} price that is pointed at
 */
export function drawDepth(pen, width, height, depth, unit, price) {
  /** @param {Level | undefined} level */
  const sumOf = (level) => (unit === "coin" ? level?.cumulative : level?.cumulativeValue) ?? 0;
  const most = Math.max(sumOf(depth.bids.at(-1)), sumOf(depth.asks.at(-1))) * HEADROOM || 1;
  /** @type {Frame} */
  const frame = { pen, width, height: height - AXIS_PX, depth, sumOf, most };
  pen.font = "11px system-ui, sans-serif";
  drawGrid(frame);
  drawSteps(frame, depth.bids, depth.low, "up");
  drawSteps(frame, depth.asks, depth.high, "down");
  drawMiddle(frame);
  if (price !== undefined) drawCrosshair(frame, price);
}

/** @param {Frame} frame @param {number} price */
const xOf = ({ depth, width }, price) => ((price - depth.low) / (depth.high - depth.low)) * width;

/** @param {Frame} frame @param {number} sum */
const yOf = ({ height, most }, sum) => height - (sum / most) * (height - TOP_PX);

/** The price at a place. @param {Depth} depth @param {number} x @param {number} width */
export const priceAtX = (depth, x, width) => depth.low + (x / width) * (depth.high - depth.low);

/** @param {Frame} frame */
function drawGrid(frame) {
  const { pen, width, height, depth } = frame;
  pen.strokeStyle = colour("grid");
  pen.fillStyle = colour("dim");
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.beginPath();
  const prices = roundTicks(depth.low, depth.high, width / TICK_EVERY_X_PX);
  const decimals = decimalsOf([Number(((prices[1] ?? 1) - (prices[0] ?? 0)).toPrecision(6))]);
  pen.textAlign = "center";
  for (const price of prices) {
    const x = Math.round(xOf(frame, price)) + 0.5;
    pen.moveTo(x, TOP_PX);
    pen.lineTo(x, height);
    const isInside = x > 24 && x < width - 24;
    if (isInside) pen.fillText(fixed(price, decimals), x, height + AXIS_PX / 2);
  }
  const sums = roundTicks(0, frame.most, (height - TOP_PX) / TICK_EVERY_Y_PX);
  pen.textAlign = "right";
  for (const sum of sums.slice(1)) {
    const y = Math.round(yOf(frame, sum)) + 0.5;
    pen.moveTo(0, y);
    pen.lineTo(width, y);
    pen.fillText(compact(sum), width - 6, y - 7);
  }
  pen.stroke();
}

/**
 * @param {Frame} frame @param {readonly Level[]} levels best first
 * @param {number} end price of the span's edge @param {string} name of the colour
 */
function drawSteps(frame, levels, end, name) {
  const { pen, height, sumOf } = frame;
  if (levels.length === 0) return;
  const first = xOf(frame, levels[0].price);
  pen.beginPath();
  pen.moveTo(first, height);
  let y = height;
  for (const level of levels) {
    const x = xOf(frame, level.price);
    pen.lineTo(x, y);
    y = yOf(frame, sumOf(level));
    pen.lineTo(x, y);
  }
  // Where the book ends before the span does, the steps end too: nothing is known behind.
  const { bids, asks } = frame.depth.book;
  const isWhole = levels.length < (name === "up" ? bids : asks).length;
  const edge = isWhole ? xOf(frame, end) : xOf(frame, levels[levels.length - 1].price);
  pen.lineTo(edge, y);
  pen.strokeStyle = colour(name);
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.lineTo(edge, height);
  pen.closePath();
  pen.globalAlpha = 0.18;
  pen.fillStyle = colour(name);
  pen.fill();
  pen.globalAlpha = 1;
}

/** @param {Frame} frame */
function drawMiddle(frame) {
  const { pen, height, depth } = frame;
  const x = Math.round(xOf(frame, depth.mid)) + 0.5;
  pen.strokeStyle = colour("line");
  pen.lineWidth = 1;
  pen.setLineDash([3, 3]);
  pen.beginPath();
  pen.moveTo(x, TOP_PX);
  pen.lineTo(x, height);
  pen.stroke();
  pen.setLineDash([]);
}

/** @param {Frame} frame @param {number} price */
function drawCrosshair(frame, price) {
  const { pen, width, height, depth, sumOf } = frame;
  const isBid = price < depth.mid;
  const side = isBid ? depth.bids : depth.asks;
  const last = side.filter((one) => (isBid ? one.price >= price : one.price <= price)).at(-1);
  const [x, y] = [Math.round(xOf(frame, price)) + 0.5, Math.round(yOf(frame, sumOf(last))) + 0.5];
  pen.strokeStyle = colour("dim");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, TOP_PX);
  pen.lineTo(x, height);
  pen.moveTo(0, y);
  pen.lineTo(width, y);
  pen.stroke();
  pen.fillStyle = colour(isBid ? "up" : "down");
  pen.beginPath();
  pen.arc(x, y, 3.5, 0, 7);
  pen.fill();
}
