/**
 * @file What is known of one contract on every venue: tickers and mark prices live, funding, open
 * interest and liquidations asked for again and again.
 */

import { waitBefore } from "./stream.js";
import { liquidatedOf } from "./overview.js";

/** Slow numbers are asked for so often, by a tab that is seen. */
export const ASK_EVERY_MS = 30_000;

/**
 * @typedef {object} Asking puts questions to the API
 * @property {(path: readonly string[], query: Readonly<Record<string, string | number>>,
 *   aborted: AbortSignal) => Promise<any>} get
 * @property {import("./stream.js").Stream} stream
 * @property {boolean} stores whether the platform keeps liquidations and can be asked for them
 * @property {(work: () => void) => () => void} whenSeen puts off what a hidden tab must not do;
 *   returns what prevents it
 *
 * @typedef {object} Known of one venue
 * @property {any} ticker @property {any} mark @property {any} funding @property {any} interest
 * @property {import("./overview.js").Liquidated | null} liquidated
 */

const NOTHING = { ticker: null, mark: null, funding: null, interest: null, liquidated: null };

/** Follows one symbol on the venues until `stop`. */
export class OverviewFeed {
  /** What went wrong with slow numbers the last time, for people; empty when nothing did. */
  problem = "";
  /** @type {Map<string, Known>} */
  #known;
  #aborting = new AbortController();
  #attempt = 0;
  #cancel = () => {};
  /** @type {(() => void)[]} */
  #endings;

  /**
   * @param {string} symbol @param {readonly string[]} venues
   * @param {Asking} asking @param {() => void} changed after each change
   */
  constructor(symbol, venues, asking, changed) {
    this.symbol = symbol;
    this.venues = venues;
    this.asking = asking;
    this.changed = changed;
    this.#known = new Map(venues.map((venue) => [venue, { ...NOTHING }]));
    this.#endings = venues.flatMap((venue) => [
      this.#hear(venue, "ticker", "ticker"),
      this.#hear(venue, "mark_price", "mark"),
    ]);
    void this.#ask();
  }

  stop() {
    for (const end of this.#endings) end();
    this.#cancel();
    this.#aborting.abort();
  }

  /** @param {string} venue */
  topics(venue) {
    return [`${venue}/${this.symbol}/ticker`, `${venue}/${this.symbol}/mark_price`];
  }

  /** @param {number} nowMs by the stream's clock @returns {import("./overview.js").Facts[]} */
  facts(nowMs) {
    return this.venues.map((exchange) => {
      const known = this.#known.get(exchange) ?? NOTHING;
      const heard = this.topics(exchange).flatMap((one) => this.asking.stream.heardMs(one) ?? []);
      const ageMs = heard.length === 0 ? null : Math.max(0, nowMs - Math.min(...heard));
      return { exchange, ...known, ageMs };
    });
  }

  /** @param {string} venue @param {string} stream @param {"ticker" | "mark"} field */
  #hear(venue, stream, field) {
    return this.asking.stream.follow(`${venue}/${this.symbol}/${stream}`, (event) => {
      if (event.data === undefined || event.data === null) return;
      this.#put(venue, { [field]: event.data });
      this.changed();
    });
  }

  /** @param {string} venue @param {Partial<Known>} more */
  #put(venue, more) {
    this.#known.set(venue, { ...(this.#known.get(venue) ?? NOTHING), ...more });
  }

  /** Asks for all slow numbers at once; each has its own answer and its own failure. */
  async #ask() {
    const { symbol } = this;
    const found = await Promise.all([
      this.#try(["multi", "funding", symbol], {}, (all) => this.#putAll("funding", all)),
      this.#try(["multi", "oi", symbol], {}, (all) => this.#putAll("interest", all)),
      ...(this.asking.stores ? this.venues : []).map((venue) =>
        this.#try(
          ["liquidations", "volume"],
          { symbol, interval: "1h", exchanges: venue },
          (rows) => this.#put(venue, { liquidated: liquidatedOf(rows) }),
        ),
      ),
    ]);
    if (this.#aborting.signal.aborted) return;
    const wrong = found.filter((one) => one !== "");
    this.problem = wrong[0] ?? "";
    this.#attempt = wrong.length > 0 ? this.#attempt + 1 : 0;
    this.changed();
    const { random, later } = this.asking.stream.world;
    const waitMs = wrong.length > 0 ? 2_000 + waitBefore(this.#attempt, random()) : ASK_EVERY_MS;
    this.#cancel = later(() => {
      this.#cancel = this.asking.whenSeen(() => void this.#ask());
    }, waitMs);
  }

  /** @param {"funding" | "interest"} field @param {any} all an answer over all venues */
  #putAll(field, all) {
    for (const venue of this.venues) {
      if (all[venue] !== undefined) this.#put(venue, { [field]: all[venue] });
    }
  }

  /**
   * @param {readonly string[]} path @param {Readonly<Record<string, string | number>>} query
   * @param {(answer: any) => void} take
   * @returns {Promise<string>} what is wrong, empty when nothing is or there is no such thing
   */
  async #try(path, query, take) {
    try {
      take(await this.asking.get(path, query, this.#aborting.signal));
      return "";
    } catch (error) {
      const status = /** @type {{status?: number}} */ (error).status;
      if (status === 404) return "";
      return error instanceof Error ? error.message : String(error);
    }
  }
}
