/**
 * @file The place of the heat map in a candles panel: its switches. What draws, explains and
 * exports it is loaded when the first layer is switched on, not before.
 */

import { computed, effect, signal, untracked } from "@preact/signals";
import { render } from "preact";
import { Dialog } from "./dialogs.js";
import { LAYERS, layerSetting } from "./heatmap_settings.js";
import { html } from "./html.js";
import { mapInFocus } from "./map_in_focus.js";

/**
 * @typedef {object} Drawn what was loaded, at work
 * @property {import("./heatmap_layers.js").HeatmapLayers} maps
 * @property {typeof import("./heatmap_parts.js")} parts
 */

/** @param {{slot: HeatmapSlot}} props */
function Switches({ slot }) {
  return html`
    <div class="map-toggles" role="group" aria-label="Layers of the heat map">
      <span class="dim">Heat map</span>
      ${LAYERS.toReversed().map(
        ({ id, key, kind }) => html`
          <button type="button" key=${id} class="icon text" aria-pressed=${slot.isOn(id)}
            title=${`${kind} (key Shift+${key})`}
            onClick=${() => slot.toggle(id)}>${id}</button>`,
      )}
      ${slot.problem.value === "" ? null : html`<span class="bad">${slot.problem.value}</span>`}
    </div>`;
}

/** The heat map of one panel, until `unmount`. */
export class HeatmapSlot {
  /** @type {import("@preact/signals").Signal<Drawn | null>} */
  drawn = signal(null);
  /** Why the map could not be loaded, in words; empty when it could. */
  problem = signal("");
  /** Rises when the table of cells would be another. */
  revision = computed(() => this.drawn.value?.maps.revision.value ?? 0);
  #newest = /** @type {number | undefined} */ (undefined);
  #isLoading = false;
  #isGone = false;
  #hideBar = () => {};

  /**
   * @param {HTMLElement} host of the panel
   * @param {import("./candle_chart.js").CandleChart} chart
   * @param {import("./panel.js").PanelContext} context
   */
  constructor(host, chart, context) {
    this.chart = chart;
    this.context = context;
    host.classList.add("mapped");
    const bar = document.createElement("div");
    bar.className = "map-bar";
    const switches = document.createElement("div");
    this.rest = document.createElement("div");
    this.rest.className = "map-rest";
    bar.append(switches, this.rest);
    host.append(bar);
    const focus = () => {
      mapInFocus.value = this;
    };
    focus();
    host.addEventListener("pointerdown", focus);
    host.addEventListener("focusin", focus);
    render(html`<${Switches} slot=${this} />`, switches);
    this.endings = [
      () => render(null, switches),
      effect(() => {
        if (LAYERS.some(({ id }) => this.isOn(id))) untracked(() => void this.#load());
      }),
    ];
  }

  unmount() {
    this.#isGone = true;
    for (const end of this.endings) end();
    this.#hideBar();
    this.drawn.peek()?.maps.stop();
    if (mapInFocus.peek() === this) mapInFocus.value = null;
  }

  /** Whether a layer is on. @param {string} id */
  isOn(id) {
    return this.context.setting(layerSetting(id)) === "on";
  }

  /** Shows or hides a layer. @param {string} id */
  toggle(id) {
    this.problem.value = "";
    this.context.choose(layerSetting(id), untracked(() => this.isOn(id)) ? "off" : "on");
  }

  /** Says when the newest candle began. @param {number | undefined} time seconds since 1970 */
  newest(time) {
    this.#newest = time;
    this.drawn.peek()?.maps.newest(time);
  }

  /** The cells as a table, when that is chosen and a layer is on. @param {string} title
   * @returns {import("./csv.js").Table | null}
   */
  table(title) {
    const drawn = this.drawn.peek();
    const isChosen = untracked(() => this.context.setting("table")) === "cells";
    if (drawn === null || !isChosen || drawn.maps.layers.peek().length === 0) return null;
    return drawn.parts.cellTable(drawn.maps, title);
  }

  /** The picture of the chart with the legend of what is on it.
   * @param {() => HTMLCanvasElement} picture
   */
  pictured(picture) {
    const drawn = this.drawn.peek();
    if (drawn === null) return picture();
    drawn.maps.draw();
    return drawn.parts.withLegend(picture(), drawn.maps);
  }

  async #load() {
    if (this.#isLoading || this.drawn.peek() !== null) return;
    this.#isLoading = true;
    try {
      const parts = await import("./heatmap_parts.js");
      if (this.#isGone) return;
      const maps = new parts.HeatmapLayers(this.chart, this.context);
      this.#hideBar = parts.showBar(this.rest, maps);
      maps.newest(this.#newest);
      this.drawn.value = { maps, parts };
    } catch {
      this.problem.value = "the heat map could not be loaded: switch it on again";
    } finally {
      this.#isLoading = false;
    }
  }
}

/** The model card of the panel that was used last. */
export function ModelCardDialog() {
  const drawn = mapInFocus.value?.drawn.value ?? null;
  const content =
    drawn === null
      ? html`<p>No layer of the heat map is on: ${LAYERS.map(({ id }) => id).join(", ")}.</p>`
      : html`<${drawn.parts.ModelCard} maps=${drawn.maps} />`;
  return html`<${Dialog} title="Model card of the heat map" wide>${content}<//>`;
}
