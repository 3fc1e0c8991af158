/**
 * @file The terminal API's sockets, as panels use them: one for each different view, shared by
 * whoever looks at the same, and none while the tab is not looked at.
 *
 * `docs/guides/terminal.md` says what is sent. Nothing here touches the page.
 */

import { signal } from "@preact/signals-core";
import { HOPPING_MS, STAY_MS } from "./hopping.js";
import { TerminalLine, viewName } from "./terminal_line.js";

/** Sockets at a time; what is asked for beyond it is refused in words. */
export const LINES_MAX = 64;

/** Sockets of which each message is all there is to know: a newcomer begins with the newest. */
const WHOLE = new Set(["orderbook", "trades"]);

/**
 * @typedef {import("./terminal_line.js").TerminalView} TerminalView
 * @typedef {import("./terminal_line.js").TerminalLink} TerminalLink
 * @typedef {import("./terminal_line.js").Trouble} Trouble
 * @typedef {import("./terminal_line.js").Query} Query
 */

/** @type {Trouble} */
const FULL = { code: "TOO_MANY_STREAMS", text: `this page has ${LINES_MAX} sockets already` };

/** A line and those who look at it. */
class SharedLine {
  /** @type {Set<TerminalWatch>} */
  watches = new Set();
  /** @type {any} the newest message of a kind that is whole */
  newest = null;
  /** Prevents a connection that waits for its viewer to stay. */
  cancelStart = () => {};

  /** @param {import("./terminal_line.js").TerminalSurroundings} world @param {TerminalView} view */
  constructor(world, view) {
    this.line = new TerminalLine(world, view, (message) => {
      if (WHOLE.has(view.socket)) this.newest = message;
      for (const watch of [...this.watches]) watch.hear(message);
    });
  }
}

/** One panel's look at one view; made by `TerminalStream.watch`. */
export class TerminalWatch {
  /** Where it looks now; null when there was no room, or it has ended. */
  #shared = signal(/** @type {SharedLine | null} */ (null));

  /**
   * @param {TerminalStream} stream @param {TerminalView} view
   * @param {(message: any) => void} hear
   */
  constructor(stream, view, hear) {
    this.stream = stream;
    this.view = view;
    this.hear = hear;
    this.#join();
  }

  /** How the connection is; a signal is read. @returns {TerminalLink} */
  get link() {
    return this.#shared.value?.line.link.value ?? { phase: "refused", sinceMs: 0 };
  }

  /** What is wrong, null when nothing is; a signal is read. @returns {Trouble | null} */
  get trouble() {
    const shared = this.#shared.value;
    return shared === null ? FULL : shared.line.trouble.value;
  }

  /** When the newest data came, by the stream's clock; undefined before the first. */
  get heardMs() {
    return this.#shared.peek()?.line.heardMs;
  }

  /**
   * Looks at the same socket in another way: on the open socket where nobody else looks at it and
   * the server can be told so (rounding, limit, asks, pace of a book), else on another one.
   * @param {Query} query all parameters
   */
  change(query) {
    const wanted = { ...this.view, query };
    if (viewName(wanted) === viewName(this.view)) return;
    this.view = wanted;
    const shared = this.#shared.peek();
    const other = this.stream.find(wanted);
    const isAlone = shared?.watches.size === 1 && (other === undefined || other === shared);
    if (isAlone && shared.line.change(query)) {
      shared.newest = null;
      return;
    }
    this.#leave();
    this.#join();
  }

  /** Connects at once where the line waits to. */
  again() {
    const shared = this.#shared.peek();
    if (shared === null) this.#join();
    else shared.line.again();
  }

  /** Looks no more; harmless when repeated. */
  leave() {
    this.#leave();
    this.hear = () => {};
  }

  #join() {
    const shared = this.stream.take(this.view);
    this.#shared.value = shared;
    if (shared === null) return;
    shared.watches.add(this);
    const { newest } = shared;
    if (newest !== null) queueMicrotask(() => shared.watches.has(this) && this.hear(newest));
  }

  #leave() {
    const shared = this.#shared.peek();
    this.#shared.value = null;
    if (shared === null) return;
    shared.watches.delete(this);
    this.stream.tidy(shared);
  }
}

/** All sockets of the page that show the terminal API. */
export class TerminalStream {
  /** @type {Set<SharedLine>} */
  #lines = new Set();
  #isPaused = false;
  /** Until then, who hops through markets connects only where he stays. */
  #hoppingUntilMs = -Infinity;

  /** @param {import("./terminal_line.js").TerminalSurroundings} world */
  constructor(world) {
    this.world = world;
  }

  /** Sockets now. */
  get count() {
    return this.#lines.size;
  }

  /**
   * Looks at something until `leave` of the result is called.
   * @param {TerminalView} view
   * @param {(message: any) => void} hear hears every message of the server but `pong` and
   *   `error`; the newest one soon when somebody else looks at the same already
   */
  watch(view, hear) {
    return new TerminalWatch(this, view, hear);
  }

  /** Has no connection until `start`: the tab is not looked at. */
  pause() {
    this.#isPaused = true;
    for (const shared of this.#lines) shared.line.pause();
  }

  /** Connects again. */
  start() {
    this.#isPaused = false;
    for (const shared of this.#lines) shared.line.start();
  }

  /** The line that shows a view, where several may look at one. @param {TerminalView} view */
  find(view) {
    if (!WHOLE.has(view.socket)) return undefined; // what came before is known to the first alone
    const name = viewName(view);
    return [...this.#lines].find((shared) => viewName(shared.line.view) === name);
  }

  /** A line for a view, null when there are too many. @param {TerminalView} view */
  take(view) {
    const found = this.find(view);
    if (found !== undefined) return found;
    if (this.#lines.size >= LINES_MAX) return null;
    const made = new SharedLine(this.world, view);
    this.#lines.add(made);
    const start = () => this.#isPaused || made.line.start();
    if (this.world.nowMs() < this.#hoppingUntilMs) {
      made.cancelStart = this.world.later(start, STAY_MS);
    } else start();
    return made;
  }

  /** Ends a line that nobody looks at. @param {SharedLine} shared */
  tidy(shared) {
    if (shared.watches.size > 0) return;
    if (shared.line.heardMs === undefined) {
      this.#hoppingUntilMs = this.world.nowMs() + HOPPING_MS;
    }
    shared.cancelStart();
    shared.line.pause();
    this.#lines.delete(shared);
  }
}
