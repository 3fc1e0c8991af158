/**
 * @file Heat maps behind the candles of a Lightweight Charts series, one over the other.
 *
 * The chart asks for a picture in each of its frames; what it gets is a copy of the raster, placed
 * where the chart has the map's times and prices.
 */

/** Rows that are placed together on a price scale that is not linear. */
const BAND_ROWS = 8;
/** A scale is linear when the middle of the map lies where a linear one has it, within so much. */
const LINEAR_WITHIN_PX = 0.5;

/**
 * @typedef {object} HeatMap a map and where it lies
 * @property {import("./heatmap_raster.js").HeatmapRaster} raster painted
 * @property {number} firstTime when the oldest column begins, seconds since 1970
 * @property {number} stepSeconds length of a column
 * @property {number} lowPrice lower edge of the lowest row
 * @property {number} rowPrice height of a row, in units of price
 * @property {number} opacity from 0 to 1
 *
 * @typedef {object} Scales what a chart knows of places, in its own pixels
 * @property {(time: number) => number | null} xOf left edge of what begins at a time
 * @property {(price: number) => number | null} yOf
 */

/**
 * Where bands of rows go: one band for all rows on a linear scale, more on another.
 * @param {HeatMap} map
 * @param {Scales["yOf"]} yOf
 * @returns {{from: number, to: number, top: number, bottom: number}[]} rows of the raster from its
 *   top, and pixels; none when the scale has no place for them
 */
export function bandsOf(map, yOf) {
  const rows = map.raster.rows;
  /** @param {number} row from the top */
  const edge = (row) => yOf(map.lowPrice + (rows - row) * map.rowPrice);
  const [top, middle, bottom] = [edge(0), edge(rows / 2), edge(rows)];
  if (top === null || middle === null || bottom === null) return [];
  const isLinear = Math.abs(middle - (top + bottom) / 2) <= LINEAR_WITHIN_PX;
  const size = isLinear ? rows : BAND_ROWS;
  const bands = [];
  for (let from = 0; from < rows; from += size) {
    const to = Math.min(rows, from + size);
    const [upper, lower] = [edge(from), edge(to)];
    if (upper !== null && lower !== null) bands.push({ from, to, top: upper, bottom: lower });
  }
  return bands;
}

/**
 * Left edges of times on a time scale, which knows its bars by number.
 * @param {import("lightweight-charts").ITimeScaleApi<import("lightweight-charts").Time>} scale
 * @param {number} barSeconds length of the chart's bars
 * @returns {Scales["xOf"]}
 */
export function leftEdges(scale, barSeconds) {
  const barPx = scale.options().barSpacing;
  return (time) => {
    const index = scale.timeToIndex(/** @type {any} */ (time), true);
    const x = index === null ? null : scale.logicalToCoordinate(/** @type {any} */ (index));
    const nearest = x === null ? null : scale.coordinateToTime(x);
    if (x === null || typeof nearest !== "number") return null;
    return x + ((time - nearest) / barSeconds - 0.5) * barPx;
  };
}

/** @typedef {import("lightweight-charts").Time} Time */
/** @typedef {import("lightweight-charts").ISeriesPrimitive<Time>} SeriesPrimitive */
/** @typedef {import("lightweight-charts").SeriesAttachedParameter<Time>} Attached */

/** @implements {SeriesPrimitive} */
export class HeatmapPrimitive {
  /** @type {readonly HeatMap[]} */
  #maps = [];
  /** @type {Attached | null} */
  #chart = null;
  #views = [
    {
      zOrder: () => /** @type {const} */ ("bottom"),
      renderer: () => ({
        draw: () => {},
        drawBackground: (/** @type {any} */ target) => this.#draw(target),
      }),
    },
  ];

  /** @param {number} barSeconds length of the bars of the series */
  constructor(barSeconds) {
    this.barSeconds = barSeconds;
  }

  /**
   * Shows other maps, or the same ones after they were painted.
   * @param {readonly HeatMap[]} maps the first one lies lowest
   */
  show(maps) {
    this.#maps = maps;
    this.#chart?.requestUpdate();
  }

  /** @param {Attached} chart */
  attached(chart) {
    this.#chart = chart;
  }

  detached() {
    this.#chart = null;
  }

  paneViews() {
    return this.#views;
  }

  /** @param {any} target the chart's canvas */
  #draw(target) {
    const chart = this.#chart;
    if (chart === null || this.#maps.length === 0) return;
    const xOf = leftEdges(chart.chart.timeScale(), this.barSeconds);
    /** @type {Scales["yOf"]} */
    const yOf = (price) => chart.series.priceToCoordinate(price);
    target.useBitmapCoordinateSpace((/** @type {any} */ scope) => {
      for (const map of this.#maps) copy(map, xOf, yOf, scope);
    });
  }
}

/** @param {HeatMap} map @param {Scales["xOf"]} xOf @param {Scales["yOf"]} yOf @param {any} scope */
function copy(map, xOf, yOf, scope) {
  const { horizontalPixelRatio: across, verticalPixelRatio: down, bitmapSize, context } = scope;
  if (map.raster.columns === 0) return;
  const left = xOf(map.firstTime);
  const right = xOf(map.firstTime + map.raster.columns * map.stepSeconds);
  if (left === null || right === null) return;
  for (const band of bandsOf(map, yOf)) {
    const area = {
      x: left * across,
      y: band.top * down,
      width: (right - left) * across,
      height: (band.bottom - band.top) * down,
    };
    map.raster.blit(context, area, bitmapSize, map.opacity, band);
  }
}
