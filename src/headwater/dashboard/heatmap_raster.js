/**
 * @file A heat map of price against time as a raster: painted once, then only copied.
 *
 * The raster has one pixel for each cell, in an image that is drawn large without smoothing. While
 * a person pans or zooms, a frame costs one copy of that image. A new column is one column of
 * pixels; everything is painted anew only when the data, the palette or the range change.
 *
 * Pure but for `canvas`, which the caller makes: `new OffscreenCanvas(1, 1)` in a page.
 */

/** Columns and rows that a raster has at most; browsers allow larger canvases, screens do not. */
export const COLUMNS_MAX = 8192;
export const ROWS_MAX = 4096;

/** Steps of a palette; beyond that an eye sees no difference, and 8-bit colours have none. */
const STEPS = 256;

/** Columns for which room is made ahead, so that a live map grows without being painted anew. */
const ROOM = 64;

/**
 * @typedef {object} Stop a colour at a place of a palette
 * @property {number} at from 0 to 1, rising
 * @property {readonly [number, number, number, number]} rgba each from 0 to 255
 *
 * @typedef {object} Range how values become colours
 * @property {number} low values up to it are transparent
 * @property {number} [from] where the palette begins; `low` when not given. A threshold that moves
 *   then changes no colour
 * @property {number} high values from it on have the palette's last colour
 * @property {"linear" | "sqrt" | "log"} scale
 *
 * @typedef {object} Cells values of a map, column by column
 * @property {number} columns count of columns, oldest first
 * @property {number} rows count of rows, lowest price first
 * @property {Float32Array | Float64Array} values at `column * rows + row`; NaN where
 *   nothing is known; negative ones have the other palette, where there is one
 *
 * @typedef {object} Area a rectangle of the canvas, in its pixels, that the whole map would fill
 * @property {number} x @property {number} y @property {number} width @property {number} height
 *
 * @typedef {object} Band rows of the image, counted from its top, where the highest price is
 * @property {number} from the first @property {number} to the one after the last
 *
 * @typedef {object} Surface the part of a canvas's context that is used
 * @property {(data: ImageData, x: number, y: number) => void} putImageData
 * @property {(image: any, ...place: number[]) => void} drawImage
 * @property {(width: number, height: number) => ImageData} createImageData
 */

/** More is lighter in each of them, so that they are read without telling colours apart. */
export const PALETTES = {
  /** @type {readonly Stop[]} */
  ember: [
    { at: 0, rgba: [30, 18, 70, 60] },
    { at: 0.35, rgba: [120, 28, 109, 190] },
    { at: 0.65, rgba: [221, 81, 58, 225] },
    { at: 0.88, rgba: [252, 165, 10, 245] },
    { at: 1, rgba: [252, 255, 164, 255] },
  ],
  /** @type {readonly Stop[]} */
  water: [
    { at: 0, rgba: [8, 30, 60, 60] },
    { at: 0.4, rgba: [20, 90, 140, 190] },
    { at: 0.75, rgba: [60, 180, 190, 230] },
    { at: 1, rgba: [225, 250, 220, 255] },
  ],
};

/**
 * Colours of a palette, in equal steps, as the bytes of pixels.
 * @param {readonly Stop[]} stops at least one, in rising order
 * @returns {Uint8ClampedArray} four bytes for each of `STEPS` colours
 */
export function ramp(stops) {
  const bytes = new Uint8ClampedArray(STEPS * 4);
  let next = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const at = step / (STEPS - 1);
    while (next < stops.length - 1 && stops[next].at < at) next += 1;
    const right = stops[next];
    const left = stops[Math.max(0, next - 1)];
    const span = right.at - left.at;
    const share = span > 0 ? Math.min(1, Math.max(0, (at - left.at) / span)) : 1;
    for (let band = 0; band < 4; band += 1) {
      bytes[step * 4 + band] = left.rgba[band] + (right.rgba[band] - left.rgba[band]) * share;
    }
  }
  return bytes;
}

/** The same as whole pixels. @param {readonly Stop[]} stops */
const pixelsOf = (stops) => new Uint32Array(ramp(stops).buffer);

/** @param {number} value positive @param {Range["scale"]} scale */
function scaled(value, scale) {
  if (scale === "sqrt") return Math.sqrt(value);
  return scale === "log" ? Math.log(value) : value;
}

/**
 * The colour of each value, as a function that is cheap to call.
 * @param {Range} range
 * @returns {(value: number) => number} from 0 to `STEPS` - 1, or -1 for transparent
 */
export function stepOf(range) {
  // A logarithm needs a beginning above nothing: a millionth of the top, when none is given.
  const isLog = range.scale === "log";
  const begin = range.from ?? range.low;
  const bottom = isLog ? Math.max(begin, range.high * 1e-6) : Math.max(begin, 0);
  const low = scaled(bottom, range.scale);
  const span = scaled(range.high, range.scale) - low;
  return (value) => {
    if (!(value > range.low) || !(value > 0)) return -1;
    if (!(span > 0)) return STEPS - 1;
    const share = (scaled(Math.max(value, bottom), range.scale) - low) / span;
    return Math.min(STEPS - 1, Math.floor(share * STEPS));
  };
}

/** A heat map that is painted once and copied each frame. */
export class HeatmapRaster {
  /** How many columns were painted since the beginning: what the copying saves. */
  painted = 0;
  #columns = 0;
  #rows = 0;
  /** @type {Uint32Array} a pixel for each step */
  #ramp = pixelsOf(PALETTES.ember);
  /** @type {Uint32Array | null} the same of negative values; none when they are not shown */
  #otherRamp = null;
  /** @type {(value: number) => number} */
  #stepOf = () => -1;

  /**
   * @param {{width: number, height: number}} canvas that the raster owns from now on
   * @param {Surface} surface its two-dimensional context
   */
  constructor(canvas, surface) {
    this.canvas = canvas;
    this.surface = surface;
  }

  get columns() {
    return this.#columns;
  }

  get rows() {
    return this.#rows;
  }

  /**
   * Paints everything.
   * @param {Cells} cells
   * @param {readonly Stop[]} palette
   * @param {Range} range
   * @param {readonly Stop[]} [other] palette of negative values, by their size; without it they are
   *   transparent
   * @throws {RangeError} more cells than a raster has, or not as many as said
   */
  paint(cells, palette, range, other) {
    const { columns, rows, values } = cells;
    if (columns > COLUMNS_MAX || rows > ROWS_MAX) {
      throw new RangeError(`${columns} × ${rows} cells: at most ${COLUMNS_MAX} × ${ROWS_MAX}`);
    }
    if (values.length !== columns * rows) {
      throw new RangeError(`${values.length} values: ${columns} × ${rows} are needed`);
    }
    this.#columns = columns;
    this.#rows = rows;
    this.#ramp = pixelsOf(palette);
    this.#otherRamp = other === undefined ? null : pixelsOf(other);
    this.#stepOf = stepOf(range);
    this.canvas.width = Math.max(1, Math.min(COLUMNS_MAX, columns + ROOM));
    this.canvas.height = Math.max(1, rows);
    if (columns > 0 && rows > 0) this.#put(values, 0, columns);
  }

  /**
   * Adds a column at the end: what a closed bar brings.
   * @param {Float32Array | Float64Array} values one for each row
   * @returns {boolean} false when there is no room left: paint everything, from a later beginning
   */
  append(values) {
    if (values.length !== this.#rows) {
      throw new RangeError(`${values.length} values: a column has ${this.#rows}`);
    }
    if (this.#columns >= this.canvas.width) return false;
    this.#put(values, this.#columns, 1);
    this.#columns += 1;
    return true;
  }

  /**
   * Paints the last column anew: what a forming bar brings.
   * @param {Float32Array | Float64Array} values one for each row
   */
  replaceLast(values) {
    if (this.#columns === 0 || values.length !== this.#rows) {
      throw new RangeError(`${values.length} values: the last of ${this.#columns} columns`);
    }
    this.#put(values, this.#columns - 1, 1);
  }

  /**
   * Copies the map to where it is seen. The area may reach beyond the target; only what is seen is
   * copied.
   * @param {Surface & {imageSmoothingEnabled: boolean, globalAlpha: number}} target
   * @param {Area} area the place of all columns and rows
   * @param {{width: number, height: number}} seen size of the target
   * @param {number} [opacity] from 0 to 1
   * @param {Band} [band] the rows that fill the area; all of them when not given
   */
  blit(target, area, seen, opacity = 1, band = { from: 0, to: this.#rows }) {
    if (this.#columns === 0 || band.to <= band.from) return;
    const columnPx = area.width / this.#columns;
    const rowPx = area.height / (band.to - band.from);
    const left = Math.max(0, Math.floor(-area.x / columnPx));
    const right = Math.min(this.#columns, Math.ceil((seen.width - area.x) / columnPx));
    const top = band.from + Math.max(0, Math.floor(-area.y / rowPx));
    const bottom = Math.min(band.to, band.from + Math.ceil((seen.height - area.y) / rowPx));
    if (right <= left || bottom <= top) return;
    const alpha = target.globalAlpha;
    // Cells have edges: a price between two levels is not half of each.
    target.imageSmoothingEnabled = false;
    target.globalAlpha = alpha * opacity;
    target.drawImage(
      this.canvas,
      left,
      top,
      right - left,
      bottom - top,
      area.x + left * columnPx,
      area.y + (top - band.from) * rowPx,
      (right - left) * columnPx,
      (bottom - top) * rowPx,
    );
    target.globalAlpha = alpha;
  }

  /**
   * @param {Float32Array | Float64Array} values
   * @param {number} first column
   * @param {number} count of columns
   */
  #put(values, first, count) {
    const rows = this.#rows;
    const image = this.surface.createImageData(count, rows);
    // A pixel at a time: four bytes one by one take many times as long.
    const pixels = new Uint32Array(image.data.buffer);
    const other = this.#otherRamp;
    for (let column = 0; column < count; column += 1) {
      for (let row = 0; row < rows; row += 1) {
        const value = values[column * rows + row];
        const isOther = value < 0 && other !== null;
        const step = this.#stepOf(isOther ? -value : value);
        if (step < 0) continue;
        // The first row is the lowest price, and lies at the bottom.
        const at = (rows - 1 - row) * count + column;
        pixels[at] = isOther ? other[step] : this.#ramp[step];
      }
    }
    this.surface.putImageData(image, first, 0);
    this.painted += count;
  }
}
