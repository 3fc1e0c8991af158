/** @file The palette of commands, the help, and the preferences. */

import { commands } from "./commands.js";
import { Dialog, openDialog } from "./dialogs.js";
import { html } from "./html.js";
import { Picker, matches } from "./picker.js";
import { CHOICES, PREFERENCES } from "./preferences.js";
import { platform } from "./venues.js";

const LABELS = /** @type {Readonly<Record<string, string>>} */ ({
  theme: "Theme",
  colours: "Colours of prices",
  zone: "Times in",
});

/** @param {string | undefined} key as commands have it */
const shownKey = (key = "") => {
  if (key.startsWith("Mod+")) return `Ctrl+${key.slice(4).toUpperCase()}`;
  return /^[A-Z]$/.test(key) ? `Shift+${key}` : key;
};

/** @param {string} query */
const found = (query) =>
  commands()
    .filter((command) => matches(command.label, query))
    .map((command) => ({
      id: command.label,
      label: command.label,
      detail: shownKey(command.key),
      run: command.run,
    }));

/** Every command by its name. */
export function Palette() {
  return html`
    <${Dialog} title="Commands">
      <${Picker} label="Command" hint="what to do" picks=${found} empty="no such command" />
    <//>`;
}

const CHART_KEYS = [
  ["← →", "move the chart that has the focus"],
  ["+ −", "show less, more time"],
  ["End", "go to the newest candle"],
  ["← → ↑ ↓", "on a panel's ⠿: move the panel; with Shift: change its size"],
  ["Delete", "on a panel's ⠿: take the panel away"],
];

/** Keys, and what stands where. */
export function Help() {
  const keyed = commands().filter((command) => command.key !== undefined);
  return html`
    <${Dialog} title="Help" wide>
      <div class="scroll" tabindex="0" role="region" aria-label="Keys">
        <table>
          <thead><tr><th scope="col">key</th><th scope="col">does</th></tr></thead>
          <tbody>
            ${keyed.map(
              ({ key, label }) => html`<tr key=${key}>
                <td><kbd>${shownKey(key)}</kbd></td><td>${label}</td>
              </tr>`,
            )}
            ${CHART_KEYS.map(
              ([key, label]) =>
                html`<tr key=${key}><td><kbd>${key}</kbd></td><td>${label}</td></tr>`,
            )}
          </tbody>
        </table>
      </div>
      <p class="dim">
        The address of the page holds the view: send it, and others see the same. Every panel has
        its numbers as a table, as CSV, and a picture. Headwater
        ${` ${platform.value?.version ?? ""} · `}
        <a href="../docs">API</a>${" · "}charts by TradingView Lightweight Charts™${" · "}
        <a href="./NOTICE.txt">licences</a>
      </p>
    <//>`;
}

/** What can be chosen, and what was chosen besides.
 * @param {string} name @param {string} value @returns {readonly {value: string, label: string}[]}
 */
const choicesOf = (name, value) =>
  CHOICES[name].some((choice) => choice.value === value)
    ? CHOICES[name]
    : [...CHOICES[name], { value, label: value.replaceAll("_", " ") }];

/** Theme, colours, time zone. */
export function Preferences() {
  return html`
    <${Dialog} title="Preferences">
      <div class="form">
        ${Object.entries(PREFERENCES).map(
          ([name, kept]) => html`
            <label key=${name}>
              <span>${LABELS[name]}</span>
              <select value=${kept.value}
                onChange=${(/** @type {any} */ event) => {
                  kept.value = event.currentTarget.value;
                }}>
                ${choicesOf(name, kept.value).map(
                  (choice) => html`<option key=${choice.value} value=${choice.value}
                    selected=${choice.value === kept.value}>${choice.label}</option>`,
                )}
              </select>
            </label>`,
        )}
        <button type="button" class="framed"
          onClick=${() => {
            openDialog.value = "zones";
          }}>Another time zone …</button>
      </div>
    <//>`;
}
