/** @file The pane of liquidated volume under the candles: shorts upwards, longs downwards. */

import { effect, signal, untracked } from "@preact/signals";
import { HistogramSeries } from "lightweight-charts";
import { address, getJson } from "./api.js";
import { compact } from "./format.js";
import { GapMarks } from "./gap_marks.js";
import { barsOf, cellsOf, columnsOf, sumText } from "./liquidation_bars.js";
import { LiquidationFeed } from "./liquidation_feed.js";
import { NextFrame } from "./next_frame.js";
import { colour } from "./preferences.js";
import { platform } from "./venues.js";
import { exchange, interval, symbol } from "./view.js";

/** Part of the chart's height. */
const SHARE = 0.22;
/** Bars that are drawn one by one; beyond it drawing all of them is faster. */
const SINGLY_MAX = 20;
const SIDES = /** @type {const} */ (["shorts", "longs"]);

/** @typedef {import("./candle_series.js").Candle} Candle */
/** @typedef {import("./liquidation_bars.js").Unit} Unit */

/** What can be chosen. @type {readonly import("./panel.js").Setting[]} */
export const LIQUIDATION_SETTINGS = [
  {
    name: "liquidations",
    label: "Liquidations",
    choices: [
      { value: "usd", label: "in USD" },
      { value: "coin", label: "in coins" },
      { value: "count", label: "number of them" },
      { value: "off", label: "not shown" },
    ],
  },
  {
    name: "liquidationVenues",
    label: "Liquidations of",
    choices: [
      { value: "one", label: "this venue" },
      { value: "all", label: "all venues" },
    ],
  },
];

/** @type {import("./liquidation_feed.js").Sources["ask"]} */
function askVolume(scope, span, aborted) {
  const query = {
    symbol: scope.symbol,
    interval: scope.interval,
    exchanges: scope.isEvery ? undefined : scope.exchange,
    start_time: span.from * 1000,
    end_time: span.to * 1000 - 1,
  };
  return getJson(address(["liquidations", "volume"], query), aborted);
}

/** The histogram in a chart of candles. */
export class LiquidationHistogram {
  /** Rises when what it shows is other. */
  revision = signal(0);
  /** @type {import("@preact/signals").Signal<LiquidationFeed | null>} */
  #feed = signal(null);
  /** Shorts and longs. @type {import("lightweight-charts").ISeriesApi<"Histogram">[]} */
  #series = [];
  #unit = /** @type {Unit} */ ("usd");
  /** @type {GapMarks | null} */
  #gaps = null;
  #frame = new NextFrame(() => {
    const dirty = this.#dirty;
    this.#dirty = Infinity;
    this.draw(this.#candles, dirty);
    this.revision.value += 1;
  });
  /** From when on the bars are to be drawn in the next frame. */
  #dirty = Infinity;
  /** @type {readonly Candle[]} */
  #candles = [];
  /** When the last bar that is drawn begins. */
  #drawnTo = -Infinity;

  /**
   * @param {import("lightweight-charts").IChartApi} chart
   * @param {import("./panel.js").PanelContext} context
   */
  constructor(chart, context) {
    this.chart = chart;
    this.context = context;
    this.end = effect(() => this.#follow());
  }

  /** Draws the bars of these candles. @param {readonly Candle[]} candles all, in order
   * @param {number} [from] only those of candles from this time on are others
   */
  draw(candles, from = -Infinity) {
    this.#candles = candles;
    const feed = this.#feed.peek();
    if (feed === null || this.#series.length === 0) return;
    const changed = from === -Infinity ? candles : candles.filter((one) => one.time >= from);
    const isAll = changed === candles || changed.length > SINGLY_MAX;
    const bars = (isAll ? candles : changed).map((one) =>
      barsOf(one.time, feed.buckets.get(one.time), this.#unit),
    );
    for (const [at, side] of SIDES.entries()) {
      const series = this.#series[at];
      const sides = /** @type {any[]} */ (bars.map((one) => one[side]));
      if (isAll) series.setData(sides);
      // The chart wants to be told that a bar is not its last.
      else for (const bar of sides) series.update(bar, bar.time < this.#drawnTo);
    }
    const [first, last] = [candles[0], candles.at(-1)];
    this.#drawnTo = last?.time ?? -Infinity;
    if (first !== undefined && last !== undefined) feed.cover(first.time, last.time);
  }

  /** Takes the page's colours. */
  paint() {
    const line = colour("line");
    for (const [at, name] of ["up", "down"].entries()) {
      this.#series[at]?.applyOptions({ color: colour(name), baseLineColor: line });
    }
  }

  /** What a candle's liquidations come to, as parts of a legend. @param {number} time */
  readout(time) {
    void this.revision.value;
    const feed = this.#feed.value;
    if (feed === null) return [];
    const { shorts, longs } = feed.buckets.get(time)?.sums[this.#unit] ?? { shorts: 0, longs: 0 };
    const isFloor = feed.buckets.get(time)?.isFloor ?? false;
    const unit = { usd: " $", coin: "", count: "×" }[this.#unit];
    const parts = [
      part("up", "shorts liq.", `${sumText(shorts, isFloor)}${unit}`),
      part("down", "longs", `${sumText(longs, isFloor)}${unit}`),
    ];
    parts.push(...(this.#gaps?.readout(time) ?? []));
    const { value: trouble } = feed.trouble;
    if (trouble) return [...parts, part("", "liquidations:", `${trouble}; tried again`)];
    return feed.isLoaded.value ? parts : [part("", "liquidations", "loading")];
  }

  /** @returns {readonly string[]} names of what `cells` gives; none when nothing is shown */
  columns() {
    return this.#feed.peek() === null ? [] : [...columnsOf(this.#unit), "liquidations missing"];
  }

  /** Numbers of a candle for the table. @param {number} time */
  cells(time) {
    const feed = this.#feed.peek();
    if (feed === null) return [];
    return [...cellsOf(feed.buckets.get(time), this.#unit), this.#gaps?.cell(time) ?? ""];
  }

  stop() {
    this.end();
    this.#gaps?.stop();
    this.#frame.cancel();
    this.#feed.peek()?.stop();
  }

  /** Follows what is looked at; asks nothing of a platform that stores nothing. */
  #follow() {
    const unit = this.context.setting("liquidations");
    const isShown = unit !== "off" && platform.value?.stores === true;
    const scope = {
      exchange: exchange.value,
      isEvery: this.context.setting("liquidationVenues") === "all",
      symbol: symbol.value,
      interval: interval.value,
    };
    untracked(() => {
      this.#feed.peek()?.stop();
      this.#feed.value = null;
      if (isShown) {
        this.#unit = /** @type {Unit} */ (unit);
        this.#addPane();
        const sources = { ask: askVolume, stream: this.context.stream };
        const feed = new LiquidationFeed(scope, sources, (from) => this.#changed(from));
        this.#feed.value = feed;
        feed.start();
        this.draw(this.#candles);
      } else this.#removePane();
      this.revision.value += 1;
    });
  }

  #addPane() {
    if (this.#series.length > 0) return;
    const pane = this.chart.panes().length;
    this.#series = SIDES.map(() =>
      this.chart.addSeries(
        HistogramSeries,
        {
          base: 0,
          priceLineVisible: false,
          lastValueVisible: false,
          priceFormat: {
            type: "custom",
            minMove: 1e-8,
            formatter: (/** @type {number} */ value) => compact(Math.abs(value)),
          },
        },
        pane,
      ),
    );
    this.chart.panes()[pane].setStretchFactor(SHARE);
    this.#gaps = new GapMarks(this.chart, pane, ["liquidations"]);
    this.paint();
  }

  #removePane() {
    this.#gaps?.stop();
    this.#gaps = null;
    for (const series of this.#series) this.chart.removeSeries(series);
    this.#series = [];
  }

  /** Draws what changed in the next frame; there is none in a tab that nobody sees.
   * @param {number} from
   */
  #changed(from) {
    this.#dirty = Math.min(this.#dirty, from);
    this.#frame.wake();
  }
}

/** @param {string} className @param {string} name @param {string} value */
function part(className, name, value) {
  const made = document.createElement("span");
  const label = document.createElement("b");
  label.textContent = name;
  made.className = className;
  made.append(label, document.createTextNode(value));
  return made;
}
