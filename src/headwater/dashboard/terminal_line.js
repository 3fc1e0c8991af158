/**
 * @file One socket of the terminal API (docs/guides/terminal.md), which reconnects by itself.
 *
 * Nothing here touches the page: sockets, time and chance are passed in. Panels do not use this
 * but `TerminalStream`, which shares lines.
 */

import { signal } from "@preact/signals-core";
import { endSocket, isClosing, waitBefore } from "./stream.js";

/** A connection that lasted this long was a good one: waits begin anew. */
const HEALTHY_AFTER_MS = 10_000;
const PING_EVERY_MS = 10_000;
/** Nothing heard for so long, in spite of pings: the connection is taken for dead. */
const SILENCE_MAX_MS = 25_000;
/** What the server refuses for good is asked for again this seldom: a list may change. */
const REFUSED_WAIT_MS = 60_000;
/** Least time between two changes of the view: the server answers ten requests a second. */
const CHANGE_EVERY_MS = 250;
/** Close code of an address that is wrong, or whose venue cannot be reached. */
const REFUSED_CLOSE = 4000;
const TOO_SLOW_CLOSE = 1013;

/** Codes of errors that another attempt does not mend. */
const FINAL = new Set(["UNKNOWN_SYMBOL", "UNKNOWN_EXCHANGE", "NOT_SUPPORTED", "BAD_PARAMETER"]);

/** What `update_params` can change on an open order book, and its name in a message. */
const CHANGEABLE = new Map([
  ["limit", "limit"],
  ["rounding", "rounding"],
  ["asks", "asks"],
  ["pace_ms", "paceMs"],
]);

/**
 * @typedef {Readonly<Record<string, string | number>>} Query parameters of a socket's address
 *
 * @typedef {object} TerminalView what somebody looks at; two equal ones are one socket
 * @property {"orderbook" | "trades" | "candles" | "liquidations"} socket
 * @property {Query} query with `symbol` and `exchange`; names and values as the guide has them
 *
 * @typedef {object} TerminalLink how the connection is
 * @property {"connecting" | "open" | "waiting" | "refused" | "paused"} phase waiting: it is opened
 *   again after a while; refused: the server says that there is no such thing
 * @property {number} sinceMs when that began, by `nowMs`
 *
 * @typedef {object} Trouble an error of the server
 * @property {string} code as the guide lists them
 * @property {string} text one sentence, for people
 *
 * @typedef {object} TerminalSurroundings what a line needs of the world
 * @property {(view: TerminalView) => import("./stream.js").Socket} open begins a connection
 * @property {() => number} nowMs a clock that never goes back
 * @property {() => number} random from 0 to 1
 * @property {(work: () => void, ms: number) => () => void} later
 *   calls once; returns what prevents it
 */

/** Names a view: equal ones have equal names. @param {TerminalView} view */
export function viewName({ socket, query }) {
  const parts = Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${socket}?${parts.map((part) => part.map(encodeURIComponent).join("=")).join("&")}`;
}

/**
 * Whether the server can be told on the open socket to show another view.
 * @param {TerminalView} from @param {Query} query wanted
 */
export function canChange(from, query) {
  if (from.socket !== "orderbook") return false;
  const names = [...new Set([...Object.keys(from.query), ...Object.keys(query)])];
  // What is left out of an address has a default that no request can name.
  return names.every(
    (name) =>
      from.query[name] === query[name] || (CHANGEABLE.has(name) && query[name] !== undefined),
  );
}

/** The request for a view: all that it says, whatever was asked for before. @param {Query} query */
const changeRequest = (query) => ({
  type: "update_params",
  ...Object.fromEntries(
    [...CHANGEABLE].flatMap(([name, said]) => (name in query ? [[said, query[name]]] : [])),
  ),
});

/** One socket and what it shows. Its messages go to `hear`, errors to `trouble`. */
export class TerminalLine {
  /** @type {import("./stream.js").Socket | null} */
  #socket = null;
  #isOpen = false;
  #attempt = 0;
  #openedMs = 0;
  #anyHeardMs = 0;
  #changedMs = -Infinity;
  /** The view that the server shows, as far as it has said. @type {TerminalView} */
  #confirmed;
  /** Views that were asked for on the open socket and not answered yet. @type {TerminalView[]} */
  #asked = [];
  #isRefusedChange = false;
  #cancelTimer = () => {};
  #cancelChange = () => {};
  /** When the newest data came, by `nowMs`; undefined before the first.
   * @type {number | undefined}
   */
  heardMs = undefined;

  /**
   * @param {TerminalSurroundings} world @param {TerminalView} view
   * @param {(message: any) => void} hear hears each message that is neither pong nor error
   */
  constructor(world, view, hear) {
    this.world = world;
    this.view = this.#confirmed = view;
    this.hear = hear;
    this.link = signal(/** @type {TerminalLink} */ ({ phase: "paused", sinceMs: world.nowMs() }));
    /** What is wrong; null when nothing is. Data end it, unless a change was refused. */
    this.trouble = signal(/** @type {Trouble | null} */ (null));
  }

  /** Connects, and stays connected until `pause`. */
  start() {
    if (this.link.peek().phase === "paused") this.#connect();
  }

  /** Ends the connection until `start`. */
  pause() {
    this.#cancelTimer();
    this.#drop();
    this.#attempt = 0;
    this.#say("paused");
  }

  /** Connects at once when it waits to. */
  again() {
    const { phase } = this.link.peek();
    if (phase !== "waiting" && phase !== "refused") return;
    this.#cancelTimer();
    this.#connect();
  }

  /**
   * Shows another view on the open socket.
   * @param {Query} query wanted
   * @returns {boolean} false when that needs another socket; then nothing has happened
   */
  change(query) {
    if (!canChange(this.view, query)) return false;
    this.view = { ...this.view, query };
    if (this.#isRefusedChange) this.trouble.value = null;
    this.#isRefusedChange = false;
    const wait = this.#changedMs + CHANGE_EVERY_MS - this.world.nowMs();
    this.#cancelChange();
    if (wait <= 0) this.#tellChange();
    else this.#cancelChange = this.world.later(() => this.#tellChange(), wait);
    return true;
  }

  #tellChange() {
    if (!this.#isOpen) return;
    this.#changedMs = this.world.nowMs();
    this.#asked.push(this.view);
    this.#tell(changeRequest(this.view.query));
  }

  #connect() {
    this.#say("connecting");
    const asked = this.view;
    const socket = this.world.open(asked);
    this.#confirmed = asked;
    this.#socket = socket;
    socket.onopen = () => {
      this.#isOpen = true;
      this.#openedMs = this.#anyHeardMs = this.world.nowMs();
      this.#say("open");
      if (this.view !== asked) this.#tellChange();
      this.#watch();
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => this.#lost(socket, event?.code);
  }

  #watch() {
    this.#cancelTimer = this.world.later(() => {
      const socket = this.#socket;
      if (this.world.nowMs() - this.#anyHeardMs >= SILENCE_MAX_MS && socket !== null) {
        this.#lost(socket, undefined);
        return;
      }
      this.#tell({ type: "ping" });
      this.#watch();
    }, PING_EVERY_MS);
  }

  /** @param {object} message */
  #tell(message) {
    const socket = this.#socket;
    if (!this.#isOpen || socket === null || isClosing(socket)) return;
    socket.send(JSON.stringify(message));
  }

  /** @param {string} text one message of the server */
  #take(text) {
    this.#anyHeardMs = this.world.nowMs();
    const message = JSON.parse(text);
    if (message.type === "pong") return;
    if (message.type === "error") {
      this.#troubled(message);
      return;
    }
    if (message.type === "params_updated") {
      this.#confirmed = this.#asked.shift() ?? this.view;
      return;
    }
    if (message.type !== "heartbeat") this.heardMs = this.#anyHeardMs;
    if (!this.#isRefusedChange && this.trouble.peek() !== null) this.trouble.value = null;
    this.hear(message);
  }

  /** @param {{code: string, message: string}} error */
  #troubled(error) {
    this.trouble.value = { code: error.code, text: error.message };
    if (error.code === "VENUE_ERROR" || this.#asked.shift() === undefined) return;
    if (this.#asked.length > 0) return;
    // The socket shows what it showed before.
    this.view = this.#confirmed;
    this.#isRefusedChange = true;
  }

  /**
   * @param {import("./stream.js").Socket} socket
   * @param {number | undefined} code with which the server closed it
   */
  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#cancelTimer();
    const now = this.world.nowMs();
    const wasHealthy = this.#isOpen && now - this.#openedMs >= HEALTHY_AFTER_MS;
    this.#drop();
    if (wasHealthy) this.#attempt = 0;
    const trouble = this.trouble.peek();
    const isRefused = code === REFUSED_CLOSE && trouble !== null && FINAL.has(trouble.code);
    if (code === TOO_SLOW_CLOSE && trouble === null) {
      this.trouble.value = { code: "TOO_SLOW", text: "this browser was too slow for the data" };
    }
    const chance = this.world.random();
    const wait = isRefused ? REFUSED_WAIT_MS * (1 + chance) : waitBefore(this.#attempt++, chance);
    this.#say(isRefused ? "refused" : "waiting");
    this.#cancelTimer = this.world.later(() => this.#connect(), wait);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isOpen = false;
    this.#isRefusedChange = false;
    this.#asked = [];
    this.#cancelChange();
    if (socket !== null) endSocket(socket);
  }

  /** @param {TerminalLink["phase"]} phase */
  #say(phase) {
    this.link.value = { phase, sinceMs: this.world.nowMs() };
  }
}
