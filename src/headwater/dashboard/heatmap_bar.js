/** @file Below the chart: threshold, opacity, legend in USD, read-out of the heat map. */

import { render } from "preact";
import { openDialog } from "./dialogs.js";
import { compact, decimalsOf, fixed, timeText } from "./format.js";
import { edgeOf } from "./heatmap_block.js";
import { amountAt, gradientOf, palettesOf, rangeOf, shareOf } from "./heatmap_colours.js";
import { knownText, missingOf } from "./heatmap_models.js";
import { OPACITIES, THRESHOLDS, kindOf } from "./heatmap_settings.js";
import { html } from "./html.js";
import { skillOf } from "./model_skill.js";
import { zone } from "./preferences.js";
import { badgeOf } from "./skill_words.js";
import { platform } from "./venues.js";
import { symbol } from "./view.js";

/** @typedef {import("./heatmap_layers.js").HeatmapLayers} Maps */
/** @typedef {import("./heatmap_layer.js").HeatmapLayer} Layer */

/** @param {{maps: Maps, name: string, label: string, steps: readonly number[]}} props */
function Slider({ maps, name, label, steps }) {
  const value = Number(maps.context.setting(name));
  return html`
    <label class="slider">
      <span>${label}</span>
      <input type="range" min="0" max=${steps.length - 1} step="1" value=${steps.indexOf(value)}
        aria-valuetext=${`${value} %`}
        onInput=${(/** @type {any} */ event) => {
          maps.context.choose(name, String(steps[Number(event.currentTarget.value)]));
        }} />
      <small>${value} %</small>
    </label>`;
}

/** A switch between two choices, named by the present one.
 * @param {{maps: Maps, name: string, label: string, choices: readonly [string, string][]}} props
 */
function Switch({ maps, name, label, choices }) {
  const now = maps.context.setting(name);
  const at = choices.findIndex(([value]) => value === now);
  const [next] = choices[(at + 1) % choices.length];
  return html`
    <button type="button" class="icon text" aria-label=${`${label}: ${choices[at][1]}`}
      title=${`${label}; press for ${choices[(at + 1) % choices.length][1]}`}
      onClick=${() => maps.context.choose(name, next)}>${choices[at][1]}</button>`;
}

/** @type {readonly [string, string][]} */
const COLOUR_CHOICES = [
  ["total", "total"],
  ["side", "long / short"],
];
/** @type {readonly [string, string][]} */
const VENUE_CHOICES = [
  ["all", "all venues"],
  ["one", "this venue"],
];

/** @type {readonly [string, string][]} */
const TABLE_CHOICES = [
  ["candles", "table: candles"],
  ["cells", "table: cells"],
];

/** @param {{maps: Maps}} props */
function Controls({ maps }) {
  const card = () => {
    openDialog.value = "model";
  };
  return html`
    <div class="map-controls">
      <${Slider} maps=${maps} name="map_threshold" label="threshold" steps=${THRESHOLDS} />
      <${Slider} maps=${maps} name="map_opacity" label="opacity" steps=${OPACITIES} />
      <${Switch} maps=${maps} name="map_colours" label="Colours" choices=${COLOUR_CHOICES} />
      <${Switch} maps=${maps} name="map_venues" label="Venues" choices=${VENUE_CHOICES} />
      <${Switch} maps=${maps} name="table" label="Table and CSV" choices=${TABLE_CHOICES} />
      <button type="button" class="icon text" title="key Shift+I" onClick=${card}
        >model card</button>
    </div>`;
}

/** The colours of one palette with their amounts.
 * @param {{stops: readonly import("./heatmap_raster.js").Stop[], range:
 *   import("./heatmap_raster.js").Range, side: string}} props
 */
function Scale({ stops, range, side }) {
  const hidden = shareOf(range, range.low * 1.0001) ?? 0;
  return html`
    <span class="scale">
      ${side ? html`<span>${side}</span>` : null}
      <small>${range.low > 0 ? compact(range.low) : "0"}</small>
      <i style=${{ background: gradientOf(stops) }}>
        <b style=${{ width: `${hidden * 100}%` }}></b>
      </i>
      <small>≥ ${compact(range.high)}</small>
      <small>(middle ${compact(amountAt(range, 0.5))})</small>
    </span>`;
}

/** A layer that is so far behind the newest candle is called old, seconds. */
const OLD_AFTER = 300;

/** @param {Maps} maps @param {Layer} layer */
const isOld = (maps, layer) =>
  maps.behind(layer) > Math.max(OLD_AFTER, 2 * layer.feed.frame.step) && !layer.front?.isLive;

/** What a layer shows now, and how far that goes. @param {Maps} maps @param {Layer} layer */
function partsOf(maps, layer) {
  const { phase, text } = layer.feed.state.value;
  const parts = [];
  if (phase === "failed") parts.push(text);
  else if (layer.feed.blocks.size === 0) parts.push("loading");
  else if (layer.top === 0) parts.push("nothing here");
  const newest = layer.feed.newest();
  const end = newest === null ? NaN : newest.end;
  if (isOld(maps, layer)) parts.push(`old: until ${timeText(end, zone.value, "full")}`);
  else if (layer.front !== null) {
    const at = timeText(layer.front.block.start, zone.value, "minute");
    parts.push(`${layer.front.isLive ? "live, of 15 min bars, " : ""}as of ${at}`);
  }
  const known = newest === null ? "" : knownText(newest.block.meta);
  if (known) parts.push(known);
  if (newest?.block.meta.is_floor) parts.push("lower bound");
  else if (newest !== null && missingOf(newest.block).length > 0) parts.push("parts missing");
  if (layer.feed.isCut) parts.push("newest part of the view only");
  const problem = layer.id === "estimated" ? maps.live.value?.problem.value : "";
  if (problem) parts.push(`no live map: ${problem}`);
  return parts;
}

/** @param {Layer} layer */
const missingText = (layer) => {
  const newest = layer.feed.newest();
  return newest === null ? "" : missingOf(newest.block).join("; ");
};

/** @param {{maps: Maps, layer: Layer}} props */
function Badge({ maps, layer }) {
  if (layer.id === "realised") return null;
  const { answer, phase, text } = skillOf(symbol.value, layer.id, "1h").value;
  const badge = badgeOf(answer, layer.id, maps.venue() ?? "all");
  const word = answer === null && phase !== "failed" ? "asking" : badge.verdict;
  return html`
    <span class=${`badge ${badge.isSkill ? "skill" : ""}`} title=${badge.line || text}>
      skill: ${badge.isSkill ? badge.line : word}
    </span>`;
}

/** @param {{maps: Maps, layer: Layer}} props */
function LayerLegend({ maps, layer }) {
  // Components with signals are drawn again for those that they read, not with their parent.
  void maps.revision.value;
  const { bySide, theme, threshold } = maps.look();
  const palettes = palettesOf(layer.id, theme);
  const range = rangeOf(layer.top, threshold);
  const isFailed = layer.feed.state.value.phase === "failed";
  const [tone] = [isFailed && "bad", isOld(maps, layer) && "old", "dim"].filter(Boolean);
  const sides = bySide
    ? [
        { stops: palettes.long, side: "long" },
        { stops: palettes.short, side: "short" },
      ]
    : [{ stops: palettes.total, side: "" }];
  return html`
    <li>
      <b>${layer.id}</b><span class="dim">${kindOf(layer.id)}</span>
      ${
        layer.top > 0
          ? sides.map(
              ({ stops, side }) =>
                html`<${Scale} key=${side} stops=${stops} range=${range} side=${side} />`,
            )
          : null
      }
      ${layer.top > 0 ? html`<span class="dim">USD a cell</span>` : null}
      <span class=${tone} title=${missingText(layer)}>
        ${partsOf(maps, layer).join(" · ")}
      </span>
      ${
        isFailed
          ? html`<button type="button" class="icon text" onClick=${() => layer.feed.again()}
              >try again</button>`
          : null
      }
      <${Badge} maps=${maps} layer=${layer} />
    </li>`;
}

/**
 * A cell in words.
 * @param {import("./heatmap_layer.js").Cell} cell @param {string} inZone
 * @returns {{when: string, band: string, amounts: string}} its time, its prices, its USD
 */
export function cellText(cell, inZone) {
  const upper = edgeOf(Math.round(cell.price / cell.rowPrice) + 1, cell.rowPrice);
  const decimals = decimalsOf([cell.price, cell.rowPrice]);
  const from = timeText(cell.asOf ?? cell.time, inZone, "full");
  const until = timeText(cell.time + cell.step, inZone, "minute");
  return {
    when: cell.asOf === null ? `${from}–${until}` : `as of ${from}`,
    band: `${fixed(cell.price, decimals)}–${fixed(upper, decimals)}`,
    amounts: `long ${fixed(cell.long, 0)} · short ${fixed(cell.short, 0)} USD`,
  };
}

/** @param {{maps: Maps}} props */
function Readout({ maps }) {
  const cells = maps.pointed.value;
  if (cells.length === 0) {
    return html`<p class="map-readout dim">Point at the map for its amounts.</p>`;
  }
  const texts = cells.map((cell) => ({ layer: cell.layer, ...cellText(cell, zone.value) }));
  return html`
    <p class="map-readout">
      ${texts.map(
        ({ layer, when, band, amounts }, at) => html`<span key=${layer}>
          ${when === texts[at - 1]?.when ? "" : `${when} `}<b>${layer}</b> ${band}:${" "}
          <span class="amounts">${amounts}</span>
        </span>`,
      )}
    </p>`;
}

/** @param {{maps: Maps}} props */
function Bar({ maps }) {
  void maps.revision.value;
  const layers = maps.layers.value;
  if (layers.length === 0) return null;
  const notes = [];
  if (platform.value?.simulated) notes.push("simulated market: nothing here is real");
  if (layers.length > 1) notes.push("layers lie over each other and are not added up");
  const shown = layers.toReversed();
  return html`
    <${Controls} maps=${maps} />
    <ul class="map-legend" tabindex="0" aria-label="Legend of the heat map">
      ${shown.map((one) => html`<${LayerLegend} key=${one.id} maps=${maps} layer=${one} />`)}
      ${notes.length > 0 ? html`<li class="dim note">${notes.join("; ")}</li>` : null}
    </ul>
    <${Readout} maps=${maps} />`;
}

/**
 * Puts controls, legend and read-out into an element.
 * @param {HTMLElement} host @param {Maps} maps
 * @returns {() => void} takes them away
 */
export function showBar(host, maps) {
  render(html`<${Bar} maps=${maps} />`, host);
  return () => render(null, host);
}
