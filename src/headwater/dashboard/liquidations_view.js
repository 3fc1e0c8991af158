/** @file The panel of the largest liquidations of the last hours. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { ApiError, address, getJson } from "./api.js";
import { fixed, timeText, usdText } from "./format.js";
import { whenSeen } from "./hidden_tab.js";
import { LARGEST_MAX, inOrder, resorted } from "./largest.js";
import { LargestFeed } from "./largest_feed.js";
import { linkStatus } from "./link_status.js";
import { NextFrame } from "./next_frame.js";
import { appearance, zone } from "./preferences.js";
import { platform } from "./venues.js";
import { RowList } from "./row_list.js";
import { rowListImage } from "./row_list_image.js";
import { SIGNS, Tape } from "./tape.js";
import { FLOOR } from "./tape_rows.js";
import { VENUES } from "./tape_settings.js";
import { ToolStrip } from "./tool_strip.js";
import { SPANS, SYMBOLS } from "./liquidations_panel.js";
import { venueChoices, venueClass } from "./venue_colours.js";
import { exchange, symbol } from "./view.js";

/** @typedef {import("./tape.js").Event} Event */
/** @typedef {import("./panel.js").MountedPanel} MountedPanel */
/** @typedef {import("./row_list.js").Sorting} Sorting */

const TEXTS = new Set(["venue", "symbol", "position"]);

/** @type {import("./row_list.js").Column[]} */
const COLUMNS = [
  { name: "time", label: "time", width: 6, align: "left", head: "sort" },
  { name: "venue", label: "venue", width: 6.6, align: "left", head: "sort", rank: 1 },
  { name: "symbol", label: "symbol", width: 8, align: "left", head: "sort", cell: "button" },
  { name: "position", label: "closed", width: 5, align: "left", head: "sort" },
  { name: "price", label: "price", width: 7, head: "sort", rank: 2 },
  { name: "quantity", label: "quantity", width: 7, head: "sort", rank: 2 },
  { name: "value", label: "USD", width: 7, head: "sort" },
];

/** @param {import("./largest_feed.js").Wish} wish @param {number} limit
 * @param {AbortSignal} aborted
 */
function askLargest(wish, limit, aborted) {
  // Asked in vain, it would be an error in the browser's console too.
  if (platform.peek()?.stores === false)
    return Promise.reject(new ApiError("this platform stores nothing, so there is no past", 404));
  const query = {
    symbols: wish.symbol || undefined,
    exchanges: wish.venue || undefined,
    min_value_usd: wish.least,
    time_window: wish.span,
    limit,
  };
  return getJson(address(["liquidations", "largest"], query), aborted);
}

/** @implements {MountedPanel} */
export class LiquidationsPanel {
  revision = signal(0);
  #sorting = signal(/** @type {Sorting} */ ({ name: "value", isDown: true }));
  /** @type {import("@preact/signals").Signal<LargestFeed | null>} */
  #feed = signal(null);
  #frame = new NextFrame(() => {
    this.#draw();
    this.revision.value += 1;
  });
  /** Knows the decimals of each symbol's prices. */
  #tape = new Tape();
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.host = host;
    this.context = context;
    host.classList.add("listed");
    this.title = computed(() => this.#title());
    this.status = computed(() => this.#status());
    this.#makeStrip();
    this.list = new RowList(host, {
      label: "Largest liquidations",
      columns: COLUMNS,
      scrolled: () => this.#frame.wake(),
      sort: (name) => {
        this.#sorting.value = resorted(this.#sorting.peek(), name, TEXTS);
        this.list.place.scrollTop = 0;
      },
      press: (index) => {
        const one = this.shown.peek()[index];
        if (one === undefined) return;
        exchange.value = one.exchange;
        symbol.value = one.symbol;
      },
    });
    this.shown = computed(() => {
      const found = this.#feed.value?.found.value.events ?? [];
      return inOrder(found, this.#sorting.value);
    });
    this.#endings = [
      effect(() => this.#follow()),
      effect(() => {
        void [this.shown.value, appearance.value, zone.value];
        this.#frame.wake();
      }),
      effect(() => this.list.sorted(this.#sorting.value)),
    ];
  }

  /** @returns {import("./csv.js").Table} */
  table() {
    return {
      caption: this.title.peek(),
      columns: [
        ...["time", "exchange", "symbol", "side", "position", "price", "quantity", "value_usd"],
        ...["price_kind", "is_floor", "order_id"],
      ],
      isRanked: true,
      rows: this.shown
        .peek()
        .map((one) => [
          ...[one.timestamp, one.exchange, one.symbol, one.side, one.position, one.price],
          ...[one.quantity, one.value, one.priceKind, String(one.isFloor), one.id],
        ]),
    };
  }

  image() {
    const { host, list, title } = this;
    return rowListImage(host, list.place, title.peek(), () => this.#draw());
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#frame.cancel();
    this.#feed.peek()?.stop();
    this.strip?.remove();
    this.list.remove();
  }

  #makeStrip() {
    const strip = new ToolStrip(this.host, "Which liquidations", this.context);
    this.strip = strip;
    strip.choice("Venue", "venue", () => [...VENUES, ...venueChoices()]);
    strip.choice("Span", "span", () => SPANS);
    strip.choice("Symbols", "symbols", () => SYMBOLS);
    strip.amount("from", "least");
    this.found = strip.words("found");
  }

  #wish() {
    const venue = this.context.setting("venue");
    return {
      symbol: this.context.setting("symbols") === "*" ? "" : symbol.value,
      venue: { "*": "", "=": exchange.value }[venue] ?? venue,
      least: this.context.setting("least"),
      span: this.context.setting("span"),
    };
  }

  /** Follows what is wished; runs again when that is something else. */
  #follow() {
    const wish = this.#wish();
    untracked(() => {
      const { stream } = this.context;
      this.#feed.peek()?.stop();
      this.#feed.value = new LargestFeed(wish, { ask: askLargest, stream, whenSeen });
      this.list.place.scrollTop = 0;
    });
  }

  #draw() {
    const events = this.shown.peek();
    this.#tape.learn(events);
    this.list.draw(events.length, (index) => this.#row(events[index]));
    const isFull = events.length >= LARGEST_MAX;
    const sum = events.reduce((all, one) => all + one.value, 0);
    const isFloor = isFull || events.some((one) => one.isFloor);
    const count = isFull ? `the ${LARGEST_MAX} largest` : `${events.length}`;
    const text = `${count} · ${isFloor ? "≥ " : ""}${usdText(sum)} USD`;
    if (this.found !== undefined) this.found.textContent = text;
  }

  /** @param {Event} one @returns {import("./row_list.js").Row} */
  #row(one) {
    const way = one.side === "buy" ? "up" : "down";
    const floor = one.isFloor ? FLOOR : "";
    return {
      cells: [
        timeText(one.timeMs / 1000, zone.peek(), "second"),
        one.exchange,
        one.symbol,
        `${SIGNS[one.position || "long"]} ${one.position}`,
        fixed(one.price, this.#tape.decimals(one)),
        String(one.quantity),
        `${one.isFloor ? "≥ " : ""}${usdText(one.value)}`,
      ],
      looks: ["dim", venueClass(one.exchange), "", way, "", "", way],
      titles: ["", "", "Look at it", `price: ${one.priceKind}`, "", "", floor],
    };
  }

  #title() {
    const { symbol: name, venue, span } = this.#wish();
    return `Largest liquidations ${span} · ${name || "all symbols"} · ${venue || "all venues"}`;
  }

  /** @returns {import("./panel.js").PanelStatus} */
  #status() {
    const feed = this.#feed.value;
    if (feed === null) return { tone: "waiting", text: "" };
    const { phase, text, events } = feed.found.value;
    const problem = phase === "failed" ? text : "";
    const found = linkStatus(this.context.stream, feed.topics, feed.wish.venue, problem);
    if (found.tone !== "good") return found;
    if (phase === "loading") return { tone: "waiting", text: "loading" };
    return events.length === 0 ? { tone: "good", text: "live · none" } : found;
  }
}
