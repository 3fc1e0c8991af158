/** @file The bar above the panels: what is looked at, the venues, the way to everything else. */

import { useComputed } from "@preact/signals";
import { FeedStrip } from "./feed_strip.js";
import { html } from "./html.js";
import { openDialog } from "./dialogs.js";
import { shownTheme, toggleTheme } from "./preferences.js";
import { platform } from "./venues.js";
import { INTERVALS, exchange, interval, symbol } from "./view.js";

/** Says that nothing is real, when nothing is; stays in sight. */
export function SimulatedBanner() {
  if (!platform.value?.simulated) return null;
  return html`
    <p class="simulated" role="note"><b>Simulated exchanges</b> — nothing here is real</p>
  `;
}

function TimeFrames() {
  return html`
    <div class="frames" role="group" aria-label="Time frame">
      ${INTERVALS.map(
        (length, index) => html`
          <button type="button" key=${length} aria-pressed=${interval.value === length}
            title=${`key ${index + 1}`}
            onClick=${() => {
              interval.value = length;
            }}>${length}</button>`,
      )}
    </div>`;
}

/** @param {{label: string, dialog: string, title: string}} props */
function Opener({ label, dialog, title }) {
  return html`
    <button type="button" class="icon" aria-label=${title} title=${title}
      onClick=${() => {
        openDialog.value = dialog;
      }}>${label}</button>`;
}

/** The bar. */
export function TopBar() {
  const other = useComputed(() => (shownTheme.value === "dark" ? "light" : "dark"));
  return html`
    <header class="bar">
      <h1><img src="./icon.svg" alt="Headwater" width="20" height="20" /></h1>
      <button type="button" class="market" title="Find another market (key /)"
        onClick=${() => {
          openDialog.value = "search";
        }}><b>${symbol.value}</b><span>${exchange.value}</span></button>
      <${TimeFrames} />
      <${FeedStrip} />
      <div class="tools">
        <${Opener} label="⌘" dialog="palette" title="Commands (Ctrl+K)" />
        <button type="button" class="icon" aria-label=${`${other.value} theme`} title="key t"
          onClick=${toggleTheme}>${other.value === "light" ? "☀" : "☾"}</button>
        <${Opener} label="⚙" dialog="preferences" title="Preferences" />
        <${Opener} label="?" dialog="help" title="Help" />
      </div>
    </header>`;
}
