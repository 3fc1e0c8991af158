/**
 * @file The largest liquidations of a span that ends now: asked for, live, and asked for again.
 *
 * The span is the platform's: its clock says what has left it, so that a browser whose clock is
 * wrong shows the same. What has left is seen after `REFRESH_MS` at the latest.
 */

import { signal } from "@preact/signals-core";
import { LARGEST_MAX, mergeLargest } from "./largest.js";
import { waitBefore } from "./stream.js";
import { eventOf } from "./tape.js";
import { topicsOf } from "./tape_feed.js";

/** The platform is asked anew so often, by a tab that is seen. */
export const REFRESH_MS = 30_000;

/** @typedef {import("./tape.js").Event} Event */

/**
 * @typedef {object} Wish
 * @property {string} symbol empty for all
 * @property {string} venue empty for all
 * @property {string} least value in USD
 * @property {string} span back from now, as the API writes it
 *
 * @typedef {object} Largest
 * @property {"loading" | "ready" | "failed"} phase
 * @property {string} text what failed, for people
 * @property {readonly Event[]} events the largest first
 *
 * @typedef {object} Sources
 * @property {(wish: Wish, limit: number, aborted: AbortSignal) => Promise<any[]>} ask rows of
 *   the API
 * @property {import("./stream.js").Stream} stream
 * @property {(work: () => void) => () => void} whenSeen puts off what a hidden tab must not do;
 *   returns what prevents it
 */

/** Follows one wish until `stop`. */
export class LargestFeed {
  found = signal(/** @type {Largest} */ ({ phase: "loading", text: "", events: [] }));
  #aborting = new AbortController();
  #attempt = 0;
  #isAsking = false;
  #isFirst = true;
  /** Live ones that the next answer may not have yet. @type {Event[]} */
  #live = [];
  #cancel = () => {};

  /** @param {Wish} wish @param {Sources} sources */
  constructor(wish, sources) {
    this.wish = wish;
    this.sources = sources;
    const { symbol, venue, least } = wish;
    this.topics = topicsOf({ symbol, venue, tradesFrom: undefined, liquidationsFrom: least });
    this.unfollow = sources.stream.follow(this.topics[0], (event) => this.#hear(event));
    void this.ask();
  }

  stop() {
    this.unfollow();
    this.#cancel();
    this.#aborting.abort();
  }

  /** Asks, now; again by itself later, and after a failure with growing waits. */
  async ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#cancel();
    const { wish, sources } = this;
    let waitMs = REFRESH_MS;
    const before = this.#live;
    this.#live = [];
    try {
      const rows = await sources.ask(wish, LARGEST_MAX, this.#aborting.signal);
      if (this.#aborting.signal.aborted) return;
      this.#attempt = 0;
      // An answer may be some seconds old: what came live meanwhile stays for one more round.
      const events = mergeLargest(rows.map(eventOf), [...before, ...this.#live]);
      this.found.value = { phase: "ready", text: "", events };
    } catch (error) {
      if (this.#aborting.signal.aborted) return;
      this.#live = mergeLargest(before, this.#live);
      const text = error instanceof Error ? error.message : String(error);
      this.found.value = { ...this.found.peek(), phase: "failed", text };
      waitMs = 500 + waitBefore(this.#attempt++, sources.stream.world.random());
    } finally {
      this.#isAsking = false;
    }
    this.#cancel = sources.stream.world.later(() => {
      this.#cancel = sources.whenSeen(() => void this.ask());
    }, waitMs);
  }

  /** @param {Event[]} events that just happened, or a moment ago */
  #take(events) {
    const known = this.found.peek();
    this.#live = mergeLargest(this.#live, events);
    this.found.value = { ...known, events: mergeLargest(known.events, events) };
  }

  /** @param {import("./stream.js").TopicEvent} event */
  #hear(event) {
    if (event.kind === "problem") {
      this.found.value = { ...this.found.peek(), phase: "failed", text: event.text ?? "refused" };
    } else if (event.kind === "dropped") void this.ask();
    else if (event.kind === "snapshot") {
      // Between two lives of the topic something may have been. What the first one tells may be
      // older than the span, and is in the answer.
      if (!this.#isFirst) void this.ask();
      this.#isFirst = false;
    } else if (event.kind === "update" && event.data !== null) this.#take([eventOf(event.data)]);
  }
}
