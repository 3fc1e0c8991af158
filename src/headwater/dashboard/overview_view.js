/** @file The panel of one contract on all venues, side by side. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { address, getJson } from "./api.js";
import { ageText } from "./format.js";
import { whenSeen } from "./hidden_tab.js";
import { resorted } from "./largest.js";
import { NextFrame } from "./next_frame.js";
import { linesOf, sortedBy } from "./overview.js";
import { OverviewFeed } from "./overview_feed.js";
import { COLUMNS, TEXTS, rowsOf, tableOf } from "./overview_rows.js";
import { appearance } from "./preferences.js";
import { RowList } from "./row_list.js";
import { rowListImage } from "./row_list_image.js";
import { nowMs } from "./ticks.js";
import { exchange, symbol } from "./view.js";
import { platform } from "./venues.js";

/** Numbers that were not told anew for so long are shown as old: venues tell each few seconds. */
export const OLD_AFTER_MS = 15_000;

/** @typedef {import("./panel.js").MountedPanel} MountedPanel */
/** @typedef {import("./row_list.js").Sorting} Sorting */

/** @param {readonly string[]} path @param {Readonly<Record<string, string | number>>} query
 * @param {AbortSignal} aborted
 */
const get = (path, query, aborted) => getJson(address(path, query), aborted);

/** @implements {MountedPanel} */
export class OverviewPanel {
  revision = signal(0);
  /** @type {import("@preact/signals").Signal<OverviewFeed | null>} */
  #feed = signal(null);
  /** Rises when the lines are others. */
  #news = signal(0);
  #isNews = false;
  #frame = new NextFrame(() => {
    if (this.#isNews) this.#news.value += 1;
    this.#isNews = false;
    this.#draw();
    this.revision.value += 1;
  });
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.host = host;
    this.context = context;
    host.classList.add("listed");
    this.sorting = computed(() => this.#sorting());
    this.list = new RowList(host, {
      label: "The contract on each venue",
      columns: COLUMNS,
      scrolled: () => this.#frame.wake(),
      sort: (name) => {
        const next = resorted(this.sorting.peek(), name, TEXTS);
        context.choose("sort", next.name);
        context.choose("way", next.isDown ? "down" : "up");
      },
      press: (index) => {
        const line = this.lines.peek()[index];
        if (line !== undefined) exchange.value = line.exchange;
      },
    });
    this.lines = computed(() => this.#lines());
    this.title = computed(() => `${symbol.value} on all venues`);
    this.status = computed(() => this.#status());
    this.#endings = [
      effect(() => this.#follow()),
      effect(() => {
        void [this.lines.value, appearance.value, exchange.value];
        this.#frame.wake();
      }),
      effect(() => this.list.sorted(this.sorting.value)),
    ];
  }

  table() {
    return tableOf(this.lines.peek(), this.title.peek());
  }

  image() {
    const { host, list, title } = this;
    return rowListImage(host, list.place, title.peek(), () => this.#draw());
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#frame.cancel();
    this.#feed.peek()?.stop();
    this.list.remove();
  }

  /** @returns {Sorting} */
  #sorting() {
    const name = this.context.setting("sort");
    const way = this.context.setting("way");
    return { name, isDown: way === "" ? !TEXTS.has(name) : way === "down" };
  }

  /** Follows the symbol that is looked at on all venues; runs again when these are others. */
  #follow() {
    const venues = platform.value?.exchanges ?? [];
    const stores = platform.value?.stores === true;
    const name = symbol.value;
    untracked(() => {
      this.#feed.peek()?.stop();
      const { stream } = this.context;
      this.#feed.value = new OverviewFeed(name, venues, { get, stream, stores, whenSeen }, () =>
        this.#changed(),
      );
      this.#news.value += 1;
    });
  }

  /** Tickers come many times in a frame: the lines are made once. */
  #changed() {
    this.#isNews = true;
    this.#frame.wake();
  }

  #lines() {
    void this.#news.value;
    const feed = this.#feed.value;
    if (feed === null) return [];
    // The page's clock is a second old at most; what came since then is not younger than now.
    const lines = linesOf(feed.facts(Math.max(nowMs.value, performance.now())), OLD_AFTER_MS);
    const isClosed = this.context.stream.link.value.phase !== "open";
    const known = isClosed ? lines.map((one) => ({ ...one, isOld: true })) : lines;
    return sortedBy(known, this.sorting.value);
  }

  #draw() {
    const rows = rowsOf(this.lines.peek(), exchange.peek());
    this.list.draw(rows.length, (index) => rows[index]);
  }

  /** @returns {import("./panel.js").PanelStatus} */
  #status() {
    const feed = this.#feed.value;
    const lines = this.lines.value;
    if (feed === null || lines.length === 0) return { tone: "waiting", text: "loading" };
    const ages = lines.flatMap((one) => one.ageMs ?? []);
    if (this.context.stream.link.value.phase !== "open") {
      const age = ages.length === 0 ? "" : ageText(Math.min(...ages));
      return { tone: "stale", text: age ? `no connection · ${age} old` : "connecting" };
    }
    if (ages.length === 0) {
      return feed.problem === ""
        ? { tone: "waiting", text: "loading" }
        : { tone: "bad", text: feed.problem };
    }
    if (feed.problem !== "") return { tone: "stale", text: feed.problem };
    const old = lines.filter((one) => one.isOld);
    if (old.length === 0) return { tone: "good", text: "live" };
    const words = old.map((one) =>
      one.ageMs === null
        ? `${one.exchange} tells none`
        : `${one.exchange} ${ageText(one.ageMs)} old`,
    );
    return { tone: "stale", text: words.join(", ") };
  }
}
