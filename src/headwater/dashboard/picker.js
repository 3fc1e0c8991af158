/** @file A field with a list below it: type, arrow down, Enter. */

import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { openDialog } from "./dialogs.js";

/** Rows shown at most; typing narrows them. */
export const ROWS_MAX = 50;

/**
 * @typedef {object} Pick
 * @property {string} id
 * @property {string} label
 * @property {string} [detail] shown dimly beside it
 * @property {() => void} run
 */

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.hint shown while nothing is typed
 * @param {(query: string) => readonly Pick[]} props.picks best first
 * @param {string} props.empty shown when there is none
 */
export function Picker({ label, hint, picks, empty }) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const shown = picks(query.trim()).slice(0, ROWS_MAX);
  const chosen = Math.min(at, shown.length - 1);
  useEffect(() => {
    document.getElementById(`pick-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  /** @param {Pick | undefined} pick */
  const run = (pick) => {
    if (pick === undefined) return;
    openDialog.value = "";
    pick.run();
  };
  /** @param {KeyboardEvent & {currentTarget: HTMLInputElement}} event */
  const key = (event) => {
    const last = shown.length - 1;
    if (event.key === "ArrowDown") setAt(chosen >= last ? 0 : chosen + 1);
    else if (event.key === "ArrowUp") setAt(chosen <= 0 ? last : chosen - 1);
    else if (event.key === "Enter") {
      // What was typed may be newer than what is drawn.
      const typedNow = event.currentTarget.value.trim();
      run(typedNow === query.trim() ? shown[chosen] : picks(typedNow)[0]);
    } else return;
    event.preventDefault();
  };
  /** @param {InputEvent & {currentTarget: HTMLInputElement}} event */
  const typed = (event) => {
    setQuery(event.currentTarget.value);
    setAt(0);
  };
  return html`
    <input type="text" class="pick" role="combobox" aria-label=${label} placeholder=${hint}
      autofocus autocomplete="off" spellcheck=${false} aria-expanded="true"
      aria-controls="picks" aria-activedescendant=${shown.length ? `pick-${chosen}` : undefined}
      value=${query} onInput=${typed} onKeyDown=${key} />
    <ul id="picks" class="picks" role="listbox" aria-label=${label}>
      ${shown.map(
        (pick, index) => html`
          <li key=${pick.id} id=${`pick-${index}`} role="option" aria-selected=${index === chosen}
            onClick=${() => run(pick)} onPointerMove=${() => setAt(index)}>
            <span>${pick.label}</span><small>${pick.detail ?? ""}</small>
          </li>`,
      )}
    </ul>
    ${shown.length ? null : html`<p class="dim" role="status">${empty}</p>`}`;
}

/**
 * Whether all words of a query stand in a text.
 * @param {string} text @param {string} query
 */
export function matches(text, query) {
  const low = text.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => low.includes(word));
}
