/** @file Colours of the layers: one palette for each, or one for each side; what a colour means. */

import { stepOf } from "./heatmap_raster.js";

/** @typedef {import("./heatmap_raster.js").Stop} Stop */
/** @typedef {import("./heatmap_raster.js").Range} Range */

/** Part of the cells that hold anything that the palette's end leaves above it. */
const ABOVE = 0.005;
/** Cells that are looked at to find it. */
const SAMPLES_MAX = 20_000;
const NICE = [1, 2, 5, 10];

/**
 * For each layer the colours of all, of longs, of shorts: of the middle and of the most. Layers are
 * told apart by colour, sides by warm and cold, more by lightness, so that no kind of colour
 * blindness makes two of them one.
 * @type {Readonly<Record<string, readonly (readonly [string, string])[]>>}
 */
const COLOURS = {
  estimated: [
    ["#b03a5b", "#ffe9a0"],
    ["#c8591f", "#ffe0a8"],
    ["#2f6fc4", "#cfe6ff"],
  ],
  empirical: [
    ["#7a4bd0", "#eedcff"],
    ["#b0489f", "#ffd9f3"],
    ["#5560d8", "#dfe3ff"],
  ],
  observed: [
    ["#2f9a6b", "#d6ffd9"],
    ["#9c8a1e", "#fff6b0"],
    ["#1d9a9a", "#cdfcf7"],
  ],
  realised: [
    ["#1e8fb8", "#d8fbff"],
    ["#d07a16", "#fff0c4"],
    ["#2790d6", "#d9f3ff"],
  ],
};

/** @param {string} hex @returns {[number, number, number]} */
const rgbOf = (hex) => {
  const number = parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
};

/**
 * Palettes of a layer.
 * @param {string} layer @param {string} theme `dark`: more is lighter; `light`: more is darker
 * @returns {{total: readonly Stop[], long: readonly Stop[], short: readonly Stop[]}}
 */
export function palettesOf(layer, theme) {
  const [total, long, short] = COLOURS[layer].map(([middle, most]) => {
    const [r, g, b] = rgbOf(middle);
    /** @type {[number, number, number]} */
    const end = theme === "light" ? [r * 0.35, g * 0.35, b * 0.35] : rgbOf(most);
    return /** @type {readonly Stop[]} */ ([
      { at: 0, rgba: [r, g, b, 45] },
      { at: 0.45, rgba: [r, g, b, 215] },
      { at: 1, rgba: [...end, 255] },
    ]);
  });
  return { total, long, short };
}

/** The same as a gradient for a style. @param {readonly Stop[]} stops */
export const gradientOf = (stops) =>
  `linear-gradient(to right, ${stops
    .map(
      ({ at, rgba: [r, g, b, a] }) =>
        `rgb(${r} ${g} ${b} / ${(a / 2.55).toFixed(0)}%) ${at * 100}%`,
    )
    .join(", ")})`;

/**
 * The amount at which the palette ends: 1, 2 or 5 times a power of ten, above nearly all cells.
 * @param {readonly import("./heatmap_block.js").Block[]} blocks
 * @returns {number} USD; 0 when no cell holds anything
 */
export function topOf(blocks) {
  const count = blocks.reduce((sum, block) => sum + block.long.length, 0);
  const stride = Math.max(1, Math.ceil(count / SAMPLES_MAX));
  const found = [];
  for (const { long, short } of blocks) {
    for (let at = 0; at < long.length; at += stride) {
      const usd = long[at] + short[at];
      if (usd > 0) found.push(usd);
    }
  }
  // A map of few cells has few of them in the sample: then all are looked at.
  if (found.length === 0 && stride > 1) {
    for (const { long, short } of blocks) {
      for (let at = 0; at < long.length; at += 1) {
        if (long[at] + short[at] > 0 && found.length < SAMPLES_MAX)
          found.push(long[at] + short[at]);
      }
    }
  }
  if (found.length === 0) return 0;
  found.sort((a, b) => a - b);
  const high = found[Math.min(found.length - 1, Math.floor(found.length * (1 - ABOVE)))];
  const power = 10 ** Math.floor(Math.log10(high));
  return (NICE.find((one) => one * power >= high * (1 - 1e-9)) ?? 10) * power;
}

/**
 * What colours mean. The threshold hides and changes no colour.
 * @param {number} top USD @param {number} threshold share of it, 0 to 1
 * @returns {Range}
 */
export const rangeOf = (top, threshold) => ({
  low: top * threshold,
  from: 0,
  high: top,
  scale: "sqrt",
});

/** The amount whose colour lies at a place of the palette. @param {Range} range
 * @param {number} share of the palette's length, 0 to 1
 */
export const amountAt = (range, share) => range.high * share * share;

/** The place of an amount on the palette, or null when it is not drawn. @param {Range} range
 * @param {number} usd
 */
export function shareOf(range, usd) {
  const step = stepOf(range)(usd);
  return step < 0 ? null : step / 255;
}
