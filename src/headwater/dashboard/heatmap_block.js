/**
 * @file Blocks of a heat map: fixed stretches of time, each asked for by itself, as arrays.
 *
 * What a model's column holds is a function of the day in which its question begins. Blocks begin
 * at fixed times, whatever is looked at: so a closed column is always the answer to one and the
 * same question, and moving the view never repaints it.
 */

const DAY = 86_400;
/** Models of longer bars begin at whole spans of so many days. */
const LONG_ANCHOR = 8 * DAY;

/** Seconds of the time frames of the page. */
const SECONDS = /** @type {Readonly<Record<string, number>>} */ ({
  "1m": 60,
  "3m": 180,
  "5m": 300,
  "15m": 900,
  "30m": 1800,
  "1h": 3600,
  "4h": 14_400,
  "1d": DAY,
  "1w": 7 * DAY,
});

/** Seconds of a block by those of its columns: 240 to 288 columns. */
const BLOCK_SECONDS = /** @type {Readonly<Record<number, number>>} */ ({
  60: 4 * 3600,
  180: 12 * 3600,
  300: DAY,
  900: 3 * DAY,
  1800: 6 * DAY,
  3600: 10 * DAY,
  14_400: 40 * DAY,
  86_400: 240 * DAY,
});

/**
 * @typedef {object} Frame how a time frame is cut
 * @property {string} interval of the map's columns, as the API takes it
 * @property {number} barSeconds length of the chart's bars
 * @property {number} step seconds of a column
 * @property {number} length seconds of a block
 * @property {number} anchor seconds: columns of questions that begin within one are the same
 *
 * @typedef {object} Span what a question asks for
 * @property {number} start seconds since 1970, where a column begins
 * @property {number} step seconds of a column
 * @property {boolean} isModel columns before the first one that is told are unknown, not empty
 * @property {number} open how many of the last columns may still change, at least
 *
 * @typedef {object} Block columns of a map, one after the other without a hole
 * @property {number} start when the first column begins, seconds since 1970
 * @property {number} step seconds of a column
 * @property {number} columns
 * @property {number} closed how many of them, from the first on, never change again
 * @property {number} base number of the lowest row, counted in heights of a row from price 0
 * @property {number} rows
 * @property {number} rowPrice height of a row, quote currency; 0 for a block without levels
 * @property {Float64Array} long USD at `column * rows + row`
 * @property {Float64Array} short
 * @property {any} meta of the API's answer
 * @property {string} incomplete what could not be had, in words; empty for nothing
 */

/** Seconds of a time frame of the page. @param {string} interval */
export const secondsOf = (interval) => SECONDS[interval] ?? 60;

/** How a time frame of the page is cut; weeks have columns of days. @param {string} interval
 * @returns {Frame}
 */
export function frameOf(interval) {
  const barSeconds = secondsOf(interval);
  const step = Math.min(barSeconds, DAY);
  return {
    interval: step < barSeconds ? "1d" : interval,
    barSeconds,
    step,
    length: BLOCK_SECONDS[step],
    anchor: step <= 3600 ? DAY : LONG_ANCHOR,
  };
}

/**
 * Beginnings of the blocks that hold a span.
 * @param {Frame} frame @param {number} from @param {number} to seconds since 1970, exclusive
 * @param {number} most blocks; of more, the newest
 * @returns {number[]} newest first
 */
export function blocksWithin(frame, from, to, most) {
  const starts = [];
  const last = Math.ceil(to / frame.length) * frame.length - frame.length;
  for (let at = last; at + frame.length > from && starts.length < most; at -= frame.length) {
    starts.push(at);
  }
  return starts;
}

/**
 * Where the question for what a block lacks begins, so that its columns are those of the block.
 * @param {Frame} frame @param {Block} block @param {boolean} isModel
 */
export function tailStart(frame, block, isModel) {
  const next = block.start + block.closed * block.step;
  const blockStart = Math.floor(block.start / frame.length) * frame.length;
  const isSame = Math.floor(blockStart / frame.anchor) === Math.floor(next / frame.anchor);
  return isModel && !isSame ? blockStart : next;
}

/** @param {string} text ISO @returns {number} seconds since 1970 */
const timeOf = (text) => Date.parse(text) / 1000;

/**
 * An answer of `/liquidations/heatmap-timeseries` as arrays.
 * @param {any} answer
 * @param {Span} span that was asked for
 * @param {string} [incomplete] what could not be had
 * @returns {Block}
 */
export function blockOf(answer, span, incomplete = "") {
  const { data, meta } = answer;
  const { step } = span;
  const rowPrice = meta.price_bin_size ?? 0;
  const start = span.isModel && data.length > 0 ? timeOf(data[0].timestamp) : span.start;
  const end = span.isModel && data.length === 0 ? start : timeOf(meta.end_time);
  const columns = Math.max(0, Math.round((end - start) / step));
  let base = Infinity;
  let top = -Infinity;
  /** @param {number} price */
  const rowOf = (price) => Math.round(price / rowPrice);
  for (const { levels } of data) {
    if (levels.length === 0) continue;
    base = Math.min(base, rowOf(levels[0].price));
    top = Math.max(top, rowOf(levels[levels.length - 1].price));
  }
  const rows = Math.max(0, top - base + 1);
  const long = new Float64Array(columns * rows);
  const short = new Float64Array(columns * rows);
  let closed = Math.max(0, columns - span.open);
  for (const column of data) {
    const at = Math.round((timeOf(column.timestamp) - start) / step);
    if (at < 0 || at >= columns) continue;
    if (!column.is_closed) closed = Math.min(closed, at);
    for (const level of column.levels) {
      const place = at * rows + rowOf(level.price) - base;
      long[place] = level.long_density;
      short[place] = level.short_density;
    }
  }
  return {
    start,
    step,
    columns,
    closed,
    base: rows > 0 ? base : 0,
    rows,
    rowPrice,
    long,
    short,
    meta,
    incomplete,
  };
}

/**
 * What is told of a block and of the columns that were added to it, as of one answer over both.
 * @param {Block} block @param {Block} tail @param {number} added columns
 */
function joinedMeta(block, tail, added) {
  if (tail.start <= block.start) return tail.meta;
  const all = block.closed + added;
  const coverage = tail.meta.coverage?.map((/** @type {any} */ one) => {
    const before = block.meta.coverage.find((/** @type {any} */ b) => b.exchange === one.exchange);
    if (before === undefined) return one;
    /** @param {string} name */
    const share = (name) => (before[name] * block.closed + one[name] * added) / all;
    const [bars, marks] = [share("bars"), share("marks")];
    return { ...one, bars, marks, open_interest: share("open_interest") };
  });
  return {
    ...tail.meta,
    coverage,
    start_time: block.meta.start_time,
    model_start: block.meta.model_start,
    is_floor: block.meta.is_floor || tail.meta.is_floor,
    total_created: (block.meta.total_created ?? 0) + (tail.meta.total_created ?? 0),
    total_consumed: block.meta.total_consumed + tail.meta.total_consumed,
    late_count: Math.max(block.meta.late_count ?? 0, tail.meta.late_count ?? 0),
  };
}

/** @param {Block} block @returns {number} USD of all its cells */
const sumOf = ({ long, short }) => long.reduce((sum, usd, at) => sum + usd + short[at], 0);

/**
 * A block with what came after its closed columns. A closed column stays as it was first told.
 * @param {Block} block @param {Block} tail that begins at or before the end of the closed columns
 * @returns {Block}
 */
export function extended(block, tail) {
  const newColumns = Math.round((tail.start - block.start) / block.step) + tail.columns;
  const columns = Math.max(block.closed, newColumns);
  if (tail.columns === 0 || newColumns < block.closed) {
    return { ...block, incomplete: tail.incomplete };
  }
  const parts = [block, tail].filter((one) => one.rows > 0);
  const base = Math.min(...parts.map((one) => one.base));
  const rows = parts.length > 0 ? Math.max(...parts.map((one) => one.base + one.rows)) - base : 0;
  const long = new Float64Array(columns * rows);
  const short = new Float64Array(columns * rows);
  /** @param {Block} from @param {number} first column of `from` @param {number} last exclusive */
  const copy = (from, first, last) => {
    const shift = Math.round((from.start - block.start) / block.step);
    for (let column = first; column < last; column += 1) {
      const to = (column + shift) * rows + from.base - base;
      const cut = [column * from.rows, (column + 1) * from.rows];
      long.set(from.long.subarray(...cut), to);
      short.set(from.short.subarray(...cut), to);
    }
  };
  if (block.rows > 0) copy(block, 0, block.closed);
  const shift = Math.round((tail.start - block.start) / block.step);
  if (tail.rows > 0) copy(tail, Math.max(0, block.closed - shift), tail.columns);
  const next = {
    ...tail,
    start: block.start,
    columns,
    closed: Math.max(block.closed, shift + tail.closed),
    base: rows > 0 ? base : 0,
    rows,
    rowPrice: tail.rowPrice || block.rowPrice,
    long,
    short,
    meta: joinedMeta(block, tail, columns - block.closed),
  };
  // Columns that were open are in both answers of the realised map, and not twice in its sum.
  if (tail.meta.coverage === undefined) next.meta.total_consumed = sumOf(next);
  return next;
}

/**
 * The cell of a block at a time and price.
 * @param {Block} block @param {number} time seconds since 1970 @param {number} price
 * @returns {{time: number, price: number, long: number, short: number} | null} beginning and lower
 *   edge of the cell with its USD; zero where the block is empty, null outside its time
 */
export function cellOf(block, time, price) {
  const column = Math.floor((time - block.start) / block.step);
  const isIn = column >= 0 && column < block.columns;
  if (!isIn || !(block.rowPrice > 0)) return null;
  // Edges are the floats nearest to exact decimals: a division may fall a hair short of one.
  let number = Math.floor(price / block.rowPrice);
  if (edgeOf(number + 1, block.rowPrice) <= price) number += 1;
  const row = number - block.base;
  const isFilled = row >= 0 && row < block.rows;
  const at = column * block.rows + row;
  return {
    time: block.start + column * block.step,
    price: edgeOf(number, block.rowPrice),
    long: isFilled ? block.long[at] : 0,
    short: isFilled ? block.short[at] : 0,
  };
}

/** The lower edge of a row as the API writes it: exact to 8 decimal places.
 * @param {number} number @param {number} rowPrice
 */
export const edgeOf = (number, rowPrice) => Number((number * rowPrice).toFixed(8));
