/** @file The candles of one market: a page of the past, then live, and further back on demand. */

import { signal } from "@preact/signals-core";
import { CANDLES_MAX, candleOf, leftOpen, mergeCandles, takeCandle } from "./candle_series.js";
import { waitBefore } from "./stream.js";

const PAGE = 500;
/**
 * How long a candle may stay open after the next one began. Its last word comes a moment later, and
 * a platform that has missed it asks the venue for it after some seconds.
 */
const LAST_WORD_MS = 8_000;
/** Most questions for the last word of one candle, each after twice the wait. */
const QUESTIONS_MAX = 4;

/**
 * @typedef {object} Market
 * @property {string} exchange @property {string} symbol @property {string} interval
 *
 * @typedef {object} Page the newest candles, or those that end before a time
 * @property {number} limit
 * @property {number} [beforeMs] exclusive
 *
 * @typedef {object} Sources where candles come from
 * @property {(market: Market, page: Page, aborted: AbortSignal) => Promise<any[]>} ask
 *   rows of the API
 * @property {import("./stream.js").Stream} stream
 *
 * @typedef {object} FeedState
 * @property {"loading" | "ready" | "failed"} phase
 * @property {string} text what failed, for people
 */

/** The topic of a market's candles. @param {Market} market */
export const candleTopic = (market) =>
  `${market.exchange}/${market.symbol}/ohlc?interval=${market.interval}`;

/** Follows one market until `stop`. */
export class CandleFeed {
  /** @type {import("./candle_series.js").Candle[]} */
  candles = [];
  state = signal(/** @type {FeedState} */ ({ phase: "loading", text: "" }));
  #aborting = new AbortController();
  #attempt = 0;
  #isFirst = true;
  #isPaging = false;
  #isLoading = false;
  #isOutdated = false;
  #hasAll = false;
  #unfollow = () => {};
  #cancel = () => {};
  #cancelWatch = () => {};
  #isWatching = false;
  /** The candle whose last word was asked for, and how often. */
  #asked = { time: -1, count: 0 };

  /**
   * @param {Market} market
   * @param {Sources} sources
   * @param {(change: "all" | "tail", fromTime: number) => void} changed hears of every change:
   *   of everything, or of the candles from a time on
   */
  constructor(market, sources, changed) {
    this.market = market;
    this.sources = sources;
    this.changed = changed;
    this.topic = candleTopic(market);
  }

  start() {
    this.#unfollow = this.sources.stream.follow(this.topic, (event) => this.#hear(event));
    void this.#load();
  }

  stop() {
    this.#unfollow();
    this.#cancel();
    this.#cancelWatch();
    this.#aborting.abort();
  }

  /** Fetches the page before the oldest candle; nothing while one is on its way or none is left. */
  async older() {
    const first = this.candles[0];
    if (this.#isPaging || this.#hasAll || first === undefined) return;
    if (this.candles.length + PAGE > CANDLES_MAX) return;
    this.#isPaging = true;
    try {
      const rows = await this.#ask({ limit: PAGE, beforeMs: first.time * 1000 });
      const page = rows.map(candleOf).filter((candle) => candle.time < first.time);
      this.#hasAll = page.length === 0;
      if (page.length > 0) this.#merge(page);
    } catch (error) {
      if (!this.#aborting.signal.aborted) this.#say("ready", `the past: ${messageOf(error)}`);
    } finally {
      this.#isPaging = false;
    }
  }

  /** @param {Page} page */
  #ask(page) {
    return this.sources.ask(this.market, page, this.#aborting.signal);
  }

  /** The newest page; again after a failure, with growing waits. */
  async #load() {
    if (this.#isLoading) {
      // What is on its way may have been answered before the reason to ask again.
      this.#isOutdated = true;
      return;
    }
    this.#isLoading = true;
    try {
      const rows = await this.#ask({ limit: PAGE });
      this.#attempt = 0;
      this.#say("ready", "");
      this.#merge(rows.map(candleOf));
    } catch (error) {
      if (this.#aborting.signal.aborted) return;
      this.#say("failed", messageOf(error));
      const wait = waitBefore(this.#attempt++, this.sources.stream.world.random());
      this.#cancel = this.sources.stream.world.later(() => void this.#load(), wait + 500);
    } finally {
      this.#isLoading = false;
    }
    if (!this.#isOutdated) return;
    this.#isOutdated = false;
    if (this.state.peek().phase === "ready") void this.#load();
  }

  /** @param {import("./candle_series.js").Candle[]} page */
  #merge(page) {
    this.candles = mergeCandles(this.candles, page);
    this.changed("all", 0);
    this.#watch();
  }

  /**
   * Sees to it that no candle stays open for ever behind a newer one. An answer may be older than
   * the first message of the socket, which tells of the newest candle alone: what became of one
   * that closed between the two is told by neither.
   */
  #watch() {
    if (this.#isWatching) return;
    const time = leftOpen(this.candles, PAGE);
    if (time === undefined) return;
    if (this.#asked.time !== time) this.#asked = { time, count: 0 };
    if (this.#asked.count >= QUESTIONS_MAX) return;
    this.#isWatching = true;
    const wait = LAST_WORD_MS * 2 ** this.#asked.count;
    this.#cancelWatch = this.sources.stream.world.later(() => {
      this.#isWatching = false;
      if (leftOpen(this.candles, PAGE) === time) {
        this.#asked.count += 1;
        void this.#load();
      } else {
        this.#watch();
      }
    }, wait);
  }

  /** @param {import("./stream.js").TopicEvent} event */
  #hear(event) {
    if (event.kind === "problem") {
      this.#say("failed", event.text ?? "");
      return;
    }
    if (event.kind === "dropped") void this.#load();
    if (event.kind === "snapshot") {
      // After a break that could not be bridged there is a hole before the snapshot.
      if (!this.#isFirst) void this.#load();
      this.#isFirst = false;
    }
    if (event.data === undefined || event.data === null) return;
    const candle = candleOf(event.data);
    const change = takeCandle(this.candles, candle);
    if (change === "tail" || change === "inside") this.changed("tail", candle.time);
    else if (change === "inserted") this.changed("all", 0);
    this.#watch();
  }

  /** @param {FeedState["phase"]} phase @param {string} text */
  #say(phase, text) {
    this.state.value = { phase, text };
  }
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));
