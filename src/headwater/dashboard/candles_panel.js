/** @file The panel of candles and volume of the market that is looked at. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { address, getJson } from "./api.js";
import { CandleChart } from "./candle_chart.js";
import { CandleFeed } from "./candle_feed.js";
import { candleAt } from "./candle_series.js";
import { crosshair, point } from "./crosshair.js";
import { ageText, compact, decimalsOf, fixed, isoText, timeText } from "./format.js";
import { MAP_SETTINGS } from "./heatmap_settings.js";
import { HeatmapSlot } from "./heatmap_slot.js";
import { holes } from "./gap_ledger.js";
import { GapMarks } from "./gap_marks.js";
import { secondsOf } from "./liquidation_bars.js";
import { LIQUIDATION_SETTINGS, LiquidationHistogram } from "./liquidation_histogram.js";
import { NextFrame } from "./next_frame.js";
import { appearance, zone } from "./preferences.js";
import { showSpan } from "./span.js";
import { nowMs } from "./ticks.js";
import { exchange, interval, symbol } from "./view.js";

/** A candle that has not moved for so long is shown as old. */
const STALE_AFTER_MS = 10_000;
const SAMPLE = 200;
/** Bars that are drawn one by one; beyond it drawing all of them is faster. */
const SINGLY_MAX = 20;

/** @typedef {import("./candle_series.js").Candle} Candle */

/** @type {import("./panel.js").PanelKind} */
export const CANDLES = {
  kind: "candles",
  label: "Candles and volume",
  size: { w: 12, h: 12 },
  settings: [
    {
      name: "scale",
      label: "Price scale",
      choices: [
        { value: "linear", label: "linear" },
        { value: "log", label: "logarithmic" },
      ],
    },
    ...MAP_SETTINGS,
    ...LIQUIDATION_SETTINGS,
  ],
  mount: (host, context) => new CandlesPanel(host, context),
};

/**
 * Rows of candles.
 * @param {import("./candle_feed.js").Market} market
 * @param {import("./candle_feed.js").Page} page
 * @param {AbortSignal} aborted
 */
function askCandles(market, page, aborted) {
  const path = [market.exchange, "ohlc", market.symbol, market.interval];
  const end = page.beforeMs === undefined ? undefined : page.beforeMs - 1;
  return getJson(address(path, { limit: page.limit, end_time: end }), aborted);
}

/** @typedef {import("./panel.js").MountedPanel} MountedPanel */

/** @implements {MountedPanel} */
class CandlesPanel {
  revision = signal(0);
  /** @type {import("@preact/signals").Signal<CandleFeed | null>} */
  #feed = signal(null);
  #decimals = 0;
  /** What is to be drawn in the next frame: nothing, all, or from this time on. */
  #dirty = /** @type {number | "all" | null} */ (null);
  #frame = new NextFrame(() => this.#draw());
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.context = context;
    this.legend = document.createElement("div");
    this.legend.className = "legend";
    const place = document.createElement("div");
    place.className = "chart";
    place.tabIndex = 0;
    place.setAttribute("role", "application");
    place.setAttribute("aria-roledescription", "chart");
    host.append(place, this.legend);
    this.place = place;
    this.chart = new CandleChart(place, {
      pointed: (time) => point(this, time),
      nearPast: () => void this.#feed.peek()?.older(),
      seen: (from, to) => showSpan(from, to + secondsOf(interval.peek())),
    });
    this.map = new HeatmapSlot(host, this.chart, context);
    this.gaps = new GapMarks(this.chart.chart, 0, ["candles", "trades"]);
    this.liquidations = new LiquidationHistogram(this.chart.chart, context);
    this.title = computed(() => `${symbol.value} ${interval.value} · ${exchange.value}`);
    this.status = computed(() => this.#status());
    this.#endings = [
      effect(() => this.#follow()),
      effect(() => this.#repaint()),
      effect(() => this.chart.inZone(zone.value)),
      effect(() => this.chart.scaled(context.setting("scale") === "log")),
      effect(() => this.#describe()),
      effect(() => this.#mark()),
      effect(() => {
        // The table shows the cells of the map, or the liquidations and the holes too.
        void [this.map.revision.value, context.setting("table")];
        void [this.liquidations.revision.value, holes.value];
        untracked(() => (this.revision.value += 1));
      }),
      () => this.map.unmount(),
    ];
  }

  /** @returns {import("./csv.js").Table} */
  table() {
    const cells = this.map.table(this.title.peek());
    if (cells !== null) return cells;
    const candles = this.#feed.peek()?.candles ?? [];
    return {
      caption: `Candles ${this.title.peek()}`,
      columns: [
        "time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "missing",
        ...this.liquidations.columns(),
      ],
      rows: candles.map((one) => [
        isoText(one.time),
        one.open,
        one.high,
        one.low,
        one.close,
        one.volume,
        this.gaps.cell(one.time),
        ...this.liquidations.cells(one.time),
      ]),
    };
  }

  image() {
    this.#draw();
    return this.map.pictured(() => this.chart.image());
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#frame.cancel();
    this.#feed.peek()?.stop();
    this.gaps.stop();
    this.liquidations.stop();
    this.chart.remove();
  }

  /** Follows the market that is looked at; runs again when it is another one. */
  #follow() {
    const market = { exchange: exchange.value, symbol: symbol.value, interval: interval.value };
    untracked(() => {
      this.#feed.peek()?.stop();
      this.#decimals = 0;
      const sources = { ask: askCandles, stream: this.context.stream };
      const feed = new CandleFeed(market, sources, (change, from) => {
        if (this.#feed.peek() === feed) this.#changed(change, from);
      });
      this.#feed.value = feed;
      this.chart.drawAll([]);
      this.liquidations.draw([]);
      this.chart.showNewest();
      feed.start();
    });
  }

  #repaint() {
    void appearance.value;
    untracked(() => {
      this.chart.paint();
      this.liquidations.paint();
      this.#changed("all", 0);
    });
  }

  /** Marks what changed; it is drawn once a frame, and not at all in a tab that nobody sees.
   * @param {"all" | "tail"} change @param {number} from
   */
  #changed(change, from) {
    if (change === "all" || this.#dirty === "all") this.#dirty = "all";
    else this.#dirty = this.#dirty === null ? from : Math.min(this.#dirty, from);
    this.#frame.wake();
  }

  #draw() {
    const dirty = this.#dirty;
    const candles = this.#feed.peek()?.candles ?? [];
    this.#dirty = null;
    if (dirty === null) return;
    const changed = dirty === "all" ? candles : candles.filter((one) => one.time >= dirty);
    if (dirty === "all" || changed.length > SINGLY_MAX) {
      this.#learnDecimals(candles);
      this.chart.drawAll(candles);
    } else this.chart.drawTail(changed);
    this.map.newest(candles.at(-1)?.time);
    this.liquidations.draw(candles, dirty === "all" ? undefined : dirty);
    this.revision.value += 1;
  }

  /** @param {readonly Candle[]} candles */
  #learnDecimals(candles) {
    const found = decimalsOf(candles.slice(-SAMPLE).flatMap((one) => [one.open, one.close]));
    if (found === this.#decimals) return;
    this.#decimals = found;
    this.chart.precise(found);
  }

  /** @returns {import("./panel.js").PanelStatus} */
  #status() {
    const feed = this.#feed.value;
    if (feed === null) return { tone: "waiting", text: "" };
    const { phase, text } = feed.state.value;
    void this.revision.value;
    const heardMs = this.context.stream.heardMs(feed.topic);
    const isOpen = this.context.stream.link.value.phase === "open";
    const age = heardMs === undefined ? "" : ageText(nowMs.value - heardMs);
    if (phase === "failed") return { tone: "bad", text };
    if (!isOpen) return { tone: "stale", text: age ? `no connection · ${age} old` : "connecting" };
    if (phase === "loading" || heardMs === undefined) return { tone: "waiting", text: "loading" };
    if (text) return { tone: "stale", text };
    const isOld = nowMs.value - heardMs > STALE_AFTER_MS;
    return { tone: isOld ? "stale" : "good", text: isOld ? `${age} old` : "live" };
  }

  /** Marks the candle that is pointed at in another panel. */
  #mark() {
    const { time, by } = crosshair.value;
    if (by === this) return;
    const candles = untracked(() => this.#feed.peek()?.candles ?? []);
    this.chart.mark(time === undefined ? undefined : candleAt(candles, time));
  }

  /** Writes the numbers of the candle that is pointed at, else of the newest. */
  #describe() {
    void this.revision.value;
    const { time } = crosshair.value;
    const candles = this.#feed.value?.candles ?? [];
    const pointed = time === undefined ? undefined : candleAt(candles, time);
    const shown = pointed ?? candles.at(-1);
    this.place.setAttribute(
      "aria-label",
      `Chart of ${this.title.value}; its numbers are in the table`,
    );
    if (shown === undefined) {
      this.legend.textContent = "";
      return;
    }
    const change = (shown.close / shown.open - 1) * 100;
    const parts = [
      ["", timeText(shown.time, zone.value, "full")],
      ["O", fixed(shown.open, this.#decimals)],
      ["H", fixed(shown.high, this.#decimals)],
      ["L", fixed(shown.low, this.#decimals)],
      ["C", fixed(shown.close, this.#decimals)],
      ["", `${change >= 0 ? "+" : "−"}${fixed(Math.abs(change), 2)} %`],
      ["V", compact(shown.volume)],
    ];
    this.legend.replaceChildren(
      ...parts.map(([name, value]) => this.#legendPart(name, value, change)),
      ...this.gaps.readout(shown.time),
      ...this.liquidations.readout(shown.time),
    );
  }

  /** @param {string} name @param {string} value @param {number} change */
  #legendPart(name, value, change) {
    const part = document.createElement("span");
    const label = document.createElement("b");
    label.textContent = name;
    part.append(label, document.createTextNode(value));
    if (name !== "" && name !== "V") part.className = change >= 0 ? "up" : "down";
    if (value.endsWith("%")) part.className = change >= 0 ? "up" : "down";
    return part;
  }
}
