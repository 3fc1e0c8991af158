/** @file Readings of one market that are asked for: the newest again and again, the past once. */

import { signal } from "@preact/signals-core";
import { READINGS_MAX, mergeReadings } from "./line_series.js";
import { waitBefore } from "./stream.js";

/** The API gives an answer of now again for ten seconds. */
const EVERY_MS = 10_000;

/**
 * @typedef {import("./line_series.js").Reading} Reading
 *
 * @typedef {object} LineFeed what a pane of lines draws from
 * @property {readonly Reading[]} readings in order of time
 * @property {import("@preact/signals").Signal<import("./candle_feed.js").FeedState>} state
 * @property {() => number | undefined} heardMs when the newest came, by the page's clock
 * @property {(span: import("./span.js").Span) => void} cover wants the past of a span
 * @property {() => void} start
 * @property {() => void} stop
 *
 * @typedef {object} Questions how a venue is asked; each may fail with an error for people
 * @property {(aborted: AbortSignal) => Promise<Reading>} now
 * @property {(beforeTime: number | undefined, aborted: AbortSignal) => Promise<Reading[]>} past
 *   a page that ends before a time, or the newest one, oldest first; empty when there is none
 *
 * @typedef {object} World
 * @property {() => number} nowMs @property {() => number} random
 * @property {(work: () => void, ms: number) => () => void} later
 * @property {(work: () => void) => () => void} whenSeen puts off what a hidden tab must not do;
 *   returns what prevents it
 */

/** @implements {LineFeed} */
export class ReadingsFeed {
  /** @type {Reading[]} */
  readings = [];
  state = signal(
    /** @type {import("./candle_feed.js").FeedState} */ ({ phase: "loading", text: "" }),
  );
  #aborting = new AbortController();
  #attempt = 0;
  #heardMs = /** @type {number | undefined} */ (undefined);
  /** When the oldest reading of the past lies; undefined before the first page. */
  #oldest = /** @type {number | undefined} */ (undefined);
  #isPaging = false;
  #hasAll = false;
  #wanted = Infinity;
  /** What fails of the past, for people. */
  #trouble = "";
  #cancelPoll = () => {};
  #cancelPast = () => {};

  /** @param {Questions} questions @param {World} world @param {() => void} changed */
  constructor(questions, world, changed) {
    this.questions = questions;
    this.world = world;
    this.changed = changed;
  }

  heardMs() {
    return this.#heardMs;
  }

  start() {
    void this.#poll();
    void this.#page();
  }

  stop() {
    this.#aborting.abort();
    this.#cancelPoll();
    this.#cancelPast();
  }

  /** @param {import("./span.js").Span} span */
  cover(span) {
    this.#wanted = span.from;
    if (this.#oldest !== undefined && span.from < this.#oldest) void this.#page();
  }

  async #poll() {
    let wait = EVERY_MS;
    try {
      const reading = await this.questions.now(this.#aborting.signal);
      if (this.#aborting.signal.aborted) return;
      this.#attempt = 0;
      this.#heardMs = this.world.nowMs();
      this.#take([reading]);
      this.state.value = { phase: "ready", text: this.#trouble };
    } catch (error) {
      if (this.#aborting.signal.aborted) return;
      this.state.value = { phase: "failed", text: sentence(error) };
      wait = 1_000 + waitBefore(this.#attempt++, this.world.random());
    }
    this.#cancelPoll = this.world.later(() => {
      this.#cancelPoll = this.world.whenSeen(() => void this.#poll());
    }, wait);
  }

  /** A page of the past, and further ones until what is wanted is there. */
  async #page() {
    if (this.#isPaging || this.#hasAll || this.readings.length >= READINGS_MAX) return;
    this.#isPaging = true;
    try {
      const page = await this.questions.past(this.#oldest, this.#aborting.signal);
      if (this.#aborting.signal.aborted) return;
      const before = this.#oldest ?? Infinity;
      const older = page.filter((one) => one.time < before);
      this.#hasAll = older.length === 0;
      this.#oldest = older[0]?.time ?? this.#oldest;
      this.#isPaging = false;
      this.#trouble = "";
      this.#take(older);
      if (this.#oldest !== undefined && this.#wanted < this.#oldest) void this.#page();
    } catch (error) {
      if (this.#aborting.signal.aborted) return;
      const { phase } = this.state.peek();
      this.#trouble = `the past: ${sentence(error)}`;
      if (phase !== "failed") this.state.value = { phase, text: this.#trouble };
      this.#cancelPast = this.world.later(() => {
        this.#isPaging = false;
        void this.#page();
      }, EVERY_MS);
    }
  }

  /** @param {readonly Reading[]} found in order */
  #take(found) {
    if (found.length === 0) return;
    this.readings = mergeReadings(this.readings, found);
    this.changed();
  }
}

/** @param {unknown} error */
const sentence = (error) =>
  `${error instanceof Error ? error.message : String(error)} · tried again by itself`;
