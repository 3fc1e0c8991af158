/**
 * @file One layer of the heat map: its columns as a raster, its newest column carried on to the
 * right, and the amounts at a place.
 */

import { cellOf, edgeOf } from "./heatmap_block.js";
import { palettesOf, rangeOf, topOf } from "./heatmap_colours.js";
import { HeatmapRaster, ROWS_MAX } from "./heatmap_raster.js";

/** Bars after the newest column in which it is carried on. */
export const FRONT_BARS = 14;

/** The palette's end rises when it would be so many times as high. */
const TOP_RISE = 4;
/** Seconds of the bars that the live map is made of. */
const LIVE_STEP = 900;

/**
 * @typedef {import("./heatmap_block.js").Block} Block
 *
 * @typedef {object} Look how a layer is drawn
 * @property {string} theme `dark` or `light`
 * @property {boolean} bySide longs and shorts in colours of their own
 * @property {number} threshold share of the palette's end, 0 to 1
 * @property {number} opacity 0 to 1
 *
 * @typedef {object} Front the newest map there is, shown as of its moment
 * @property {Block} block of one column
 * @property {boolean} isLive it came by the socket
 *
 * @typedef {object} Cell a cell that is pointed at
 * @property {string} layer
 * @property {number} time beginning of the column @property {number} step its length, seconds
 * @property {number} price lower edge @property {number} rowPrice
 * @property {number} long USD @property {number} short USD
 * @property {number | null} asOf moment of a front; null for a column
 */

/** @param {Block} block @param {number} at @param {boolean} bySide */
const valueOf = (block, at, bySide) => {
  const long = block.long[at];
  const short = block.short[at];
  if (!bySide) return long + short;
  return long > short ? -long : short;
};

/**
 * Blocks side by side as the cells of a raster; NaN where no block is.
 * @param {readonly Block[]} blocks of one height of rows
 * @param {boolean} bySide the larger side counts: longs negative, shorts positive; else the sum
 * @returns {{cells: import("./heatmap_raster.js").Cells, start: number, base: number} | null}
 */
export function joined(blocks, bySide) {
  const filled = blocks.filter((one) => one.columns > 0 && one.rows > 0);
  if (filled.length === 0) return null;
  const { step } = filled[0];
  const start = Math.min(...filled.map((one) => one.start));
  const end = Math.max(...filled.map((one) => one.start + one.columns * step));
  const base = Math.min(...filled.map((one) => one.base));
  const top = Math.max(...filled.map((one) => one.base + one.rows));
  const columns = Math.round((end - start) / step);
  const rows = Math.min(ROWS_MAX, top - base);
  const values = new Float64Array(columns * rows).fill(NaN);
  for (const block of filled) {
    const shift = Math.round((block.start - start) / step);
    const up = block.base - base;
    const most = Math.min(block.rows, rows - up);
    for (let column = 0; column < block.columns; column += 1) {
      const to = (shift + column) * rows + up;
      const from = column * block.rows;
      for (let row = 0; row < most; row += 1) values[to + row] = valueOf(block, from + row, bySide);
    }
  }
  return { cells: { columns, rows, values }, start, base };
}

/** The last closed column of a block, carried on. @param {Block} block @param {number} step seconds
 * @returns {Block}
 */
export function carriedOn(block, step) {
  const at = (block.closed - 1) * block.rows;
  return {
    ...block,
    start: block.start + block.closed * block.step,
    step,
    columns: 1,
    closed: 1,
    long: block.long.subarray(at, at + block.rows),
    short: block.short.subarray(at, at + block.rows),
  };
}

/** A layer that is drawn; knows nothing of the page but how a canvas is made. */
export class HeatmapLayer {
  /** USD at which the palette ends. It stays, so that no colour changes with the view, until the
   * amounts are far beyond it. */
  top = 0;
  /** @type {import("./heatmap_primitive.js").HeatMap[]} */
  maps = [];
  /** @type {Front | null} */
  front = null;
  #body;
  #head;
  #bodyKey = "";
  #topVersion = -1;
  /** @type {import("./heatmap_primitive.js").HeatMap | null} */
  #bodyMap = null;

  /**
   * @param {string} id @param {import("./heatmap_feed.js").HeatmapFeed} feed
   * @param {() => HeatmapRaster} newRaster
   */
  constructor(id, feed, newRaster) {
    this.id = id;
    this.feed = feed;
    this.#body = newRaster();
    this.#head = newRaster();
  }

  /**
   * The newest map: that of the socket when it is not older, else the last closed column.
   * @param {Block | null} live of one column, at its moment
   */
  lead(live) {
    if (this.id === "realised") return;
    const step = FRONT_BARS * this.feed.frame.barSeconds;
    const newest = this.feed.newest();
    const own = newest === null || newest.block.rows === 0 ? null : newest;
    // Of one moment the own column is shown, made of bars of the chart; with bars as long as those
    // of the live map both are the same.
    const isLive =
      live !== null &&
      (own === null ||
        live.start > own.end ||
        (live.start === own.end && this.feed.frame.step === LIVE_STEP));
    if (isLive) this.front = { block: { ...live, step }, isLive };
    else this.front = own === null ? null : { block: carriedOn(own.block, step), isLive };
  }

  /** Where the front begins: behind the last column, whatever moment it is of. */
  #frontStart() {
    return this.feed.newest()?.end ?? this.front?.block.start ?? 0;
  }

  /** Paints what has changed. @param {Look} look */
  paint(look) {
    const blocks = this.feed.seen();
    this.#learnTop(blocks);
    this.maps = [];
    if (this.top === 0) return;
    const starts = blocks.map((one) => one.start);
    const key = JSON.stringify([this.feed.version, starts, this.top, look]);
    if (key !== this.#bodyKey) {
      this.#bodyKey = key;
      this.#bodyMap = this.#painted(this.#body, blocks, look);
    }
    if (this.#bodyMap !== null) this.maps.push(this.#bodyMap);
    if (this.front === null) return;
    const block = { ...this.front.block, start: this.#frontStart() };
    const head = this.#painted(this.#head, [block], look);
    if (head !== null) this.maps.push(head);
  }

  /** @param {readonly Block[]} blocks */
  #learnTop(blocks) {
    if (this.top > 0 && this.#topVersion === this.feed.version) return;
    this.#topVersion = this.feed.version;
    const found = topOf(this.front ? [...blocks, this.front.block] : blocks);
    if (this.top === 0 || found > this.top * TOP_RISE) this.top = found;
  }

  /** @param {HeatmapRaster} raster @param {readonly Block[]} blocks @param {Look} look */
  #painted(raster, blocks, look) {
    const found = joined(blocks, look.bySide);
    if (found === null) return null;
    const palettes = palettesOf(this.id, look.theme);
    const range = rangeOf(this.top, look.threshold);
    if (look.bySide) raster.paint(found.cells, palettes.short, range, palettes.long);
    else raster.paint(found.cells, palettes.total, range);
    const { step, rowPrice } = blocks.find((one) => one.rows > 0) ?? blocks[0];
    return {
      raster,
      firstTime: found.start,
      stepSeconds: step,
      lowPrice: found.base * rowPrice,
      rowPrice,
      opacity: look.opacity,
    };
  }

  /**
   * What is told of a time and price.
   * @param {number} time seconds since 1970 @param {number} price
   * @returns {Cell | null} null where the layer knows nothing
   */
  cellAt(time, price) {
    for (const block of this.feed.seen()) {
      const cell = cellOf(block, time, price);
      if (cell === null) continue;
      return { layer: this.id, step: block.step, rowPrice: block.rowPrice, asOf: null, ...cell };
    }
    const front = this.front;
    if (front === null) return null;
    const cell = cellOf({ ...front.block, start: this.#frontStart() }, time, price);
    if (cell === null) return null;
    const { step, rowPrice, start } = front.block;
    return { layer: this.id, step, rowPrice, asOf: start, ...cell };
  }

  /**
   * Its cells as rows, oldest first: time, price from, price to, long, short.
   * @returns {Generator<[number, number, number, number, number]>}
   */
  *rows() {
    const blocks = this.feed.seen().sort((a, b) => a.start - b.start);
    for (const { start, step, columns, rows, base, rowPrice, long, short } of blocks) {
      for (let at = 0; at < columns * rows; at += 1) {
        if (long[at] === 0 && short[at] === 0) continue;
        const number = base + (at % rows);
        const time = start + Math.floor(at / rows) * step;
        yield [time, edgeOf(number, rowPrice), edgeOf(number + 1, rowPrice), long[at], short[at]];
      }
    }
  }
}
