/** @file What a tape hears: trades and liquidations of one venue or all, by one topic each. */

import { signal } from "@preact/signals-core";
import { eventOf } from "./tape.js";

/**
 * @typedef {object} Hearing what is wanted
 * @property {string} symbol empty for all that the platform keeps live
 * @property {string} venue empty for all
 * @property {string | undefined} tradesFrom least value of trades in USD; undefined for no trades
 * @property {string | undefined} liquidationsFrom the same of liquidations
 */

/** @param {string} stream @param {string} least @param {Hearing} wanted */
function topicOf(stream, least, { symbol, venue }) {
  const fields = [`min_value_usd=${least}`];
  if (venue !== "") fields.unshift(`exchanges=${encodeURIComponent(venue)}`);
  if (symbol !== "") fields.push(`symbols=${encodeURIComponent(symbol)}`);
  return `all/${stream}?${fields.join("&")}`;
}

/** The topics that bring it. @param {Hearing} wanted @returns {string[]} */
export function topicsOf(wanted) {
  const { tradesFrom, liquidationsFrom } = wanted;
  return [
    ...(tradesFrom === undefined ? [] : [topicOf("large_trades", tradesFrom, wanted)]),
    ...(liquidationsFrom === undefined ? [] : [topicOf("liquidations", liquidationsFrom, wanted)]),
  ];
}

/** Puts what is heard on a tape until `stop`. */
export class TapeFeed {
  /** What is wrong, for people; empty when nothing is. */
  problem = signal("");
  /** When something may have been missed the last time, ms since 1970; 0 for never. */
  missedAtMs = signal(0);
  /** @type {(() => void)[]} */
  #endings = [];

  /**
   * @param {Hearing} wanted
   * @param {import("./stream.js").Stream} stream
   * @param {import("./tape.js").Tape} tape
   * @param {(event: import("./tape.js").Event | undefined) => void} heard after each message, with
   *   the event when it just happened
   * @param {() => number} wallMs now, since 1970
   */
  constructor(wanted, stream, tape, heard, wallMs = Date.now) {
    this.tape = tape;
    this.heard = heard;
    this.wallMs = wallMs;
    this.topics = topicsOf(wanted);
    this.#endings = this.topics.map((topic) => {
      let isFirst = true;
      return stream.follow(topic, (event) => {
        this.#take(event, isFirst);
        if (event.kind === "snapshot") isFirst = false;
      });
    });
  }

  stop() {
    for (const end of this.#endings) end();
  }

  /** @param {import("./stream.js").TopicEvent} event @param {boolean} isFirst of the topic */
  #take(event, isFirst) {
    if (event.kind === "problem") this.problem.value = event.text ?? "refused";
    else if (event.kind === "dropped") this.missedAtMs.value = this.wallMs();
    else if (event.kind === "snapshot") {
      this.problem.value = "";
      const list = Array.isArray(event.data) ? event.data.map(eventOf) : [];
      // A snapshot comes anew after a break, and when another panel asks for the same topic.
      if (!this.tape.addNewest(list) && !isFirst) this.missedAtMs.value = this.wallMs();
      this.heard(undefined);
    } else if (event.kind === "update" && event.data !== null) {
      const one = eventOf(event.data);
      this.tape.add(one);
      this.heard(one);
    }
  }
}
