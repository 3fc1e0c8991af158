/**
 * @file The newest estimated map of a symbol over all venues, as `/ws/heatmap` sends it.
 *
 * Connects again by itself; in a tab that nobody sees it gives the connection up.
 */

import { signal } from "@preact/signals-core";
import { endSocket, waitBefore } from "./stream.js";

const EVERY_S = 5;
const PING_EVERY_MS = 20_000;
/** Without a snapshot for so long the live column is called old, and no longer drawn. */
export const LIVE_MAX_MS = 30_000;

/**
 * @typedef {object} LiveMap
 * @property {number} time of which it tells, seconds since 1970
 * @property {number} heardMs when it came, by `nowMs`
 * @property {import("./heatmap_block.js").Block} block of one column
 *
 * @typedef {object} Surroundings
 * @property {() => import("./stream.js").Socket} open begins a connection
 * @property {() => number} nowMs a clock that never goes back
 * @property {() => number} random from 0 to 1
 * @property {(work: () => void, ms: number) => () => void} later
 */

/**
 * The height of the rows of a snapshot, which does not tell it: the least step between its prices.
 * @param {readonly number[]} prices in order
 * @returns {number} 0 when the prices do not tell it
 */
export function rowPriceOf(prices) {
  let least = Infinity;
  for (let at = 1; at < prices.length; at += 1) {
    least = Math.min(least, prices[at] - prices[at - 1]);
  }
  const height = Number(least.toPrecision(9));
  if (!(height > 0) || !Number.isFinite(height)) return 0;
  const isWhole = prices.every((price) => {
    const number = price / height;
    return Math.abs(number - Math.round(number)) < 1e-4;
  });
  return isWhole ? height : 0;
}

/**
 * A snapshot as a block of one column.
 * @param {any} message of the socket
 * @param {number} step seconds of the column
 * @returns {import("./heatmap_block.js").Block | null} null when its rows cannot be told
 */
export function blockOfSnapshot(message, step) {
  const { levels } = message.data;
  const rowPrice = rowPriceOf(levels.map((/** @type {any} */ one) => one.price));
  if (rowPrice === 0) return null;
  /** @param {any} level */
  const rowOf = (level) => Math.round(level.price / rowPrice);
  const base = rowOf(levels[0]);
  const rows = rowOf(levels[levels.length - 1]) - base + 1;
  const long = new Float64Array(rows);
  const short = new Float64Array(rows);
  for (const level of levels) {
    long[rowOf(level) - base] = level.long_density;
    short[rowOf(level) - base] = level.short_density;
  }
  const start = Date.parse(message.timestamp) / 1000;
  const rest = { rowPrice, long, short, meta: null, incomplete: "" };
  return { start, step, columns: 1, closed: 1, base, rows, ...rest };
}

/** Follows one symbol until `stop`. */
export class LiveHeatmap {
  map = signal(/** @type {LiveMap | null} */ (null));
  /** Why there is no map, in words; empty when there is. */
  problem = signal("");
  /** @type {import("./stream.js").Socket | null} */
  #socket = null;
  #attempt = 0;
  #cancel = () => {};

  /** @param {string} symbol @param {number} step seconds @param {Surroundings} world */
  constructor(symbol, step, world) {
    this.symbol = symbol;
    this.step = step;
    this.world = world;
  }

  start() {
    if (this.#socket !== null) return;
    const socket = this.world.open();
    this.#socket = socket;
    socket.onopen = () => {
      const wish = { action: "subscribe", symbols: [this.symbol], update_interval: EVERY_S };
      socket.send(JSON.stringify(wish));
      this.#ping(socket);
    };
    socket.onmessage = (event) => this.#take(JSON.parse(event.data));
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#end();
      this.problem.value = "no connection";
      const wait = EVERY_S * 100 + waitBefore(this.#attempt++, this.world.random());
      this.#cancel = this.world.later(() => this.start(), wait);
    };
  }

  stop() {
    this.#end();
  }

  #end() {
    this.#cancel();
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) endSocket(socket);
  }

  /** @param {import("./stream.js").Socket} socket */
  #ping(socket) {
    this.#cancel = this.world.later(() => {
      socket.send(JSON.stringify({ action: "ping" }));
      this.#ping(socket);
    }, PING_EVERY_MS);
  }

  /** @param {any} message */
  #take(message) {
    if (message.type === "error") this.problem.value = message.message;
    if (message.type !== "snapshot") return;
    this.#attempt = 0;
    const block = blockOfSnapshot(message, this.step);
    this.problem.value = block === null ? "too few levels to draw" : "";
    if (block === null) return;
    this.map.value = { time: block.start, heardMs: this.world.nowMs(), block };
  }
}
