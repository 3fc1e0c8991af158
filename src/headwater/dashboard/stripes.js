/** @file The look of a hole: stripes that mean "something is missing here". */

import { colour } from "./preferences.js";

/** A hole is drawn at least so wide, else the short ones would not be seen. */
export const HOLE_PX = 3;
const STEP_PX = 6;

/**
 * Fills an area with stripes.
 * @param {CanvasRenderingContext2D} context
 * @param {{left: number, top: number, width: number, height: number}} area in its pixels
 */
export function fillStripes(context, { left, top, width, height }) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.globalAlpha = 0.1;
  context.fillStyle = colour("warn");
  context.fillRect(left, top, width, height);
  context.globalAlpha = 0.4;
  context.strokeStyle = colour("warn");
  context.lineWidth = 1;
  context.beginPath();
  // Stripes are counted from the left edge of the canvas, so that they stay when an area grows.
  for (let x = Math.floor((left - height) / STEP_PX) * STEP_PX; x < left + width; x += STEP_PX) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}
