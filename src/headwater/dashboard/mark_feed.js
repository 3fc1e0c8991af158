/** @file Mark and index price as they come on the socket; the past of them is not told. */

import { signal } from "@preact/signals-core";

/** Readings kept: two hours of one a second. */
export const MARKS_MAX = 7_200;
/** Two readings are at least so far apart: the newer one takes the place of the older. */
const STEP_S = 1;

/** @typedef {import("./line_series.js").Reading} Reading */

/** A message of the stream. @param {any} row @returns {Reading} mark, index */
export const markOf = (row) => ({
  time: Date.parse(row.timestamp) / 1000,
  values: [row.mark_price, row.index_price],
});

/** How far the mark price is above the index, in hundredths of a percent.
 * @param {Reading} reading
 */
export function basisBps({ values: [mark, index] }) {
  return mark === null || !index ? null : ((mark - index) / index) * 10_000;
}

/** @typedef {import("./readings_feed.js").LineFeed} LineFeed */

/** @implements {LineFeed} */
export class MarkFeed {
  /** @type {Reading[]} */
  readings = [];
  state = signal(
    /** @type {import("./candle_feed.js").FeedState} */ ({ phase: "loading", text: "" }),
  );
  #unfollow = () => {};

  /**
   * @param {import("./candle_feed.js").Market} market
   * @param {import("./stream.js").Stream} stream
   * @param {() => void} changed
   */
  constructor(market, stream, changed) {
    this.topic = `${market.exchange}/${market.symbol}/mark_price`;
    this.stream = stream;
    this.changed = changed;
  }

  heardMs() {
    return this.stream.heardMs(this.topic);
  }

  start() {
    this.#unfollow = this.stream.follow(this.topic, (event) => this.#hear(event));
  }

  stop() {
    this.#unfollow();
  }

  /** There is nothing to be asked for. */
  cover() {}

  /** @param {import("./stream.js").TopicEvent} event */
  #hear(event) {
    if (event.kind === "problem") {
      this.state.value = { phase: "failed", text: event.text ?? "refused" };
      return;
    }
    if (event.data === undefined || event.data === null) return;
    const reading = markOf(event.data);
    const last = this.readings.at(-1);
    if (last !== undefined && reading.time < last.time) return;
    // The one before the last decides: else a stream faster than the step would keep one for ever.
    const before = this.readings.at(-2);
    if (last !== undefined && before !== undefined && last.time - before.time < STEP_S) {
      this.readings.pop();
    } else if (last?.time === reading.time) this.readings.pop();
    this.readings.push(reading);
    if (this.readings.length > MARKS_MAX) this.readings.shift();
    this.state.value = { phase: "ready", text: "" };
    this.changed();
  }
}
