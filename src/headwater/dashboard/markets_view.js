/** @file The panel of the most traded contracts, one row each, over all venues. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { address, getJson } from "./api.js";
import { ageText, decimalsOf, fixed, usdText } from "./format.js";
import { whenSeen } from "./hidden_tab.js";
import { resorted } from "./largest.js";
import { marketLines } from "./markets.js";
import { NextFrame } from "./next_frame.js";
import { sortedBy } from "./overview.js";
import { percent, signed } from "./overview_rows.js";
import { appearance } from "./preferences.js";
import { RowList } from "./row_list.js";
import { rowListImage } from "./row_list_image.js";
import { nowMs } from "./ticks.js";
import { platform } from "./venues.js";
import { symbol } from "./view.js";

/** @typedef {import("./panel.js").MountedPanel} MountedPanel */
/** @typedef {import("./row_list.js").Sorting} Sorting */
/** @typedef {import("./markets.js").MarketLine} MarketLine */

const ASK_EVERY_MS = 15_000;
/** Of two answers that did not come. */
const OLD_AFTER_MS = 40_000;
const TEXTS = new Set(["symbol", "highestAt", "lowestAt"]);

/** @type {import("./row_list.js").Column[]} */
const COLUMNS = [
  { name: "symbol", label: "symbol", width: 8, align: "left", head: "sort", cell: "button" },
  { name: "last", label: "median", width: 7, head: "sort" },
  { name: "change", label: "24 h", width: 5.6, head: "sort" },
  { name: "volume", label: "vol. USD", width: 6, head: "sort", rank: 1 },
  { name: "spreadBp", label: "spread bp", width: 6, head: "sort", rank: 4 },
  { name: "highest", label: "funding high", width: 7, head: "sort", rank: 3 },
  { name: "highestAt", label: "at", width: 6.4, align: "left", head: "sort", rank: 3 },
  { name: "lowest", label: "low", width: 6, head: "sort", rank: 3 },
  { name: "lowestAt", label: "at", width: 6.4, align: "left", head: "sort", rank: 3 },
  { name: "difference", label: "differ", width: 6, head: "sort", rank: 2 },
];

/** Decimals of a median: six digits in all, fewer where it has fewer. @param {number} price */
function decimalsFor(price) {
  const whole = price > 0 ? Math.floor(Math.log10(price)) : 0;
  return Math.min(decimalsOf([price]), Math.max(0, 5 - whole), 8);
}

/**
 * Hours between fundings by symbol, by venue: contracts do not change while one looks.
 * @type {Map<string, Map<string, number | null>>}
 */
const listed = new Map();

/** @param {string} venue @param {AbortSignal} aborted */
async function intervalsOf(venue, aborted) {
  const known = listed.get(venue);
  if (known !== undefined) return known;
  const rows = await getJson(address([venue, "symbols"]), aborted);
  const found = new Map(rows.map((/** @type {any} */ one) => [one.symbol, one.funding_interval_h]));
  listed.set(venue, found);
  return found;
}

/** @param {string} venue @param {AbortSignal} aborted */
async function askVenue(venue, aborted) {
  const [tickers, marks, intervals] = await Promise.all([
    getJson(address([venue, "tickers"]), aborted),
    getJson(address([venue, "mark-prices"]), aborted),
    intervalsOf(venue, aborted),
  ]);
  return { tickers, marks, intervals };
}

/** @implements {MountedPanel} */
export class MarketsPanel {
  revision = signal(0);
  title = signal("Symbols over all venues");
  #sorting = signal(/** @type {Sorting} */ ({ name: "volume", isDown: true }));
  /** @type {import("@preact/signals").Signal<ReadonlyMap<string, any>>} */
  #answers = signal(new Map());
  /** Why a venue is not among them. @type {import("@preact/signals").Signal<string>} */
  #problem = signal("");
  #askedMs = signal(0);
  #aborting = new AbortController();
  #cancel = () => {};
  #frame = new NextFrame(() => {
    this.#draw();
    this.revision.value += 1;
  });
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.host = host;
    host.classList.add("listed");
    this.list = new RowList(host, {
      label: "Symbols over all venues",
      columns: COLUMNS,
      scrolled: () => this.#frame.wake(),
      sort: (name) => {
        this.#sorting.value = resorted(this.#sorting.peek(), name, TEXTS);
      },
      press: (index) => {
        const line = this.lines.peek()[index];
        if (line !== undefined) symbol.value = line.symbol;
      },
    });
    this.lines = computed(() => {
      const lines = marketLines(this.#answers.value, Number(context.setting("count")));
      return sortedBy(lines, this.#sorting.value);
    });
    this.status = computed(() => this.#status());
    this.#endings = [
      effect(() => {
        const venues = platform.value?.exchanges ?? [];
        untracked(() => this.#askSoon(venues, 0));
      }),
      effect(() => {
        void [this.lines.value, appearance.value, symbol.value];
        this.#frame.wake();
      }),
      effect(() => this.list.sorted(this.#sorting.value)),
    ];
  }

  /** @returns {import("./csv.js").Table} */
  table() {
    return {
      caption: "The most traded symbols over all venues",
      columns: [
        ...["symbol", "venues", "median_last", "change_24h", "quote_volume_24h", "spread_bp"],
        ...["funding_high_a_year", "high_at", "funding_low_a_year", "low_at", "difference"],
      ],
      isRanked: true,
      rows: this.lines
        .peek()
        .map((one) => [
          ...[one.symbol, one.venues, one.last ?? "", one.change ?? "", one.volume],
          ...[one.spreadBp ?? "", one.highest ?? "", one.highestAt, one.lowest ?? ""],
          ...[one.lowestAt, one.difference ?? ""],
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
    this.#cancel();
    this.#aborting.abort();
    this.list.remove();
  }

  /** Asks later, and not before somebody looks. @param {readonly string[]} venues
   * @param {number} waitMs
   */
  #askSoon(venues, waitMs) {
    this.#cancel();
    if (venues.length === 0) return;
    const timer = setTimeout(() => {
      this.#cancel = whenSeen(() => void this.#ask(venues));
    }, waitMs);
    this.#cancel = () => clearTimeout(timer);
  }

  /** Asks all venues, and again later. @param {readonly string[]} venues */
  async #ask(venues) {
    const { signal: aborted } = this.#aborting;
    const found = await Promise.allSettled(venues.map((venue) => askVenue(venue, aborted)));
    if (aborted.aborted) return;
    const answers = new Map(this.#answers.peek());
    const wrong = [];
    for (const [at, one] of found.entries()) {
      if (one.status === "fulfilled") answers.set(venues[at], one.value);
      else {
        answers.delete(venues[at]);
        wrong.push(`${venues[at]}: ${one.reason.message}`);
      }
    }
    this.#problem.value = wrong.join("; ");
    if (wrong.length < venues.length) {
      this.#answers.value = answers;
      this.#askedMs.value = performance.now();
    }
    this.#askSoon(venues, ASK_EVERY_MS);
  }

  #draw() {
    const lines = this.lines.peek();
    this.list.draw(lines.length, (index) => this.#row(lines[index]));
  }

  /** @param {MarketLine} one @returns {import("./row_list.js").Row} */
  #row(one) {
    const way = (one.change ?? 0) >= 0 ? "up" : "down";
    return {
      cells: [
        one.symbol,
        one.last === null ? "–" : fixed(one.last, decimalsFor(one.last)),
        percent(one.change, 2),
        usdText(one.volume),
        signed(one.spreadBp, 2),
        percent(one.highest, 2),
        one.highestAt,
        percent(one.lowest, 2),
        one.lowestAt,
        percent(one.difference, 2),
      ],
      looks: ["", "", way, "", "", "", "dim", "", "dim", ""],
      titles: ["Look at this symbol", `on ${one.venues} venues`],
      look: one.symbol === symbol.peek() ? "looked" : "",
    };
  }

  /** @returns {import("./panel.js").PanelStatus} */
  #status() {
    const problem = this.#problem.value;
    const askedMs = this.#askedMs.value;
    if (askedMs === 0) {
      return problem === "" ? { tone: "waiting", text: "loading" } : { tone: "bad", text: problem };
    }
    const ageMs = Math.max(0, nowMs.value - askedMs);
    if (ageMs > OLD_AFTER_MS) return { tone: "stale", text: `${ageText(ageMs)} old` };
    if (problem !== "") return { tone: "stale", text: problem };
    return { tone: "good", text: `${ageText(ageMs)} ago` };
  }
}
