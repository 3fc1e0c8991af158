/**
 * @file The order books of one symbol, of one venue or of several: which are good to be shown, and
 * what is the matter with the others.
 */

import { signal } from "@preact/signals-core";
import { bookOf, commonOptions, mergedBook, stepOf } from "./book_levels.js";
import { ageText } from "./format.js";

/** A book that nothing came of for so long is not shown as the present one. */
export const STALE_AFTER_MS = 10_000;

/**
 * @typedef {object} BookWish what is to be shown
 * @property {string} symbol
 * @property {readonly string[]} exchanges one, or several whose books become one
 * @property {number} limit levels a side
 * @property {number} paceMs shortest time between two messages of a venue
 * @property {(options: readonly number[], mid: number) => number | undefined} step the rounding
 *   wanted, of those that are offered; undefined leaves it to the server, for one venue only
 *
 * @typedef {object} VenueBook how the book of a venue is
 * @property {string} exchange
 * @property {any} message the newest; null before the first
 * @property {boolean} isGood whether it is of now and rounded as wanted
 * @property {boolean} isWaiting whether it is on its way rather than in trouble
 * @property {boolean} isRefused whether the server said that something is wrong
 * @property {string} text what is the matter, for people; empty when it is good
 */

/** Follows the books until `stop`. */
export class BookFeed {
  /** Rises with every message. */
  revision = signal(0);
  /** @type {Map<string, any>} newest message by venue */
  #messages = new Map();
  /** @type {Map<string, number>} when it came, by venue */
  #heardMs = new Map();
  /** @type {Map<string, import("./terminal_stream.js").TerminalWatch>} by venue */
  #watches = new Map();

  /**
   * @param {import("./terminal_stream.js").TerminalStream} stream
   * @param {BookWish} wish
   */
  constructor(stream, wish) {
    this.stream = stream;
    this.wish = wish;
    for (const exchange of wish.exchanges) {
      const view = { socket: /** @type {const} */ ("orderbook"), query: this.#query(exchange) };
      const watch = stream.watch(view, (message) => this.#hear(exchange, message));
      this.#watches.set(exchange, watch);
    }
  }

  /** The roundings that can be chosen, ascending; empty before the first message. */
  get options() {
    void this.revision.value;
    return commonOptions([...this.#messages.values()].map((one) => one.roundingOptions));
  }

  /** The rounding that is wanted; undefined before it is known, and where the server chooses. */
  get step() {
    void this.revision.value;
    return this.#wantedStep();
  }

  /**
   * Wants another rounding or other limits of the same books.
   * @param {Pick<BookWish, "limit" | "paceMs" | "step">} change
   */
  want(change) {
    this.wish = { ...this.wish, ...change };
    this.#steer();
    this.revision.value += 1;
  }

  /** How each venue's book is now, in the order that was asked for. @returns {VenueBook[]} */
  venues() {
    void this.revision.value;
    const step = this.#wantedStep();
    return this.wish.exchanges.map((exchange) => this.#venue(exchange, step));
  }

  /**
   * The books that are good, as one; of a single venue its last one even when it is old.
   * @returns {import("./book_levels.js").Book | undefined} none when there is nothing to show
   */
  book() {
    const venues = this.venues();
    if (this.wish.exchanges.length === 1) {
      const { message } = venues[0];
      return message === null || message.bids.length + message.asks.length === 0
        ? undefined
        : bookOf(message);
    }
    const good = venues.filter((one) => one.isGood).map((one) => one.message);
    return good.length === 0 ? undefined : mergedBook(good);
  }

  /** Asks at once where a socket waits to be opened. */
  again() {
    for (const watch of this.#watches.values()) watch.again();
  }

  stop() {
    for (const watch of this.#watches.values()) watch.leave();
  }

  /** @param {string} exchange @param {number} [rounding] */
  #query(exchange, rounding) {
    const { symbol, limit, paceMs } = this.wish;
    const query = { exchange, symbol, limit, pace_ms: paceMs };
    return rounding === undefined ? query : { ...query, rounding };
  }

  #wantedStep() {
    const options = commonOptions([...this.#messages.values()].map((one) => one.roundingOptions));
    if (options.length === 0) return undefined;
    const whole = [...this.#messages.values()].find((one) => one.bids.length && one.asks.length);
    const mid = whole === undefined ? NaN : (whole.bids[0].price + whole.asks[0].price) / 2;
    const step = this.wish.step(options, mid);
    const isOne = this.wish.exchanges.length === 1;
    return step === undefined && !isOne ? stepOf(options, "default") : step;
  }

  /** Tells each venue's socket which rounding is wanted, once it is known what there is. */
  #steer() {
    const step = this.#wantedStep();
    for (const [exchange, watch] of this.#watches) {
      const known = /** @type {number | undefined} */ (watch.view.query.rounding);
      watch.change(this.#query(exchange, step ?? known));
    }
  }

  /** @param {string} exchange @param {any} message */
  #hear(exchange, message) {
    if (message.type !== "orderbook_update") return;
    this.#messages.set(exchange, message);
    // One that another panel had before may have come long ago.
    const heardMs = this.#watches.get(exchange)?.heardMs ?? this.stream.world.nowMs();
    this.#heardMs.set(exchange, heardMs);
    this.#steer();
    this.revision.value += 1;
  }

  /** @param {string} exchange @param {number | undefined} step @returns {VenueBook} */
  #venue(exchange, step) {
    const message = this.#messages.get(exchange) ?? null;
    const matter = this.#matter(exchange, message, step);
    const isRefused = (this.#watches.get(exchange)?.trouble ?? null) !== null;
    return { exchange, message, isGood: matter.text === "", isRefused, ...matter };
  }

  /** @param {string} exchange @param {any} message @param {number | undefined} step */
  #matter(exchange, message, step) {
    const watch = this.#watches.get(exchange);
    const heardMs = this.#heardMs.get(exchange);
    const age = heardMs === undefined ? undefined : this.stream.world.nowMs() - heardMs;
    const old = age === undefined ? "" : ` · ${ageText(age)} old`;
    /** @param {string} text */
    const waits = (text) => ({ isWaiting: true, text });
    /** @param {string} text */
    const bad = (text) => ({ isWaiting: false, text });
    if (watch === undefined) return bad("not asked for");
    const { phase } = watch.link;
    if (watch.trouble !== null) return bad(`${watch.trouble.text}${old}`);
    if (phase !== "open") return old ? bad(`no connection${old}`) : waits("connecting");
    if (message === null || age === undefined) return waits("loading");
    if (message.state === "resyncing") return bad("the book is being read anew");
    if (age > STALE_AFTER_MS) return bad(`${ageText(age)} old`);
    if (message.bids.length + message.asks.length === 0) return bad("the book is empty");
    if (step !== undefined && message.rounding !== step) return waits("rounding anew");
    if (message.state === "snapshot") return waits("one answer, not live yet");
    return { isWaiting: false, text: "" };
  }
}
