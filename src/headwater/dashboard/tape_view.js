/** @file The panel of trades and liquidations as they happen. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { timeText } from "./format.js";
import { NextFrame } from "./next_frame.js";
import { appearance, zone } from "./preferences.js";
import { areTapesHeld } from "./tape_hold.js";
import { RowList } from "./row_list.js";
import { rowListImage } from "./row_list_image.js";
import { linkStatus } from "./link_status.js";
import { Tape, sumsOf, tierOf } from "./tape.js";
import { TapeFeed } from "./tape_feed.js";
import { columnsOf, rowOf, sumsText } from "./tape_rows.js";
import { SHOWN, VENUES } from "./tape_settings.js";
import { TapeSound } from "./tape_sound.js";
import { ToolStrip } from "./tool_strip.js";
import { venueChoices } from "./venue_colours.js";
import { exchange, symbol } from "./view.js";

/** The table twin and the frame's age follow at most so often: nobody reads faster. */
const TELL_EVERY_MS = 250;

/** @typedef {import("./tape.js").Event} Event */

/** @typedef {import("./panel.js").MountedPanel} MountedPanel */

/** @implements {MountedPanel} */
export class TapePanel {
  revision = signal(0);
  tape = new Tape();
  sound = new TapeSound();
  #isSounding = signal(false);
  #isHovered = signal(false);
  #isHeldHere = signal(false);
  #isScrolled = signal(false);
  #waitingCount = signal(0);
  /** @type {import("@preact/signals").Signal<TapeFeed | null>} */
  #feed = signal(null);
  /** @type {RowList | null} */
  #list = null;
  #isAny = false;
  #frame = new NextFrame(() => this.#draw());
  #teller = 0;
  /** The event of the greatest size since the last frame. */
  #loudest = /** @type {Event | null} */ (null);
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.host = host;
    this.context = context;
    host.classList.add("listed");
    this.isHeld = computed(
      () =>
        areTapesHeld.value ||
        this.#isHeldHere.value ||
        this.#isHovered.value ||
        this.#isScrolled.value,
    );
    this.title = computed(() => this.#title());
    this.status = computed(() => this.#status());
    this.strip = this.#makeStrip();
    this.sums = this.strip.words("sums");
    this.#endings = [
      effect(() => this.#build()),
      effect(() => this.#follow()),
      effect(() => {
        void [appearance.value, zone.value, this.isHeld.value, context.setting("large")];
        this.#frame.wake();
      }),
    ];
  }

  /** @returns {import("./csv.js").Table} */
  table() {
    return {
      caption: `${this.title.peek()}, as they happened`,
      columns: [
        ...["time", "kind", "exchange", "symbol", "side", "position", "price", "quantity"],
        ...["value_usd", "price_kind", "is_floor", "id"],
      ],
      rows: this.tape.events.map((one) => [
        ...[one.timestamp, one.kind, one.exchange, one.symbol, one.side, one.position],
        ...[one.price, one.quantity, one.value, one.priceKind],
        ...[one.kind === "trade" ? "" : String(one.isFloor), one.id],
      ]),
    };
  }

  image() {
    const place = this.#list?.place ?? this.host;
    return rowListImage(this.host, place, this.title.peek(), () => this.#draw());
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#frame.cancel();
    clearTimeout(this.#teller);
    this.#feed.peek()?.stop();
    this.sound.off();
    this.strip.remove();
    this.#list?.remove();
  }

  #makeStrip() {
    const strip = new ToolStrip(this.host, "What the tape shows", this.context);
    const { context } = this;
    strip.choice("Venue", "venue", () => [...VENUES, ...venueChoices()]);
    strip.choice("Show", "show", () => SHOWN);
    strip.amount("from", "least");
    strip.toggle(
      "Hold the tape still",
      () => {
        const text = this.isHeld.value ? `❚❚ ${this.#waitingCount.value} wait` : "❚❚";
        return { text, isOn: this.#isHeldHere.value || areTapesHeld.value };
      },
      () => {
        const isOn = this.#isHeldHere.peek() || areTapesHeld.peek();
        areTapesHeld.value = false;
        this.#isHeldHere.value = !isOn;
      },
    );
    strip.toggle(
      "Sounds",
      () => ({ text: this.#isSounding.value ? "♪ on" : "♪ off", isOn: this.#isSounding.value }),
      () => {
        this.sound.toggle();
        this.#isSounding.value = this.sound.isOn;
        this.sound.play(1, true, Number(context.setting("volume")) / 100);
      },
    );
    return strip;
  }

  /** Makes the list, and anew when it has other columns. */
  #build() {
    const isAny = this.context.setting("symbols") === "*";
    untracked(() => {
      this.#list?.remove();
      this.#isAny = isAny;
      this.#list = new RowList(this.host, {
        label: "Trades and liquidations, the newest first",
        columns: columnsOf(isAny),
        scrolled: () => {
          this.#isScrolled.value = !(this.#list?.isAtTop ?? true);
          this.#frame.wake();
        },
      });
      const { place } = this.#list;
      place.addEventListener("pointerenter", (event) => {
        this.#isHovered.value = event.pointerType === "mouse";
      });
      place.addEventListener("pointerleave", () => {
        this.#isHovered.value = false;
      });
      place.addEventListener("keydown", (event) => {
        if (event.key !== " ") return;
        event.preventDefault();
        this.#isHeldHere.value = !this.#isHeldHere.peek();
      });
    });
  }

  /** Hears what is wanted; runs again when something else is. */
  #follow() {
    const { context } = this;
    const show = context.setting("show");
    const wanted = {
      symbol: context.setting("symbols") === "*" ? "" : symbol.value,
      venue: this.#venue(),
      tradesFrom: show === "liquidations" ? undefined : context.setting("least"),
      liquidationsFrom: show === "trades" ? undefined : context.setting("leastLiquidation"),
    };
    untracked(() => {
      this.#feed.peek()?.stop();
      this.tape.clear();
      this.#waitingCount.value = 0;
      const feed = new TapeFeed(wanted, context.stream, this.tape, (event) => this.#hear(event));
      this.#feed.value = feed;
      this.#tell();
      this.#frame.wake();
    });
  }

  #venue() {
    const chosen = this.context.setting("venue");
    if (chosen === "*") return "";
    return chosen === "=" ? exchange.value : chosen;
  }

  /** @param {Event | undefined} event */
  #hear(event) {
    const isLouder = event !== undefined && event.value > (this.#loudest?.value ?? 0);
    if (isLouder && this.sound.isOn) this.#loudest = event;
    this.#frame.wake();
  }

  #draw() {
    const large = Number(this.context.setting("large"));
    this.#ring(large);
    if (this.tape.flush(this.isHeld.peek())) this.#tellSoon();
    this.#waitingCount.value = this.tape.waitingCount;
    const { events } = this.tape;
    const last = events.length - 1;
    const writing = { large, zone: zone.peek(), isAny: this.#isAny, tape: this.tape };
    this.#list?.draw(events.length, (index) => rowOf(events[last - index], writing));
    const text = sumsText(sumsOf(events));
    if (this.sums.textContent !== text) this.sums.textContent = text;
    this.sums.title = `USD of the ${events.length} on the tape`;
  }

  /** @param {number} large USD */
  #ring(large) {
    const event = this.#loudest;
    this.#loudest = null;
    if (event === null) return;
    const volume = Number(this.context.setting("volume")) / 100;
    this.sound.play(tierOf(event.value, large), event.side === "buy", volume);
  }

  #tell() {
    this.revision.value += 1;
  }

  #tellSoon() {
    if (this.#teller !== 0) return;
    this.#teller = window.setTimeout(() => {
      this.#teller = 0;
      this.#tell();
    }, TELL_EVERY_MS);
  }

  #title() {
    const { context } = this;
    const show = context.setting("show");
    const what = show === "both" ? "tape" : show;
    const which = context.setting("symbols") === "*" ? "All symbols" : symbol.value;
    return `${which} ${what} · ${this.#venue() || "all venues"}`;
  }

  /** @returns {import("./panel.js").PanelStatus} */
  #status() {
    const feed = this.#feed.value;
    if (feed === null) return { tone: "waiting", text: "" };
    void this.revision.value;
    const problem = feed.problem.value;
    const found = linkStatus(this.context.stream, feed.topics, this.#venue(), problem);
    if (found.tone !== "good") return found;
    const newest = this.tape.events.at(-1);
    const missedMs = feed.missedAtMs.value;
    if (missedMs > 0) {
      const at = timeText(missedMs / 1000, zone.value, "second");
      return { tone: "stale", text: `live · some were missed at ${at}` };
    }
    return newest === undefined ? { tone: "good", text: "live · nothing yet" } : found;
  }
}
