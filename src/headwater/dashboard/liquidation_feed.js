/**
 * @file Liquidated volume of one market by candle: always the API's own sums.
 *
 * What is heard live is not added up here: it says which sums are out of date, and those are asked
 * for again. So what is drawn is what the API answers, nothing is counted twice, and what came
 * while the connection was away is in it.
 */

import { signal } from "@preact/signals-core";
import { CANDLES_MAX } from "./candle_series.js";
import { bucketOf, candleStart, secondsOf } from "./liquidation_bars.js";
import { waitBefore } from "./stream.js";

/** Buckets of one question; the API allows 9,000. */
const PAGE = 4_000;
/** The API gives an answer again for a second: only after that it has what was heard before. */
const PACE_MS = 1_100;

/**
 * @typedef {object} Scope whose liquidations
 * @property {string} exchange venue id
 * @property {boolean} isEvery of all venues together
 * @property {string} symbol @property {string} interval
 *
 * @typedef {object} Span in seconds since 1970
 * @property {number} from inclusive, where a candle begins
 * @property {number} to exclusive
 *
 * @typedef {object} Sources
 * @property {(scope: Scope, span: Span, aborted: AbortSignal) => Promise<any[]>} ask
 *   rows of the API
 * @property {import("./stream.js").Stream} stream
 */

/** The topic of a scope's liquidations. @param {Scope} scope */
export const liquidationTopic = (scope) =>
  scope.isEvery
    ? `all/liquidations?min_value_usd=0&symbols=${encodeURIComponent(scope.symbol)}`
    : `${scope.exchange}/${scope.symbol}/liquidations`;

/** Follows one scope until `stop`. */
export class LiquidationFeed {
  /** @type {Map<number, import("./liquidation_bars.js").Bucket>} by the time they begin */
  buckets = new Map();
  /** What fails, for people; empty when nothing does. */
  trouble = signal("");
  /** Whether the first answer is there. */
  isLoaded = signal(false);
  #aborting = new AbortController();
  #attempt = 0;
  #isAsking = false;
  /** The span of the candles. */
  #first = /** @type {number | undefined} */ (undefined);
  #last = 0;
  /** When the newest candle began, at the last question that went up to now. */
  #asked = 0;
  /** From when on the sums are known. */
  #known = /** @type {number | undefined} */ (undefined);
  /** From when on they may be out of date. */
  #stale = /** @type {number | undefined} */ (undefined);
  #isPaced = false;
  #unfollow = () => {};
  #cancelPace = () => {};
  #cancelRetry = () => {};

  /**
   * @param {Scope} scope
   * @param {Sources} sources
   * @param {(from: number) => void} changed hears that buckets from a time on are others
   */
  constructor(scope, sources, changed) {
    this.scope = scope;
    this.sources = sources;
    this.changed = changed;
    this.step = secondsOf(scope.interval);
  }

  start() {
    const topic = liquidationTopic(this.scope);
    this.#unfollow = this.sources.stream.follow(topic, (event) => this.#hear(event));
  }

  stop() {
    this.#unfollow();
    this.#cancelPace();
    this.#cancelRetry();
    this.#aborting.abort();
  }

  /**
   * Makes the sums of these candles known, one question after another.
   * @param {number} first when the oldest begins @param {number} last when the newest does
   */
  cover(first, last) {
    this.#first = first;
    this.#last = last;
    void this.#ask();
  }

  /** @returns {{span: Span, isNewest: boolean} | undefined} what is to be asked for next */
  #next() {
    if (this.#first === undefined) return undefined;
    const page = PAGE * this.step;
    // A candle more than there is: the clock of a venue is not that of the platform.
    const end = Math.max(this.#last, this.#stale ?? 0) + 2 * this.step;
    if (this.#known === undefined) {
      return { span: { from: Math.max(this.#first, end - page), to: end }, isNewest: true };
    }
    if (this.#stale !== undefined && !this.#isPaced) {
      const from = Math.max(this.#stale, this.#known, end - page);
      return { span: { from, to: end }, isNewest: true };
    }
    if (this.#first >= this.#known) return undefined;
    const from = Math.max(this.#first, this.#known - page);
    return { span: { from, to: this.#known }, isNewest: false };
  }

  async #ask() {
    const next = this.#next();
    if (this.#isAsking || next === undefined) return;
    const { span, isNewest } = next;
    this.#isAsking = true;
    const stale = this.#stale;
    const last = this.#last;
    if (isNewest) this.#stale = undefined;
    try {
      const rows = await this.sources.ask(this.scope, span, this.#aborting.signal);
      if (this.#aborting.signal.aborted) return;
      this.#attempt = 0;
      this.#isAsking = false;
      if (isNewest) this.#asked = last;
      this.#take(span, rows);
      void this.#ask();
    } catch (error) {
      if (this.#aborting.signal.aborted) return;
      if (stale !== undefined) this.#stale = Math.min(stale, this.#stale ?? stale);
      this.trouble.value = error instanceof Error ? error.message : String(error);
      const wait = 1_000 + waitBefore(this.#attempt++, this.sources.stream.world.random());
      this.#cancelRetry = this.sources.stream.world.later(() => {
        this.#isAsking = false;
        void this.#ask();
      }, wait);
    }
  }

  /** @param {Span} span @param {readonly any[]} rows */
  #take(span, rows) {
    for (const time of this.buckets.keys()) {
      if (time >= span.from && time < span.to) this.buckets.delete(time);
    }
    for (const row of rows) {
      const bucket = bucketOf(row);
      this.buckets.set(bucket.time, bucket);
    }
    this.#known = Math.min(this.#known ?? span.from, span.from);
    this.#prune();
    this.isLoaded.value = true;
    this.trouble.value = "";
    this.changed(span.from);
  }

  /** Lets go of what no candle is left for. */
  #prune() {
    if (this.buckets.size <= CANDLES_MAX || this.#first === undefined) return;
    for (const time of this.buckets.keys()) if (time < this.#first) this.buckets.delete(time);
  }

  /** @param {import("./stream.js").TopicEvent} event */
  #hear(event) {
    if (event.kind === "problem") {
      this.trouble.value = event.text ?? "refused";
    } else if (event.kind === "update") {
      this.#outdate(candleStart(Date.parse(event.data.timestamp) / 1000, this.scope.interval));
    } else if (event.kind !== "resumed") {
      // What was missed may lie anywhere since the last question.
      this.#outdate(this.#asked - this.step);
    }
  }

  /** Has the sums from a time on asked for again, at most so often. @param {number} from */
  #outdate(from) {
    this.#stale = Math.min(this.#stale ?? from, from);
    if (this.#isPaced) return;
    this.#isPaced = true;
    this.#cancelPace = this.sources.stream.world.later(() => {
      this.#isPaced = false;
      void this.#ask();
    }, PACE_MS);
  }
}
