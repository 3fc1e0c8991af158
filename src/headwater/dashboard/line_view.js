/**
 * @file A panel of lines over time, of the market that is looked at: what open interest, funding
 * and mark price have in common. What is its own stands in a `LineKind`.
 */

import { computed, effect, signal, untracked } from "@preact/signals";
import { crosshair, point } from "./crosshair.js";
import { ageText, isoText, timeText } from "./format.js";
import { holeText, holesIn, holesWords, ofChannels } from "./gaps.js";
import { holes, watchHoles } from "./gap_ledger.js";
import { whenSeen } from "./hidden_tab.js";
import { LinePane } from "./line_pane.js";
import { readingAt, readingBeside } from "./line_series.js";
import { NextFrame } from "./next_frame.js";
import { appearance, zone } from "./preferences.js";
import { visibleSpan } from "./span.js";
import { nowMs } from "./ticks.js";
import { exchange, interval, symbol } from "./view.js";

/** @typedef {import("./line_series.js").Reading} Reading */
/** @typedef {import("./panel.js").PanelContext} PanelContext */
/** @typedef {import("./readings_feed.js").LineFeed} LineFeed */

/**
 * @typedef {object} LineKind what a panel of lines shows
 * @property {string} noun for titles
 * @property {readonly string[]} channels whose holes are marked
 * @property {boolean} [isStream] whether readings come on the socket
 * @property {number} staleAfterMs what is older than that is shown as old
 * @property {(market: import("./candle_feed.js").Market, context: PanelContext,
 *   changed: () => void) => LineFeed} feed
 * @property {(context: PanelContext) => readonly import("./line_pane.js").Line[]} lines
 * @property {(context: PanelContext) => import("./line_pane.js").Sight["texts"]} texts
 * @property {(reading: Reading, context: PanelContext, isNewest: boolean) => [string, string][]}
 *   readout names and values
 * @property {readonly string[]} columns of the table, after the time
 * @property {(reading: Reading) => (string | number)[]} cells
 */

/** What feeds need of the world. @param {PanelContext} context */
export const worldOf = (context) => ({ ...context.stream.world, whenSeen });

/** @typedef {import("./panel.js").MountedPanel} MountedPanel */

/** @implements {MountedPanel} */
export class LinePanel {
  revision = signal(0);
  /** @type {import("@preact/signals").Signal<LineFeed | null>} */
  #feed = signal(null);
  #frame = new NextFrame(() => {
    this.#draw();
    this.revision.value += 1;
  });
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {PanelContext} context @param {LineKind} kind */
  constructor(host, context, kind) {
    this.context = context;
    this.kind = kind;
    this.legend = document.createElement("div");
    this.legend.className = "legend";
    this.place = document.createElement("div");
    this.place.className = "chart lines";
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "application");
    this.place.setAttribute("aria-roledescription", "chart");
    this.place.addEventListener("keydown", (event) => this.#key(event));
    host.append(this.place, this.legend);
    this.pane = new LinePane(this.place, (time) => point(this, time));
    this.title = computed(() => `${kind.noun} ${symbol.value} · ${exchange.value}`);
    this.status = computed(() => this.#status());
    this.#endings = [
      watchHoles(),
      effect(() => this.#follow()),
      effect(() => this.#watch()),
      effect(() => this.pane.mark(crosshair.value.time)),
      effect(() => this.#describe()),
      () => this.#feed.peek()?.stop(),
    ];
  }

  /** @returns {import("./csv.js").Table} */
  table() {
    const readings = this.#feed.peek()?.readings ?? [];
    const missing = this.#holes(holes.peek());
    return {
      caption: this.title.peek(),
      columns: ["time", ...this.kind.columns, "missing"],
      rows: readings.map((one, at) => [
        isoText(one.time),
        ...this.kind.cells(one),
        // A hole stands with the reading after it: until there nothing is known.
        holeText(holesIn(missing, readings[at - 1]?.time ?? one.time, one.time)),
      ]),
    };
  }

  image() {
    this.#draw();
    return this.pane.image();
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#frame.cancel();
    this.pane.remove();
  }

  #follow() {
    const market = { exchange: exchange.value, symbol: symbol.value, interval: interval.value };
    untracked(() => {
      this.#feed.peek()?.stop();
      const feed = this.kind.feed(market, this.context, () => this.#frame.wake());
      this.#feed.value = feed;
      feed.start();
      this.#frame.wake();
    });
  }

  /** Whatever else decides what is drawn. */
  #watch() {
    void [appearance.value, zone.value, holes.value];
    void this.kind.lines(this.context);
    const span = this.context.setting("span") === "all" ? null : visibleSpan.value;
    if (span !== null) this.#feed.value?.cover(span);
    this.#frame.wake();
  }

  #draw() {
    const { context, kind } = this;
    const sight = {
      lines: kind.lines(context),
      readings: this.#feed.peek()?.readings ?? [],
      span: context.setting("span") === "all" ? null : visibleSpan.peek(),
      holes: this.#holes(holes.peek()),
      texts: kind.texts(context),
    };
    this.pane.draw(sight, zone.peek(), appearance.peek());
  }

  /** @param {readonly import("./gaps.js").Hole[]} all */
  #holes(all) {
    return ofChannels(all, this.kind.channels);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const readings = this.#feed.peek()?.readings ?? [];
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (steps === undefined || readings.length === 0) return;
    event.preventDefault();
    point(this, readingBeside(readings, crosshair.peek().time, steps)?.time);
  }

  /** @returns {import("./panel.js").PanelStatus} */
  #status() {
    const feed = this.#feed.value;
    if (feed === null) return { tone: "waiting", text: "" };
    void this.revision.value;
    const { phase, text } = feed.state.value;
    const heardMs = feed.heardMs();
    const ageMs = heardMs === undefined ? undefined : nowMs.value - heardMs;
    const age = ageMs === undefined ? "" : `${ageText(ageMs)} old`;
    if (phase === "failed") return { tone: "bad", text: age ? `${age} · ${text}` : text };
    if (this.kind.isStream && this.context.stream.link.value.phase !== "open") {
      return { tone: "stale", text: age ? `no connection · ${age}` : "connecting" };
    }
    if (ageMs === undefined) return { tone: "waiting", text: text || "loading" };
    if (ageMs > this.kind.staleAfterMs) return { tone: "stale", text: age };
    return text ? { tone: "stale", text } : { tone: "good", text: "live" };
  }

  /** Writes the numbers at the time that is pointed at, else the newest. */
  #describe() {
    void this.revision.value;
    const { time } = crosshair.value;
    const readings = this.#feed.value?.readings ?? [];
    const pointed = time === undefined ? undefined : readingAt(readings, time);
    const shown = time === undefined ? readings.at(-1) : pointed;
    const label = `Chart of ${this.title.value}; its numbers are in the table`;
    this.place.setAttribute("aria-label", label);
    const parts = [];
    if (shown !== undefined) {
      parts.push(["", timeText(shown.time, zone.value, "full")]);
      parts.push(...this.kind.readout(shown, this.context, shown === readings.at(-1)));
    } else if (time !== undefined && readings.length > 0) {
      parts.push(["", `nothing is known of ${timeText(time, zone.value, "full")}`]);
    }
    if (time !== undefined) {
      const missing = holesIn(this.#holes(holes.value), time, time + 1);
      parts.push(...holesWords(missing, zone.value).map((words) => ["▨", words]));
    }
    this.legend.replaceChildren(...parts.map(([name, value]) => legendPart(name, value)));
  }
}

/** @param {string} name @param {string} value */
function legendPart(name, value) {
  const part = document.createElement("span");
  const label = document.createElement("b");
  label.textContent = name;
  part.append(label, document.createTextNode(value));
  if (name === "▨") part.className = "hole";
  return part;
}
