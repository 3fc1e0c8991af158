/** @file The layouts that this browser keeps by name, and what can be done with them. */

import { effect, signal } from "@preact/signals";
import { recall, remember } from "./browser_memory.js";
import { announcement, complaint } from "./dialogs.js";
import { writtenLayout } from "./layout.js";
import {
  joinedNamed,
  keptName,
  readNamed,
  renamed,
  withNamed,
  withoutNamed,
} from "./named_layouts.js";
import { PANELS, READY_LAYOUTS } from "./panels.js";
import { importLayout, layout } from "./view.js";

/** @typedef {import("./named_layouts.js").NamedLayout} NamedLayout */

/** @type {import("@preact/signals").Signal<readonly NamedLayout[]>} */
export const kept = signal(readNamed(recall("layouts")));
effect(() => remember("layouts", kept.value));

/** Another tab may have kept one meanwhile: what is stored is true. */
addEventListener("storage", (event) => {
  if (event.key?.endsWith(".layouts")) kept.value = readNamed(recall("layouts"));
});

/** Those of this browser, and those that come with the page under names of their own.
 * @returns {NamedLayout[]}
 */
export const offered = () => [
  ...kept.value,
  ...READY_LAYOUTS.filter((ready) => kept.value.every((one) => one.name !== ready.name)),
];

/** Does what may fail, and says what became of it.
 * @param {() => void} work @param {string} said when it is done
 */
function attempt(work, said) {
  try {
    work();
    announcement.value = said;
    return true;
  } catch (error) {
    complaint.value = error instanceof Error ? error.message : String(error);
    return false;
  }
}

/** Keeps the present layout by a name. @param {string} name @returns {boolean} whether it is */
export const keepLayout = (name) =>
  attempt(
    () => {
      kept.value = withNamed(kept.peek(), name, writtenLayout(layout.peek()));
    },
    `layout ${keptName(name)} kept`,
  );

/** Shows a layout. @param {NamedLayout} one */
export const showLayout = (one) => attempt(() => importLayout(one.panels), `layout ${one.name}`);

/** @param {string} from @param {string} to @returns {boolean} whether it is */
export const renameLayout = (from, to) =>
  attempt(() => {
    kept.value = renamed(kept.peek(), from, to);
  }, "renamed");

/** @param {string} name */
export function forgetLayout(name) {
  kept.value = withoutNamed(kept.peek(), name);
  announcement.value = `layout ${name} deleted`;
}

/** Takes in the layouts of a file. @param {unknown} value decoded JSON: a list
 * @throws {Error} what is wrong, for people
 */
export function joinLayouts(value) {
  kept.value = joinedNamed(kept.peek(), value, new Set(PANELS.keys()));
}

/** Whether a layout is what is shown now. @param {NamedLayout} one */
export const isShown = (one) =>
  JSON.stringify(one.panels) === JSON.stringify(writtenLayout(layout.value));
