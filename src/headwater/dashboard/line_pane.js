/** @file Lines over time on a canvas, by uPlot: drawn as told, and it tells what is pointed at. */

import uPlot from "uplot";
import { timeText } from "./format.js";
import { rangeOf, readingsIn } from "./line_series.js";
import { colour } from "./preferences.js";
import { HOLE_PX, fillStripes } from "./stripes.js";

const FONT = "11px system-ui, sans-serif";
const AXIS_PX = 74;
/** Room for the read-out above the lines, by the width from which on it is enough. */
const TOPS = [
  { fromPx: 560, topPx: 26 },
  { fromPx: 400, topPx: 42 },
  { fromPx: 0, topPx: 58 },
];
const TIMES_PX = 24;

/** @typedef {import("./line_series.js").Reading} Reading */
/** @typedef {import("./span.js").Span} Span */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} colour of the page, by its name
 * @property {"right" | "left"} side of its scale
 * @property {(reading: Reading) => number | null} value
 * @property {boolean} [isStepped] holds until the next reading
 * @property {readonly number[]} [dash] in pixels
 *
 * @typedef {(value: number, step: number) => string} ScaleText a mark; how far the next one is
 *
 * @typedef {object} Sight what is drawn
 * @property {readonly Line[]} lines
 * @property {readonly Reading[]} readings in order of time
 * @property {Span | null} span all of them when null
 * @property {readonly Span[]} holes of the stream, drawn as hatched stripes
 * @property {Readonly<Record<string, ScaleText>>} texts of the scales, by side
 */

/** @type {Sight} */
const NOTHING = { lines: [], readings: [], span: null, holes: [], texts: {} };

/** Lines in an element. */
export class LinePane {
  /** @type {uPlot | null} */
  #plot = null;
  #sight = NOTHING;
  #shape = "";
  /** What is pointed at elsewhere. */
  #marked = /** @type {number | undefined} */ (undefined);

  /**
   * @param {HTMLElement} host
   * @param {(time: number | undefined) => void} pointed hears the time under the pointer
   */
  constructor(host, pointed) {
    this.host = host;
    this.pointed = pointed;
    this.sizes = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.sizes.observe(host);
  }

  /**
   * Draws; the same lines again cost no new plot.
   * @param {Sight} sight @param {string} zone times are shown in
   * @param {string} look changes when the page's colours do
   */
  draw(sight, zone, look) {
    this.#sight = sight;
    const shape = JSON.stringify([zone, look, sight.lines.map((one) => [one.label, one.side])]);
    if (shape !== this.#shape || this.#plot === null) {
      this.#plot?.destroy();
      this.#shape = shape;
      this.#plot = this.#made(zone);
    }
    const shown = sight.span === null ? sight.readings : readingsIn(sight.readings, sight.span);
    const columns = sight.lines.map((line) => shown.map(line.value));
    this.#plot.setData([shown.map((one) => one.time), ...columns], true);
    // The plot takes its new scales over at the end of this turn; the mark moves with them.
    queueMicrotask(() => this.mark(this.#marked));
  }

  /** Marks a time as the pointer does; none takes the mark away. @param {number} [time] */
  mark(time) {
    this.#marked = time;
    const plot = this.#plot;
    if (plot === null || plot.over.matches(":hover")) return;
    const left = time === undefined ? -10 : plot.valToPos(time, "x");
    plot.setCursor({ left, top: 0 }, false);
  }

  /** @returns {HTMLCanvasElement} what is drawn, on the page's ground */
  image() {
    const picture = document.createElement("canvas");
    const drawn = this.#plot?.ctx.canvas;
    [picture.width, picture.height] = [drawn?.width ?? 1, drawn?.height ?? 1];
    const context = picture.getContext("2d");
    if (context !== null && drawn !== undefined) {
      context.fillStyle = colour("panel");
      context.fillRect(0, 0, picture.width, picture.height);
      context.drawImage(drawn, 0, 0);
    }
    return picture;
  }

  remove() {
    this.sizes.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #size() {
    return { width: this.host.clientWidth || 300, height: this.host.clientHeight || 120 };
  }

  /** @param {string} zone */
  #made(zone) {
    const columns = this.#sight.lines.map(() => []);
    const plot = new uPlot(this.#options(zone), [[], ...columns], this.host);
    plot.over.addEventListener("mouseleave", () => this.pointed(undefined));
    return plot;
  }

  /** @param {string} zone @returns {uPlot.Options} */
  #options(zone) {
    const { lines } = this.#sight;
    const sides = /** @type {const} */ (["right", "left"]).filter((side) =>
      lines.some((line) => line.side === side),
    );
    const { width } = this.#size();
    const top = TOPS.find(({ fromPx }) => width >= fromPx)?.topPx ?? 0;
    return {
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 7 } },
      ...(zone === "UTC"
        ? { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") }
        : { tzDate: (seconds) => new Date(seconds * 1000) }),
      padding: [top, sides.includes("right") ? 0 : 12, 0, sides.includes("left") ? 0 : 12],
      series: [{}, ...lines.map(seriesOf)],
      scales: {
        x: { time: true, range: (_, low, high) => this.#times(low, high) },
        ...Object.fromEntries(sides.map((side) => [side, { range: () => this.#values(side) }])),
      },
      axes: [timeAxis(zone), ...sides.map((side) => this.#axis(side))],
      hooks: {
        setCursor: [(plot) => this.#point(plot)],
        drawClear: [(plot) => hatch(plot, this.#sight.holes)],
      },
    };
  }

  /** @param {number | null} low @param {number | null} high @returns {[number, number]} */
  #times(low, high) {
    const { span } = this.#sight;
    if (span !== null) return [span.from, span.to];
    if (low === null || high === null) return [0, 1];
    return high > low ? [low, high] : [low - 60, high + 60];
  }

  /** @param {"right" | "left"} side @returns {[number, number]} */
  #values(side) {
    const { lines, readings, span } = this.#sight;
    const shown = span === null ? readings : readingsIn(readings, span);
    const drawn = lines.filter((line) => line.side === side);
    return rangeOf(drawn.flatMap((line) => shown.map(line.value)));
  }

  /** @param {"right" | "left"} side @returns {uPlot.Axis} */
  #axis(side) {
    return {
      ...axisLook(),
      scale: side,
      side: side === "right" ? 1 : 3,
      size: AXIS_PX,
      space: 28,
      grid: { show: side === "right", stroke: colour("grid"), width: 1 },
      values: (_plot, splits, _axis, _space, step) =>
        splits.map((value) => this.#sight.texts[side](value, step)),
    };
  }

  /** Tells where the pointer is; a mark that was set from outside is none. @param {uPlot} plot */
  #point(plot) {
    const { left } = plot.cursor;
    if (left === undefined || left < 0 || !plot.over.matches(":hover")) return;
    this.pointed(Math.round(plot.posToVal(left, "x")));
  }
}

/** @param {Line} line @returns {uPlot.Series} */
function seriesOf(line) {
  return {
    label: line.label,
    scale: line.side,
    stroke: colour(line.colour),
    width: 1.5,
    dash: [...(line.dash ?? [])],
    // One or two readings make no line that could be seen.
    points: { show: (plot) => plot.data[0].length < 3, size: 5 },
    spanGaps: true,
    paths: line.isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
  };
}

function axisLook() {
  const line = colour("grid");
  return {
    stroke: colour("dim"),
    font: FONT,
    gap: 4,
    ticks: { show: false },
    border: { show: true, stroke: colour("line"), width: 1 },
    grid: { show: true, stroke: line, width: 1 },
  };
}

/** @param {string} zone @returns {uPlot.Axis} */
function timeAxis(zone) {
  /** @param {number} step seconds between two marks */
  const part = (step) => (step >= 86_400 ? "day" : step >= 60 ? "minute" : "second");
  return {
    ...axisLook(),
    size: TIMES_PX,
    space: 70,
    values: (_plot, splits, _axis, _space, step) =>
      splits.map((time) => timeText(time, zone, part(step))),
  };
}

/**
 * Stripes over the times of which something is missing.
 * @param {uPlot} plot @param {readonly Span[]} holes
 */
function hatch(plot, holes) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const hole of holes) {
    const left = Math.max(plot.valToPos(hole.from, "x", true), bbox.left);
    const right = Math.min(plot.valToPos(hole.to, "x", true), bbox.left + bbox.width);
    const width = Math.max(right - left, HOLE_PX);
    if (right >= left) fillStripes(ctx, { left, top: bbox.top, width, height: bbox.height });
  }
  ctx.restore();
}
