/** @file The panel of alerts: spikes of open interest and volume, and rules over them. */

import { computed, effect, signal } from "@preact/signals";
import { render } from "preact";
import { RulesPart, learnWatched } from "./alert_form.js";
import { rulesOf, tell } from "./alert_notices.js";
import { scoreText } from "./alert_rules.js";
import { compact, timeText } from "./format.js";
import { html } from "./html.js";
import { linkStatus } from "./link_status.js";
import { zone } from "./preferences.js";
import { tableImage } from "./table_image.js";
import { symbol } from "./view.js";

/** The monitor's spikes of all venues. */
const TOPIC = "oi-vol";
/** Spikes that are kept: the newest. */
const SPIKES_MAX = 500;
/** Spikes that stand on the page: the newest. */
const SHOWN_MAX = 100;

/** @typedef {import("./alert_rules.js").Spike} Spike */

/** What tells a spike from others. @param {Spike} one */
const keyOf = (one) => `${one.exchange} ${one.symbol} ${one.timeframe} ${one.timestamp}`;

/** @param {{spike: Spike}} props */
function SpikeRow({ spike }) {
  const fired = rulesOf(spike);
  const tone = (/** @type {number | null} */ z) =>
    z === null || Math.abs(z) < spike.threshold ? "dim" : z < 0 ? "down" : "up";
  return html`
    <tr class=${fired.length > 0 ? "fired" : ""}>
      <td>${timeText(Date.parse(spike.timestamp) / 1000, zone.value, "minute")}</td>
      <td>${spike.symbol}</td><td>${spike.exchange}</td><td>${spike.timeframe}</td>
      <td class=${tone(spike.z_oi)}>${scoreText(spike.z_oi)}</td>
      <td class=${tone(spike.z_vol)}>${scoreText(spike.z_vol)}</td>
      <td>${compact(spike.open_interest_value)}</td><td>${compact(spike.quote_volume)}</td>
      <td>${spike.confirmed ? "both" : ""}</td>
      <td class="fired-by">${fired.map((rule) => rule.name).join(", ")}</td>
    </tr>`;
}

/** @typedef {import("./panel.js").MountedPanel} MountedPanel */

/** @implements {MountedPanel} */
export class AlertsPanel {
  revision = signal(0);
  /** @type {import("@preact/signals").Signal<readonly Spike[]>} newest last */
  #spikes = signal([]);
  #problem = signal("");
  #ending = new AbortController();
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {import("./panel.js").PanelContext} context */
  constructor(host, context) {
    this.context = context;
    this.host = host;
    this.title = computed(() =>
      this.#isOne() ? `Alerts · ${symbol.value}` : "Alerts · all symbols",
    );
    this.status = computed(() => this.#status());
    this.shown = computed(() => {
      const isOne = this.#isOne();
      return this.#spikes.value.filter((one) => !isOne || one.symbol === symbol.value);
    });
    this.#endings = [
      context.stream.follow(TOPIC, (event) => this.#hear(event)),
      effect(() => {
        void this.shown.value;
        this.revision.value = this.revision.peek() + 1;
      }),
    ];
    const learn = () => void learnWatched(this.#ending.signal);
    learn();
    render(html`<${this.View} learn=${learn} />`, host);
  }

  /** @returns {import("./csv.js").Table} */
  table() {
    return {
      caption: "Spikes of open interest and volume",
      columns: [
        "bar end",
        "venue",
        "symbol",
        "timeframe",
        "OI score",
        "volume score",
        "confirmed",
        "open interest USD",
        "volume USD",
        "threshold",
      ],
      rows: this.shown
        .peek()
        .map((one) => [
          one.timestamp,
          one.exchange,
          one.symbol,
          one.timeframe,
          one.z_oi ?? "",
          one.z_vol ?? "",
          String(one.confirmed),
          one.open_interest_value,
          one.quote_volume,
          one.threshold,
        ]),
    };
  }

  image() {
    return tableImage(this.table());
  }

  unmount() {
    this.#ending.abort();
    for (const end of this.#endings) end();
    render(null, this.host);
  }

  #isOne() {
    return this.context.setting("scope") === "symbol";
  }

  /** @param {import("./stream.js").TopicEvent} event */
  #hear(event) {
    if (event.kind === "problem") this.#problem.value = event.text ?? "";
    if (event.kind !== "snapshot" && event.kind !== "update") return;
    this.#problem.value = "";
    if (event.kind === "snapshot") {
      // After a break the server may have forgotten what is known here.
      const known = new Map(this.#spikes.peek().map((one) => [keyOf(one), one]));
      for (const one of event.data) known.set(keyOf(one), one);
      this.#keep([...known.values()]);
    } else {
      this.#keep([...this.#spikes.peek(), event.data]);
      tell(event.data);
    }
  }

  /** @param {Spike[]} spikes */
  #keep(spikes) {
    spikes.sort((a, b) => (a.timestamp < b.timestamp ? -1 : Number(a.timestamp > b.timestamp)));
    this.#spikes.value = spikes.slice(-SPIKES_MAX);
  }

  /** @returns {import("./panel.js").PanelStatus} */
  #status() {
    void this.revision.value;
    return linkStatus(this.context.stream, [TOPIC], "", this.#problem.value);
  }

  /** All of the panel. @param {{learn: () => void}} props */
  View = ({ learn }) => {
    const newest = this.shown.value.slice(-SHOWN_MAX).reverse();
    const heads = ["end", "symbol", "venue", "bar", "OI σ", "vol σ", "OI $", "vol $", "", "rules"];
    return html`
      <div class="alerts scroll" tabindex="0" role="region" aria-label="Alerts">
        <${RulesPart} learn=${learn} />
        <table>
          <thead><tr>${heads.map((name) => html`<th scope="col" key=${name}>${name}</th>`)}</tr>
          </thead>
          <tbody>
            ${newest.map((spike) => html`<${SpikeRow} key=${keyOf(spike)} spike=${spike} />`)}
          </tbody>
        </table>
        ${newest.length === 0 && html`<p class="dim empty">No spike so far.</p>`}
      </div>`;
  };
}
