/**
 * @file The heat map of a candles panel: which layers are on, what each loads, what is pointed at.
 *
 * The panel tells the newest candle; everything else comes from the view, the panel's settings and
 * the chart. Nothing is drawn in a tab that nobody sees, and at most once a frame elsewhere.
 */

import { effect, signal, untracked } from "@preact/signals";
import { address } from "./api.js";
import { frameOf } from "./heatmap_block.js";
import { HeatmapFeed } from "./heatmap_feed.js";
import { HeatmapLayer } from "./heatmap_layer.js";
import { HeatmapPrimitive } from "./heatmap_primitive.js";
import { askBlock } from "./heatmap_questions.js";
import { HeatmapRaster } from "./heatmap_raster.js";
import { LAYERS, layerSetting } from "./heatmap_settings.js";
import { LIVE_MAX_MS, LiveHeatmap } from "./live_heatmap.js";
import { NextFrame } from "./next_frame.js";
import { appearance, shownTheme } from "./preferences.js";
import { nowMs } from "./ticks.js";
import { exchange, interval, symbol } from "./view.js";

/** @typedef {import("./heatmap_layer.js").Cell} Cell */

/** @param {() => void} work @param {number} ms */
const later = (work, ms) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};

const FEED_SOURCES = {
  ask: askBlock,
  later,
  isHidden: () => document.hidden,
  random: Math.random,
};

function newRaster() {
  const canvas = new OffscreenCanvas(1, 1);
  const surface = canvas.getContext("2d");
  if (surface === null) throw new Error("this browser has no canvas");
  return new HeatmapRaster(canvas, surface);
}

function openLive() {
  const url = address(["ws", "heatmap"]);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url.href);
}

/** The layers of one panel, at work until `stop`. */
export class HeatmapLayers {
  /** Rises when a table or a legend of the map would be another. */
  revision = signal(0);
  /** What is pointed at, one cell for each layer that tells something there. */
  pointed = signal(/** @type {readonly Cell[]} */ ([]));
  /** @type {import("@preact/signals").Signal<readonly HeatmapLayer[]>} layers that are on */
  layers = signal([]);
  /** @type {import("@preact/signals").Signal<LiveHeatmap | null>} */
  live = signal(null);
  #newest = NaN;
  /** @type {{time: number, price: number} | null} where the pointer is */
  #place = null;
  #frame = new NextFrame(() => this.draw());
  #market = "";
  #candles = "";
  #forgetLive = () => {};
  /** @type {(() => void)[]} */
  #endings = [];

  /**
   * @param {import("./candle_chart.js").CandleChart} chart
   * @param {import("./panel.js").PanelContext} context
   */
  constructor(chart, context) {
    this.context = context;
    this.chart = chart.chart;
    this.series = chart.bars;
    this.primitive = new HeatmapPrimitive(60);
    this.series.attachPrimitive(this.primitive);
    const scale = this.chart.timeScale();
    const moved = () => this.#look();
    scale.subscribeVisibleLogicalRangeChange(moved);
    /** @param {any} event */
    const points = (event) => this.#point(event);
    this.chart.subscribeCrosshairMove(points);
    const seen = () => this.#pauseOrGoOn();
    document.addEventListener("visibilitychange", seen);
    this.#endings = [
      () => document.removeEventListener("visibilitychange", seen),
      effect(() => this.#choose()),
      effect(() => this.#follow()),
      effect(() => {
        void [appearance.value, this.look()];
        untracked(() => this.changed());
      }),
      effect(() => {
        void nowMs.value;
        untracked(() => this.#dropOldLive());
      }),
    ];
  }

  stop() {
    for (const end of this.#endings) end();
    for (const layer of this.layers.peek()) layer.feed.stop();
    this.#frame.cancel();
    this.live.peek()?.stop();
    this.#forgetLive();
  }

  /** How layers are drawn now. @returns {import("./heatmap_layer.js").Look} */
  look() {
    const { setting } = this.context;
    return {
      theme: shownTheme.value,
      bySide: setting("map_colours") === "side",
      threshold: Number(setting("map_threshold")) / 100,
      opacity: Number(setting("map_opacity")) / 100,
    };
  }

  /** Whether a layer is on. @param {string} id */
  isOn(id) {
    return this.context.setting(layerSetting(id)) === "on";
  }

  /** One venue, or undefined for all. */
  venue() {
    return this.context.setting("map_venues") === "one" ? exchange.value : undefined;
  }

  /** How far a layer is behind the newest candle, seconds; 0 when that is not known.
   * @param {HeatmapLayer} layer
   */
  behind(layer) {
    const end = layer.feed.newest()?.end;
    return end === undefined || !Number.isFinite(this.#newest) ? 0 : this.#newest - end;
  }

  /** Another one, when the cells of the layers are others. */
  get version() {
    const parts = this.layers
      .peek()
      .map(({ id, feed }) => [id, feed.version, ...feed.seen().map((block) => block.start)]);
    return parts.join(" ");
  }

  /** Says when the newest candle began. @param {number | undefined} time seconds since 1970 */
  newest(time) {
    if (time === undefined || time === this.#newest) return;
    this.#newest = time;
    this.#look();
  }

  /** Marks that something is to be drawn anew. */
  changed() {
    this.#frame.wake();
  }

  /** Draws now. */
  draw() {
    const live = this.#freshLive();
    const look = untracked(() => this.look());
    const layers = this.layers.peek();
    for (const layer of layers) {
      layer.lead(layer.id === "estimated" ? live : null);
      layer.paint(look);
    }
    this.primitive.show(layers.flatMap((layer) => layer.maps));
    this.#tell();
    this.revision.value += 1;
  }

  /** Begins and ends layers, as settings and the market want it. */
  #choose() {
    const venue = this.venue();
    const question = { symbol: symbol.value, interval: interval.value, exchanges: venue };
    const market = JSON.stringify(question);
    const candles = [exchange.value, symbol.value, interval.value].join(" ");
    const wanted = LAYERS.filter(({ id }) => this.isOn(id));
    untracked(() => {
      const isSame = market === this.#market;
      // Other candles begin elsewhere; other venues of the map leave the chart as it is.
      if (candles !== this.#candles) this.#newest = NaN;
      this.#market = market;
      this.#candles = candles;
      this.primitive.barSeconds = frameOf(question.interval).barSeconds;
      const before = this.layers.peek();
      const next = wanted.map(({ id }) => {
        const kept = isSame ? before.find((one) => one.id === id) : undefined;
        return kept ?? this.#newLayer(id, question);
      });
      for (const old of before) if (!next.includes(old)) old.feed.stop();
      this.pointed.value = [];
      this.layers.value = next;
      this.#look();
      this.changed();
    });
  }

  /** @param {string} id @param {{symbol: string, interval: string, exchanges?: string}} question */
  #newLayer(id, question) {
    const asked = { ...question, exchanges: question.exchanges, model: id };
    const feed = new HeatmapFeed(asked, FEED_SOURCES, () => this.changed());
    return new HeatmapLayer(id, feed, newRaster);
  }

  /** Follows the live map while the estimated layer of all venues is on. */
  #follow() {
    const isWanted = this.isOn("estimated") && this.venue() === undefined;
    const name = symbol.value;
    const { step } = frameOf(interval.value);
    untracked(() => {
      this.live.peek()?.stop();
      this.#forgetLive();
      if (!isWanted) {
        this.live.value = null;
        return;
      }
      const world = { open: openLive, nowMs: () => performance.now(), random: Math.random, later };
      const live = new LiveHeatmap(name, step, world);
      this.#forgetLive = effect(() => {
        void live.map.value;
        untracked(() => this.changed());
      });
      this.live.value = live;
      if (!document.hidden) live.start();
    });
  }

  #pauseOrGoOn() {
    const live = this.live.peek();
    if (document.hidden) live?.stop();
    else live?.start();
  }

  /** The block of the live map, unless it is old. */
  #freshLive() {
    const found = this.live.peek()?.map.peek() ?? null;
    const isFresh = found !== null && performance.now() - found.heardMs <= LIVE_MAX_MS;
    return isFresh ? found.block : null;
  }

  #dropOldLive() {
    const isDrawn = this.layers.peek().some((layer) => layer.front?.isLive);
    if (isDrawn && this.#freshLive() === null) this.changed();
  }

  /** Tells the layers what is looked at. */
  #look() {
    const range = this.chart.timeScale().getVisibleRange();
    if (range === null || !Number.isFinite(this.#newest)) return;
    const to = Number(range.to) + this.primitive.barSeconds;
    const view = { from: Number(range.from), to, newest: this.#newest };
    for (const layer of this.layers.peek()) layer.feed.look(view);
  }

  /** @param {any} event of the chart's crosshair */
  #point({ point, time, logical, paneIndex }) {
    const price = point === undefined ? null : this.series.coordinateToPrice(point.y);
    const at = typeof time === "number" ? time : this.#timeAt(logical);
    const isOut = price === null || at === null || paneIndex > 0;
    this.#place = isOut ? null : { time: at, price };
    this.#tell();
  }

  /** Reads the amounts at the place that is pointed at. */
  #tell() {
    const place = this.#place;
    const layers = this.layers.peek();
    if (place === null || layers.length === 0) {
      if (this.pointed.peek().length > 0) this.pointed.value = [];
    } else {
      this.pointed.value = layers.flatMap((one) => one.cellAt(place.time, place.price) ?? []);
    }
  }

  /** The time of a place behind the newest bar. @param {number | undefined} logical */
  #timeAt(logical) {
    const newest = /** @type {any} */ (this.#newest);
    const index = this.chart.timeScale().timeToIndex(newest, true);
    if (logical === undefined || index === null || !Number.isFinite(this.#newest)) return null;
    return this.#newest + Math.round(logical - index) * this.primitive.barSeconds;
  }
}
