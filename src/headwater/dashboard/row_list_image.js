/** @file A picture of a list as it stands on the page: texts, colours, places are read off it. */

import { colour } from "./preferences.js";

/** Sharper than the screen may be: a picture is looked at elsewhere. */
const SCALE = 2;
const TITLE_PX = 26;

/**
 * @param {HTMLElement} host what holds the list; shown for a moment when it is hidden
 * @param {HTMLElement} place the list, as `RowList` has it
 * @param {string} title written above it
 * @param {() => void} draw writes the rows, once there is room for them
 * @returns {HTMLCanvasElement}
 */
export function rowListImage(host, place, title, draw) {
  const wasHidden = host.hidden;
  host.hidden = false;
  draw();
  const canvas = painted(place, title);
  host.hidden = wasHidden;
  return canvas;
}

/** @param {HTMLElement} place @param {string} title */
function painted(place, title) {
  const canvas = document.createElement("canvas");
  const bounds = place.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(bounds.width * SCALE));
  canvas.height = Math.max(1, Math.round((bounds.height + TITLE_PX) * SCALE));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(SCALE, SCALE);
  context.fillStyle = colour("panel");
  context.fillRect(0, 0, bounds.width, bounds.height + TITLE_PX);
  context.textBaseline = "middle";
  context.fillStyle = colour("text");
  context.font = `600 13px ${getComputedStyle(place).fontFamily}`;
  context.fillText(title, 8, TITLE_PX / 2);
  context.translate(-bounds.left, TITLE_PX - bounds.top);
  context.beginPath();
  context.rect(bounds.left, bounds.top, bounds.width, bounds.height);
  context.clip();
  // The head lies over the rows that have been scrolled below it.
  for (const line of place.querySelectorAll("tbody tr:not([aria-hidden])")) paint(context, line);
  for (const line of place.querySelectorAll("thead tr")) paint(context, line);
  return canvas;
}

/** @param {CanvasRenderingContext2D} context @param {Element} line */
function paint(context, line) {
  fill(context, line);
  for (const cell of line.children) {
    fill(context, cell);
    const holder = cell.firstElementChild ?? cell;
    const style = getComputedStyle(holder);
    const box = cell.getBoundingClientRect();
    const isRight = getComputedStyle(cell).textAlign === "right";
    const text = cell.textContent ?? "";
    if (text === "" || box.width === 0) continue;
    context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    context.fillStyle = style.color;
    context.textAlign = isRight ? "right" : "left";
    const pad = parseFloat(getComputedStyle(cell).paddingLeft);
    const x = isRight ? box.right - pad : box.left + pad;
    context.fillText(text, x, box.top + box.height / 2, box.width - pad);
  }
}

/** @param {CanvasRenderingContext2D} context @param {Element} one */
function fill(context, one) {
  const box = one.getBoundingClientRect();
  context.fillStyle = getComputedStyle(one).backgroundColor;
  context.fillRect(box.left, box.top, box.width, box.height);
}
