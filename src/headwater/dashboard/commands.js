/** @file All that can be done on the page, with its key: one list for keys, palette and help. */

import { announcement, complaint, openDialog } from "./dialogs.js";
import { LAYERS } from "./heatmap_settings.js";
import { mapInFocus } from "./map_in_focus.js";
import { PANELS } from "./panels.js";
import { toggleTheme } from "./preferences.js";
import { centreLadders } from "./centring.js";
import { areTapesHeld } from "./tape_hold.js";
import { platform } from "./venues.js";
import { withPanel } from "./layout.js";
import { offered, showLayout } from "./kept_layouts.js";
import { chooseLayout, exportLayout, exportLayouts } from "./layout_files.js";
import { INTERVALS, exchange, interval, layout, resetLayout, sharedAddress } from "./view.js";

/**
 * @typedef {object} Command
 * @property {string} label
 * @property {string} [key] the key alone, as `KeyboardEvent.key` names it; `Mod+k` is Ctrl or Cmd
 * @property {() => void} run
 */

/** @param {string} name @returns {() => void} */
const opens = (name) => () => {
  openDialog.value = name;
};

async function copyLink() {
  try {
    await navigator.clipboard.writeText(sharedAddress());
    announcement.value = "link copied";
  } catch {
    complaint.value = "the browser did not allow to copy; the link is in its address bar";
  }
}

/** @returns {Command[]} all of them, now */
export function commands() {
  const venues = platform.value?.exchanges ?? [];
  return [
    { label: "Find a symbol", key: "/", run: opens("search") },
    { label: "Commands", key: "Mod+k", run: opens("palette") },
    { label: "Help and keys", key: "?", run: opens("help") },
    { label: "Preferences", key: ",", run: opens("preferences") },
    { label: "Feeds of the venues", key: "f", run: opens("feeds") },
    { label: "Light or dark", key: "t", run: toggleTheme },
    ...LAYERS.map(({ id, key }) => ({
      label: `Heat map: ${id} on or off`,
      key,
      run: () => mapInFocus.peek()?.toggle(id),
    })),
    { label: "Model card of the heat map", key: "I", run: opens("model") },
    { label: "Centre the order books", key: "c", run: centreLadders },
    { label: "Layouts: keep, choose, rename, delete", key: "l", run: opens("layouts") },
    { label: "Time zone", run: opens("zones") },
    {
      label: "Hold all tapes still, or let them run",
      key: "p",
      run: () => {
        areTapesHeld.value = !areTapesHeld.peek();
        announcement.value = areTapesHeld.peek() ? "tapes are held" : "tapes run";
      },
    },
    ...INTERVALS.map((length, index) => ({
      label: `Time frame ${length}`,
      key: String(index + 1),
      run: () => {
        interval.value = length;
      },
    })),
    ...venues.map((venue) => ({
      label: `Look at ${venue}`,
      run: () => {
        exchange.value = venue;
      },
    })),
    ...[...PANELS.values()].map((kind) => ({
      label: `Add panel: ${kind.label}`,
      run: () => {
        layout.value = withPanel(layout.peek(), kind.kind, kind.size);
        announcement.value = `${kind.label} added`;
      },
    })),
    ...offered().map((one) => ({
      label: `Layout: ${one.name}`,
      run: () => void showLayout(one),
    })),
    { label: "Copy a link to this view", run: () => void copyLink() },
    { label: "Save the layout as a file", run: exportLayout },
    { label: "Save all kept layouts as a file", run: exportLayouts },
    { label: "Open a layout from a file", run: chooseLayout },
    { label: "Layout as at the beginning", run: resetLayout },
  ];
}

/** @param {EventTarget | null} target */
const isField = (target) =>
  target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]");

/** Runs the command of a key; keys typed into fields, and in dialogs, are theirs.
 * @param {KeyboardEvent} event
 */
function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const mod = event.ctrlKey || event.metaKey;
  if (openDialog.peek() !== "" || (isField(event.target) && !mod)) return;
  const name = mod ? `Mod+${event.key.toLowerCase()}` : event.key;
  const command = commands().find((one) => one.key === name);
  if (command === undefined) return;
  event.preventDefault();
  command.run();
}

/** Listens to the keyboard. */
export function startKeys() {
  document.addEventListener("keydown", onKey);
}
