/** @file The panel of cumulative depth over price: of the venue that is looked at, or of all. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { BookBar } from "./book_bar.js";
import { BookFeed } from "./book_feed.js";
import { bookStatus, bookTitle, bookVenues } from "./book_words.js";
import { drawDepth, penFor, priceAtX } from "./depth_chart.js";
import { CURVE_LEVELS_MAX, depthAt, depthOf, stepForSpan } from "./depth_curve.js";
import { compact, fixed } from "./format.js";
import { bookTable, percent, sharesOf } from "./ladder_rows.js";
import { NextFrame } from "./next_frame.js";
import { appearance } from "./preferences.js";
import { terminal } from "./terminal_sockets.js";
import { nowMs } from "./ticks.js";
import { symbol } from "./view.js";

/** A chart of hundreds of levels needs no more than this. */
const PACE_MS = 500;
/** Levels beyond the span, so that its edge is known. */
const EDGE = 10;
/** Part of the span that an arrow key moves by. */
const KEY_STEP = 0.01;
const IMAGE = { width: 900, height: 500 };

/** @typedef {import("./panel.js").MountedPanel} MountedPanel */

/** @implements {MountedPanel} */
export class DepthPanel {
  revision = signal(0);
  /** @type {import("@preact/signals").Signal<BookFeed | null>} */
  #feed = signal(null);
  /** @type {import("./depth_curve.js").Depth | undefined} what is drawn */
  #depth = undefined;
  /** Where it is pointed at: part of the span, from 0 to 1; undefined when nowhere. */
  #pointed = signal(/** @type {number | undefined} */ (undefined));
  #frame = new NextFrame(() => this.#draw());
  /** By itself, so that another setting does not begin everything anew. */
  #source = computed(() => this.context.setting("source"));

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.context = context;
    this.place = document.createElement("div");
    this.place.className = "depth";
    host.append(this.place);
    this.bar = new BookBar(this.place, () => this.#feed.peek()?.again());
    this.field = document.createElement("div");
    this.field.className = "depth-field";
    this.field.tabIndex = 0;
    this.field.setAttribute("role", "slider");
    this.field.setAttribute("aria-orientation", "horizontal");
    this.canvas = document.createElement("canvas");
    this.readOut = document.createElement("div");
    this.readOut.className = "legend";
    this.field.append(this.canvas, this.readOut);
    this.place.append(this.field);
    this.#listen();
    this.title = computed(() => bookTitle("Depth", this.#source.value));
    this.status = computed(() => {
      void nowMs.value;
      return bookStatus(this.#feed.value?.venues() ?? []);
    });
    this.watch = new ResizeObserver(() => this.#frame.wake());
    this.watch.observe(this.field);
    this.#endings = [
      effect(() => this.#follow()),
      effect(() => this.#want()),
      effect(() => this.#changed()),
    ];
  }

  /** @type {(() => void)[]} */
  #endings = [];

  /** @returns {import("./csv.js").Table} */
  table() {
    return untracked(() => {
      const book = this.#feed.peek()?.book();
      const { bids = [], asks = [] } = (book && depthOf(book, this.#span)) ?? {};
      const shown = book && { ...book, bids, asks };
      return bookTable(shown, Infinity, `${this.title.peek()} ± ${this.#span} %`);
    });
  }

  image() {
    this.#draw();
    const canvas = document.createElement("canvas");
    const pen = penFor(canvas, IMAGE.width, IMAGE.height, 2);
    const unit = this.#unit;
    if (this.#depth) drawDepth(pen, IMAGE.width, IMAGE.height, this.#depth, unit, undefined);
    pen.fillStyle = getComputedStyle(this.readOut).color;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.font = "13px system-ui, sans-serif";
    pen.fillText(`${this.title.peek()}  ${this.#text(undefined)}`, 10, 13);
    return canvas;
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#frame.cancel();
    this.watch.disconnect();
    this.#feed.peek()?.stop();
  }

  get #span() {
    return Number(this.context.setting("span"));
  }

  get #unit() {
    return this.context.setting("unit") === "usd" ? "usd" : "coin";
  }

  #wishes() {
    const span = this.#span;
    /** @param {readonly number[]} options @param {number} mid */
    const step = (options, mid) => stepForSpan(options, mid, span);
    return { limit: CURVE_LEVELS_MAX + EDGE, paceMs: PACE_MS, step };
  }

  /** Follows other books when other ones are looked at. */
  #follow() {
    const exchanges = bookVenues(this.#source.value);
    const name = symbol.value;
    untracked(() => {
      this.#feed.peek()?.stop();
      this.#pointed.value = undefined;
      this.#feed.value = new BookFeed(terminal, { symbol: name, exchanges, ...this.#wishes() });
    });
  }

  #want() {
    const wishes = this.#wishes();
    untracked(() => this.#feed.peek()?.want(wishes));
  }

  #changed() {
    void [appearance.value, nowMs.value, this.#unit, this.#span, this.#pointed.value];
    void this.#feed.value?.venues();
    this.#frame.wake();
  }

  #draw() {
    const feed = this.#feed.peek();
    if (feed === null) return;
    const { venues, book } = untracked(() => ({ venues: feed.venues(), book: feed.book() }));
    const [unit, span] = untracked(() => [this.#unit, this.#span]);
    const depth = book && depthOf(book, Number(span));
    this.#depth = depth;
    const shown = depth && { ...depth.book, bids: depth.bids, asks: depth.asks };
    this.bar.draw(shown, venues, CURVE_LEVELS_MAX);
    this.place.classList.toggle("old", !venues.some((one) => one.isGood));
    const { clientWidth: width, clientHeight: height } = this.field;
    if (width > 0 && height > 0) {
      const pen = penFor(this.canvas, width, height, devicePixelRatio);
      const price = this.#price(depth);
      if (depth) drawDepth(pen, width, height, depth, unit === "usd" ? "usd" : "coin", price);
    }
    this.#describe();
    this.revision.value += 1;
  }

  /** The price that is pointed at. @param {import("./depth_curve.js").Depth | undefined} depth */
  #price(depth) {
    const at = this.#pointed.peek();
    return depth === undefined || at === undefined ? undefined : priceAtX(depth, at, 1);
  }

  /** Writes the read-out, and tells it to whoever does not see it. */
  #describe() {
    const price = this.#price(this.#depth);
    const text = this.#text(price);
    if (this.readOut.textContent !== text) this.readOut.textContent = text;
    const percentNow = Math.round((this.#pointed.peek() ?? 0.5) * 100);
    this.field.setAttribute("aria-label", `${this.title.peek()}; arrow keys point at a price`);
    this.field.setAttribute("aria-valuemin", "0");
    this.field.setAttribute("aria-valuemax", "100");
    this.field.setAttribute("aria-valuenow", String(percentNow));
    this.field.setAttribute("aria-valuetext", text || "no book");
  }

  /** @param {number | undefined} price @returns {string} */
  #text(price) {
    const depth = this.#depth;
    if (depth === undefined) return "";
    const { book, mid } = depth;
    if (price === undefined) {
      const bids = compact(depth.bids.at(-1)?.cumulativeValue ?? 0);
      const asks = compact(depth.asks.at(-1)?.cumulativeValue ?? 0);
      return `mid ${fixed(mid, book.priceDecimals + 1)} · bids ${bids} USD · asks ${asks} USD`;
    }
    const at = depthAt(depth, price);
    const sign = at.awayPercent < 0 ? "−" : "+";
    const parts = [
      `${fixed(price, book.priceDecimals)} (${sign}${fixed(Math.abs(at.awayPercent), 3)} %)`,
      `${fixed(at.amount, book.amountDecimals)} = ${compact(at.value)} USD`,
    ];
    if (at.isBeyond) parts.push("no venue tells more");
    else if (book.exchanges.length > 1) {
      const shares = sharesOf(book, at.shares);
      parts.push(shares.map((one) => `${one.exchange} ${percent(one.part)}`).join(", "));
    }
    return parts.join(" · ");
  }

  #listen() {
    this.field.addEventListener("pointermove", (event) => {
      const box = this.field.getBoundingClientRect();
      this.#pointed.value = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    });
    this.field.addEventListener("pointerleave", () => {
      this.#pointed.value = undefined;
    });
    this.field.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#pointed.peek() ?? 0.5;
    if (event.key === "ArrowLeft") this.#pointed.value = Math.max(at - KEY_STEP, 0);
    else if (event.key === "ArrowRight") this.#pointed.value = Math.min(at + KEY_STEP, 1);
    else if (event.key === "Home") this.#pointed.value = 0;
    else if (event.key === "End") this.#pointed.value = 1;
    else if (event.key === "Escape") this.#pointed.value = undefined;
    else return;
    event.preventDefault();
  }
}
