/** @file The model card: what the layers that are on are made of, assume, lack, are worth. */

import { useSignal } from "@preact/signals";
import { compact, timeText } from "./format.js";
import { MODELS, knownText, missingOf } from "./heatmap_models.js";
import { mapAddress } from "./heatmap_questions.js";
import { kindOf } from "./heatmap_settings.js";
import { html } from "./html.js";
import { HORIZONS, skillOf } from "./model_skill.js";
import { zone } from "./preferences.js";
import { badgeOf, gainText } from "./skill_words.js";
import { platform } from "./venues.js";
import { symbol } from "./view.js";

/** @typedef {import("./heatmap_layer.js").HeatmapLayer} Layer */

/** @param {string} iso */
const when = (iso) => timeText(Date.parse(iso) / 1000, zone.value, "full");

/** Name and value of each parameter of a map. @param {any} meta @returns {[string, string][]} */
function parametersOf(meta) {
  /** @type {[string, string | undefined][]} */
  const all = [
    ["model", `${meta.model}, version ${meta.version}`],
    ["symbol", meta.symbol],
    ["venues", meta.exchanges.join(", ")],
    ["from", when(meta.start_time)],
    ["to", when(meta.end_time)],
    ["column", meta.interval],
    ["row", meta.price_bin_size === null ? "–" : String(meta.price_bin_size)],
    ["step of the path", meta.step],
    ["knows what was opened since", meta.model_start && when(meta.model_start)],
    ["leverage:share", meta.leverage_weights],
    ["unit", meta.unit === "share" ? "shares of a side" : "USD"],
    ["opened, all columns", meta.total_created && `${compact(meta.total_created)} USD`],
    ["liquidated, all columns", `${compact(meta.total_consumed)} USD`],
  ];
  return all.flatMap(([name, value]) => (value ? [[name, value]] : []));
}

/** @param {{meta: any}} props */
function Coverage({ meta }) {
  if (!meta.coverage) return null;
  /** @param {number | null} share */
  const part = (share) => (share === null ? "–" : `${(share * 100).toFixed(1)} %`);
  return html`
    <table>
      <caption>What each venue told of this time</caption>
      <thead><tr>
        ${["venue", "prices", "mark prices", "open interest", "known positions", "tiers"].map(
          (name) => html`<th scope="col" key=${name}>${name}</th>`,
        )}
      </tr></thead>
      <tbody>
        ${meta.coverage.map(
          (/** @type {any} */ one) => html`<tr key=${one.exchange}>
            <td>${one.exchange}</td><td>${part(one.bars)}</td><td>${part(one.marks)}</td>
            <td>${part(one.open_interest)}</td><td>${part(one.known_positions)}</td>
            <td>${one.tiers ?? "–"}</td>
          </tr>`,
        )}
      </tbody>
    </table>`;
}

/** @param {{layer: Layer, venues: string}} props */
function Skill({ layer, venues }) {
  const horizon = useSignal("1h");
  if (layer.id === "realised") return html`<p>No forecast, so there is no skill to measure.</p>`;
  const { phase, text, answer } = skillOf(symbol.value, layer.id, horizon.value).value;
  const badge = badgeOf(answer, layer.id, venues);
  const rows = answer?.data.filter((/** @type {any} */ row) => row.venues === venues) ?? [];
  return html`
    <p class="form">
      <label><span>Skill of forecasts for</span>
        <select onChange=${(/** @type {any} */ event) => {
          horizon.value = event.currentTarget.value;
        }}>${HORIZONS.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select>
      </label>
      <span class=${`badge ${badge.isSkill ? "skill" : ""}`}>
        ${phase === "loading" && answer === null ? "asking" : badge.verdict}
      </span>
    </p>
    <p>${phase === "failed" ? text : badge.line}</p>
    ${
      rows.length > 0
        ? html`
          <table>
            <caption>Bits per USD over distance alone, 95 % interval; baselines beside it</caption>
            <thead><tr>
              ${["model", "gain", "forecasts", "verdict"].map(
                (name) => html`<th scope="col" key=${name}>${name}</th>`,
              )}
            </tr></thead>
            <tbody>
              ${rows.map(
                (/** @type {any} */ row) => html`<tr key=${`${row.model} ${row.version}`}>
                  <td>${row.model} ${row.version}</td>
                  <td>${gainText(
                    row.judged_by === "blended" ? row.score?.blended : row.score?.per_usd,
                  )}</td>
                  <td>${row.forecasts}</td><td>${row.verdict}</td>
                </tr>`,
              )}
            </tbody>
          </table>`
        : null
    }`;
}

/** @param {{maps: import("./heatmap_layers.js").HeatmapLayers, layer: Layer}} props */
function LayerCard({ maps, layer }) {
  // Components with signals are drawn again for those that they read, not with their parent.
  void maps.revision.value;
  const venues = maps.venue() ?? "all";
  const { what, assumes } = MODELS[layer.id];
  const { text } = layer.feed.state.value;
  const newest = layer.feed.newest()?.block ?? [...layer.feed.blocks.values()][0];
  const meta = newest?.meta;
  const missing = newest === undefined ? [] : missingOf(newest);
  if (text) missing.unshift(text);
  const known = meta ? knownText(meta) : "";
  return html`
    <section class="card" aria-label=${layer.id}>
      <h3>${layer.id} <span class="dim">${kindOf(layer.id)}</span></h3>
      <p>${what}${known ? ` ${known}.` : ""}</p>
      <h4>Assumes</h4>
      <ul class="facts">${assumes.map((one) => html`<li key=${one}>${one}</li>`)}</ul>
      <h4>Made of</h4>
      ${
        meta === undefined
          ? html`<p class="dim">not loaded yet</p>`
          : html`
            <dl>
              ${parametersOf(meta).map(
                ([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`,
              )}
            </dl>
            <${Coverage} meta=${meta} />
            <p><a target="_blank" rel="noreferrer" href=${questionOf(layer, meta).href}
              >The answer of the API</a></p>`
      }
      <h4>Missing</h4>
      <ul class="facts">
        ${missing.length > 0 ? null : html`<li>nothing that is known of</li>`}
        ${missing.map((one) => html`<li key=${one}>${one}</li>`)}
      </ul>
      <h4>Worth</h4>
      <${Skill} layer=${layer} venues=${venues} />
    </section>`;
}

/** The question of a map, to be asked without this page. @param {Layer} layer @param {any} meta */
function questionOf(layer, meta) {
  const { symbol: name, model, exchanges } = layer.feed.question;
  return mapAddress({
    symbol: name,
    model,
    exchanges,
    interval: meta.interval,
    start_time: Date.parse(meta.start_time),
    end_time: Date.parse(meta.end_time),
    price_bin_size: meta.price_bin_size ?? undefined,
  });
}

/**
 * The card of the layers that are on.
 * @param {{maps: import("./heatmap_layers.js").HeatmapLayers}} props
 */
export function ModelCard({ maps }) {
  void maps.revision.value;
  const layers = maps.layers.value.toReversed();
  return html`
    <div class="scroll cards" tabindex="0" role="region" aria-label="Layers">
      ${
        platform.value?.simulated
          ? html`<p><b>Simulated market:</b> nothing here is real.</p>`
          : null
      }
      ${layers.length > 0 ? null : html`<p>No layer is on.</p>`}
      ${
        layers.length > 1
          ? html`<p>The layers are drawn over each other; they are different things, and nothing is
              added up.</p>`
          : null
      }
      ${layers.map((one) => html`<${LayerCard} key=${one.id} maps=${maps} layer=${one} />`)}
    </div>`;
}
