/** @file The panel of the order book as a ladder: of the venue that is looked at, or of all. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { BookBar } from "./book_bar.js";
import { BookFeed } from "./book_feed.js";
import { bookStatus, bookTitle, bookVenues } from "./book_words.js";
import { stepOf } from "./book_levels.js";
import { centring } from "./centring.js";
import { announcement } from "./dialogs.js";
import { ladderImage } from "./ladder_image.js";
import { bookTable, ladderOf, levelText } from "./ladder_rows.js";
import { LadderTable } from "./ladder_table.js";
import { LadderTools } from "./ladder_tools.js";
import { NextFrame } from "./next_frame.js";
import { appearance } from "./preferences.js";
import { terminal } from "./terminal_sockets.js";
import { nowMs } from "./ticks.js";
import { symbol } from "./view.js";

/** Shortest time between two messages of a venue. */
const PACE_MS = 100;

/** @typedef {import("./ladder_table.js").Chosen} Chosen */
/** @typedef {import("./panel.js").MountedPanel} MountedPanel */

/** @implements {MountedPanel} */
export class LadderPanel {
  revision = signal(0);
  /** @type {import("@preact/signals").Signal<BookFeed | null>} */
  #feed = signal(null);
  /** @type {import("./book_levels.js").Book | undefined} what is drawn */
  #book = undefined;
  /** @type {Chosen | undefined} */
  #chosen = undefined;
  #frame = new NextFrame(() => this.#draw());
  /** By itself, so that another setting does not begin everything anew. */
  #source = computed(() => this.context.setting("source"));
  #centrings = centring.peek();

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.context = context;
    this.place = document.createElement("div");
    this.place.className = "ladder";
    host.append(this.place);
    this.tools = new LadderTools(this.place, {
      step: (choice) => context.choose("step", choice),
      centre: () => this.ladder.centre(),
    });
    this.bar = new BookBar(this.place, () => this.#feed.peek()?.again());
    this.ladder = new LadderTable(this.place, {
      chosen: (chosen) => this.#choose(chosen),
      scrolled: (isCentred) => this.tools.centred(isCentred),
    });
    this.readOut = document.createElement("div");
    this.readOut.className = "read-out";
    this.place.append(this.readOut);
    this.place.addEventListener("keydown", (event) => this.#key(event));
    this.title = computed(() => bookTitle("Order book", this.#source.value));
    this.status = computed(() => {
      void nowMs.value;
      return bookStatus(this.#feed.value?.venues() ?? []);
    });
    this.#endings = [
      effect(() => this.#follow()),
      effect(() => this.#want()),
      effect(() => this.#watch()),
      effect(() => this.#centreWhenTold()),
    ];
  }

  /** @type {(() => void)[]} */
  #endings = [];

  /** @returns {import("./csv.js").Table} */
  table() {
    const book = untracked(() => this.#feed.peek()?.book());
    return bookTable(book, this.#rows, this.title.peek());
  }

  image() {
    this.#draw();
    return ladderImage(this.title.peek(), this.#book, this.#rows, this.#unit);
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#frame.cancel();
    this.ladder.remove();
    this.#feed.peek()?.stop();
  }

  get #rows() {
    return Number(this.context.setting("levels"));
  }

  get #unit() {
    return this.context.setting("unit") === "usd" ? "usd" : "coin";
  }

  /** What is asked for, as the settings have it. */
  #wishes() {
    const choice = this.context.setting("step");
    const isOwn = choice === "default" && this.#source.value === "view";
    /** @param {readonly number[]} options */
    const step = (options) => (isOwn ? undefined : stepOf(options, choice));
    return { limit: this.#rows, paceMs: PACE_MS, step };
  }

  /** Follows other books when other ones are looked at. */
  #follow() {
    const exchanges = bookVenues(this.#source.value);
    const name = symbol.value;
    untracked(() => {
      this.#feed.peek()?.stop();
      this.#chosen = undefined;
      this.ladder.isCentred = true;
      this.#feed.value = new BookFeed(terminal, { symbol: name, exchanges, ...this.#wishes() });
    });
  }

  #want() {
    const wishes = this.#wishes();
    untracked(() => this.#feed.peek()?.want(wishes));
  }

  /** Draws in the next frame when anything that is seen is different. */
  #watch() {
    void [appearance.value, nowMs.value, this.#unit, this.#rows];
    void this.#feed.value?.venues();
    this.#frame.wake();
  }

  #draw() {
    const feed = this.#feed.peek();
    if (feed === null) return;
    const { venues, book } = untracked(() => ({ venues: feed.venues(), book: feed.book() }));
    const rows = untracked(() => this.#rows);
    const unit = untracked(() => this.#unit);
    const merged = venues.length > 1;
    this.#book = book;
    const { options, step } = untracked(() => ({ options: feed.options, step: feed.step }));
    this.tools.offer(options, step ?? book?.step);
    this.bar.draw(book, venues, rows);
    const names = unit === "coin" ? ["Amount", "Total"] : ["USD", "Total USD"];
    this.ladder.titled(["Price", ...names, merged ? "Shares" : ""]);
    if (book === undefined) this.ladder.clear("");
    else this.ladder.draw(ladderOf(book, rows, unit), book.exchanges);
    this.place.classList.toggle("old", !venues.some((one) => one.isGood));
    this.ladder.place.setAttribute("aria-label", `${this.title.peek()}, by price`);
    this.#describe();
    this.revision.value += 1;
  }

  /** @param {Chosen | undefined} chosen */
  #choose(chosen) {
    this.#chosen = chosen;
    this.#describe();
  }

  /** Writes what there is to say of the row that is pointed at. */
  #describe() {
    const text = this.#chosenText();
    this.ladder.mark(text === "" ? undefined : this.#chosen);
    if (this.readOut.textContent !== text) this.readOut.textContent = text;
  }

  #chosenText() {
    const book = this.#book;
    if (book === undefined || this.#chosen === undefined) return "";
    const { side, price } = this.#chosen;
    const level = (side === "ask" ? book.asks : book.bids).find((one) => one.price === price);
    return level === undefined ? "" : levelText(book, side, level);
  }

  #centreWhenTold() {
    if (centring.value === this.#centrings) return;
    this.#centrings = centring.value;
    this.ladder.centre();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLSelectElement) return;
    if (event.key === "ArrowUp") this.#step(-1);
    else if (event.key === "ArrowDown") this.#step(1);
    else if (event.key === "Escape") this.#choose(undefined);
    else if (event.key === "+") this.tools.stepBy(1);
    else if (event.key === "-") this.tools.stepBy(-1);
    else return;
    event.preventDefault();
  }

  /** Points at the next row, from the best ask on where none was pointed at. @param {number} by */
  #step(by) {
    const book = this.#book;
    if (book === undefined) return;
    const rows = untracked(() => this.#rows);
    const asks = book.asks.slice(0, rows).reverse();
    const all = [
      ...asks.map((one) => ({ side: /** @type {const} */ ("ask"), price: one.price })),
      ...book.bids.slice(0, rows).map((one) => ({
        side: /** @type {const} */ ("bid"),
        price: one.price,
      })),
    ];
    const now = this.#chosen;
    const at = all.findIndex((one) => one.side === now?.side && one.price === now.price);
    const next = at < 0 ? asks.length + (by < 0 ? -1 : 0) : at + by;
    const chosen = all[Math.min(Math.max(next, 0), all.length - 1)];
    if (chosen === undefined) return;
    this.#choose(chosen);
    this.ladder.show(chosen);
    announcement.value = this.readOut.textContent ?? "";
  }
}
