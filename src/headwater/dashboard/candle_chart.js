/** @file Candles and their volume on a canvas, by Lightweight Charts, with its attribution logo. */

import {
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  HistogramSeries,
  PriceScaleMode,
  TickMarkType,
  createChart,
} from "lightweight-charts";
import { fixed, timeText } from "./format.js";
import { colour } from "./preferences.js";

/** Bars that an arrow key moves by. */
const STEP_BARS = 5;
/** Empty bars that can be seen after the newest. */
const FUTURE_BARS = 10;
const ZOOM = 1.25;
/** The past is asked for when fewer bars than this are left of the view. */
const PAST_WHEN_LEFT = 50;
const VOLUME_SHARE = 0.2;

const TICK_PARTS = {
  [TickMarkType.Year]: "year",
  [TickMarkType.Month]: "month",
  [TickMarkType.DayOfMonth]: "day",
  [TickMarkType.Time]: "minute",
  [TickMarkType.TimeWithSeconds]: "second",
};

/** @typedef {import("./candle_series.js").Candle} Candle */

/** A chart in an element; draws what it is given and tells what is pointed at. */
export class CandleChart {
  /** Where the next frame will be, in bars from the newest; null between frames. */
  #goal = /** @type {number | null} */ (null);
  /** When the last bar that is drawn begins. */
  #drawnTo = -Infinity;

  /**
   * @param {HTMLElement} host
   * @param {object} hears
   * @param {(time: number | undefined) => void} hears.pointed the bar under the pointer, or none
   * @param {() => void} hears.nearPast the view comes near the oldest bar
   * @param {(from: number, to: number) => void} hears.seen the span that is seen, seconds
   */
  constructor(host, hears) {
    this.chart = createChart(host, {
      autoSize: true,
      layout: { attributionLogo: true, fontSize: 11, panes: { enableResize: true } },
      crosshair: { mode: CrosshairMode.Normal },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4 },
    });
    this.bars = this.chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.volume = this.chart.addSeries(
      HistogramSeries,
      { priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false },
      1,
    );
    const [prices, volumes] = this.chart.panes();
    prices.setStretchFactor(1 - VOLUME_SHARE);
    volumes.setStretchFactor(VOLUME_SHARE);
    this.chart.subscribeCrosshairMove((event) => {
      hears.pointed(typeof event.time === "number" ? event.time : undefined);
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range !== null && range.from < PAST_WHEN_LEFT) hears.nearPast();
    });
    this.chart.timeScale().subscribeVisibleTimeRangeChange((range) => {
      if (range !== null) hears.seen(Number(range.from), Number(range.to));
    });
    host.addEventListener("keydown", (event) => this.#key(event));
    this.paint();
  }

  /** Takes the page's colours. The candles' own volumes take them when they are drawn again. */
  paint() {
    const [up, down, text, line] = ["up", "down", "dim", "line"].map(colour);
    this.up = colour("up-soft");
    this.down = colour("down-soft");
    this.chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: colour("panel") },
        textColor: text,
        fontFamily: getComputedStyle(document.body).fontFamily,
        panes: { separatorColor: line, separatorHoverColor: colour("hover") },
      },
      grid: { vertLines: { color: colour("grid") }, horzLines: { color: colour("grid") } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    this.bars.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
  }

  /** @param {string} zone times are shown in */
  inZone(zone) {
    this.chart.applyOptions({
      localization: {
        timeFormatter: (/** @type {any} */ time) => timeText(time, zone, "full"),
      },
      timeScale: {
        tickMarkFormatter: (/** @type {any} */ time, /** @type {TickMarkType} */ type) =>
          timeText(time, zone, TICK_PARTS[type]),
      },
    });
  }

  /** @param {boolean} isLogarithmic */
  scaled(isLogarithmic) {
    const mode = isLogarithmic ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal;
    this.chart.priceScale("right").applyOptions({ mode });
  }

  /** @param {number} decimals of prices */
  precise(decimals) {
    this.bars.applyOptions({
      priceFormat: {
        type: "custom",
        minMove: 10 ** -decimals,
        formatter: (/** @type {number} */ price) => fixed(price, decimals),
      },
    });
  }

  /**
   * Draws all of the candles; the view keeps its distance from the newest.
   * @param {readonly Candle[]} candles
   */
  drawAll(candles) {
    this.#drawnTo = candles.at(-1)?.time ?? -Infinity;
    this.bars.setData(candles.map(barOf));
    this.volume.setData(candles.map((candle) => this.#volumeOf(candle)));
  }

  /**
   * Draws candles that are new or changed at the end.
   * @param {readonly Candle[]} candles in order
   */
  drawTail(candles) {
    for (const candle of candles) {
      // The chart wants to be told that a bar is not its last: finding it takes a little longer.
      const isPast = candle.time < this.#drawnTo;
      this.bars.update(barOf(candle), isPast);
      this.volume.update(this.#volumeOf(candle), isPast);
      this.#drawnTo = Math.max(this.#drawnTo, candle.time);
    }
  }

  /** Marks a candle as the crosshair does; none takes the mark away. @param {Candle} [candle] */
  mark(candle) {
    if (candle === undefined) this.chart.clearCrosshairPosition();
    else {
      const time = /** @type {any} */ (candle.time);
      this.chart.setCrosshairPosition(candle.close, time, this.bars);
    }
  }

  /** Goes to the newest candles. */
  showNewest() {
    this.chart.timeScale().resetTimeScale();
  }

  /** @returns {HTMLCanvasElement} */
  image() {
    return this.chart.takeScreenshot(true, false);
  }

  remove() {
    this.chart.remove();
  }

  /** @param {Candle} candle */
  #volumeOf(candle) {
    const color = candle.close >= candle.open ? this.up : this.down;
    return { time: /** @type {any} */ (candle.time), value: candle.volume, color };
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft") this.#scroll(-STEP_BARS);
    else if (event.key === "ArrowRight") this.#scroll(STEP_BARS);
    else if (event.key === "End") this.showNewest();
    else if (event.key === "+" || event.key === "=") this.#zoom(1 / ZOOM);
    else if (event.key === "-") this.#zoom(ZOOM);
    else return;
    event.preventDefault();
  }

  /** Keys may come faster than frames, and the scale moves in frames only. @param {number} bars */
  #scroll(bars) {
    const scale = this.chart.timeScale();
    if (this.#goal === null) requestAnimationFrame(() => (this.#goal = null));
    this.#goal = Math.min((this.#goal ?? scale.scrollPosition()) + bars, FUTURE_BARS);
    scale.scrollToPosition(this.#goal, false);
  }

  /** @param {number} factor of the span that is seen; its right end stays */
  #zoom(factor) {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (range === null) return;
    const from = range.to - Math.max(5, (range.to - range.from) * factor);
    this.chart.timeScale().setVisibleLogicalRange({ from, to: range.to });
  }
}

/** @param {Candle} candle */
const barOf = ({ time, open, high, low, close }) => ({
  time: /** @type {any} */ (time),
  open,
  high,
  low,
  close,
});
