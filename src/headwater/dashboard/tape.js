/**
 * @file The newest trades and liquidations: bounded, in order of time, held still on demand.
 *
 * Pure: events are put in as they come, and taken over once a frame.
 */

import { decimalsOf } from "./format.js";

/** Events that are kept, and at most as many again that wait while the tape is held. */
export const EVENTS_MAX = 500;
/** Symbols whose decimals are remembered. */
const SYMBOLS_MAX = 1_000;
/** What a side of a trade or a liquidation looks like, besides its colour. */
export const SIGNS = { buy: "▲", sell: "▼", long: "◆", short: "◇" };

/**
 * @typedef {object} Event
 * @property {"trade" | "liquidation"} kind
 * @property {number} timeMs since 1970
 * @property {string} timestamp as the API writes it
 * @property {string} exchange @property {string} symbol
 * @property {"buy" | "sell"} side of the taker, or of the closing order
 * @property {"long" | "short" | ""} position that was closed; empty for trades
 * @property {number} price @property {number} quantity in base units
 * @property {number} value USD
 * @property {string} id the venue's; empty where it gives none
 * @property {string} priceKind of liquidations; empty for trades
 * @property {boolean} isFloor whether the venue tells at most one a second
 *
 * @typedef {object} Sums of what is on the tape, USD
 * @property {number} bought @property {number} sold
 * @property {number} longs liquidated @property {number} shorts liquidated
 * @property {boolean} isFloor whether a venue may have left liquidations out
 */

/** An event of a message of the API. @param {any} row @returns {Event} */
export function eventOf(row) {
  const isLiquidation = row.position_side !== undefined;
  return {
    kind: isLiquidation ? "liquidation" : "trade",
    timeMs: Date.parse(row.timestamp),
    timestamp: row.timestamp,
    exchange: row.exchange,
    symbol: row.symbol,
    side: row.side,
    position: row.position_side ?? "",
    price: row.price,
    quantity: row.quantity,
    value: row.value,
    id: (isLiquidation ? row.order_id : row.trade_id) ?? "",
    priceKind: row.price_kind ?? "",
    isFloor: row.is_floor === true,
  };
}

/** What the platform itself tells events apart by. @param {Event} one */
export const keyOf = (one) =>
  [
    one.kind,
    one.exchange,
    one.symbol,
    one.timestamp,
    one.side,
    one.price,
    one.quantity,
    one.id,
  ].join(" ");

/**
 * How large an event is: 0 to 3, by tenths and tens of what counts as large.
 * @param {number} value USD @param {number} largeUsd above 0
 */
export function tierOf(value, largeUsd) {
  if (value >= largeUsd * 10) return 3;
  if (value >= largeUsd) return 2;
  return value >= largeUsd / 10 ? 1 : 0;
}

/** Sums over events. @param {Iterable<Event>} events @returns {Sums} */
export function sumsOf(events) {
  const sums = { bought: 0, sold: 0, longs: 0, shorts: 0, isFloor: false };
  for (const one of events) {
    if (one.kind === "liquidation") {
      sums[one.position === "long" ? "longs" : "shorts"] += one.value;
      sums.isFloor ||= one.isFloor;
    } else sums[one.side === "buy" ? "bought" : "sold"] += one.value;
  }
  return sums;
}

/** Keeps the newest. @param {Event[]} events */
const newest = (events) => events.slice(Math.max(0, events.length - EVENTS_MAX));

/** The events of a market or of several. */
export class Tape {
  /** Oldest first. @type {Event[]} */
  events = [];
  /** Events that came while the tape was held, of which the newest are kept. */
  waitingCount = 0;
  /** @type {Event[]} */
  #waiting = [];
  /** @type {Event[]} */
  #pending = [];
  /** @type {Map<string, number>} */
  #decimals = new Map();

  /** Takes an event that just came. @param {Event} one */
  add(one) {
    this.#pending.push(one);
    // Nobody may be looking: what would fall out again is not kept for the next frame.
    if (this.#pending.length > 2 * EVENTS_MAX) this.#pending = newest(this.#pending);
  }

  /**
   * Takes a list of the newest, parts of which may have come before.
   * @param {readonly Event[]} list
   * @returns {boolean} whether it joins on to what is there: one of them is in both, or nothing was
   *   there; else there may be a hole between the two
   */
  addNewest(list) {
    /** @type {Map<string, number>} */
    const known = new Map();
    for (const one of [...this.events, ...this.#waiting, ...this.#pending]) {
      known.set(keyOf(one), (known.get(keyOf(one)) ?? 0) + 1);
    }
    const isJoined = known.size === 0 || list.some((one) => known.has(keyOf(one)));
    for (const one of list) {
      const times = known.get(keyOf(one)) ?? 0;
      if (times > 0) known.set(keyOf(one), times - 1);
      else this.add(one);
    }
    return isJoined;
  }

  /**
   * Takes over what came since the last time.
   * @param {boolean} isHeld whether `events` is to stay as it is
   * @returns {boolean} whether `events` is another list now
   */
  flush(isHeld) {
    const came = this.#pending;
    this.#pending = [];
    if (isHeld) {
      this.waitingCount += came.length;
      if (came.length > 0) this.#waiting = newest([...this.#waiting, ...came]);
      return false;
    }
    if (came.length === 0 && this.#waiting.length === 0) return false;
    const fresh = [...this.#waiting, ...came];
    const all = [...this.events, ...fresh];
    this.#waiting = [];
    this.waitingCount = 0;
    this.learn(fresh);
    // Nearly in order already: venues are late by some milliseconds.
    this.events = newest(all.sort((a, b) => a.timeMs - b.timeMs));
    return true;
  }

  /** Decimals with which a symbol's prices are written. @param {Event} one */
  decimals(one) {
    return this.#decimals.get(one.symbol) ?? decimalsOf([one.price]);
  }

  /** Learns how prices are written. @param {Iterable<Event>} events */
  learn(events) {
    for (const one of events) {
      const known = this.#decimals.get(one.symbol) ?? -1;
      const found = decimalsOf([one.price]);
      if (found <= known) continue;
      if (this.#decimals.size >= SYMBOLS_MAX) this.#decimals.clear();
      this.#decimals.set(one.symbol, found);
    }
  }

  clear() {
    this.events = [];
    this.#waiting = [];
    this.#pending = [];
    this.waitingCount = 0;
  }
}
