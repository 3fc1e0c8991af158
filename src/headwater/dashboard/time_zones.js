/** @file Time zones: which there are, and the dialog that finds one. */

import { Dialog } from "./dialogs.js";
import { html } from "./html.js";
import { Picker, matches } from "./picker.js";
import { zone } from "./preferences.js";
import { zones } from "./zone_names.js";

/** @param {string} name what its clocks show now */
const clockOf = (name) =>
  new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "shortOffset",
    timeZone: name,
  }).format();

/** @param {string} query */
function picks(query) {
  const asked = query.replaceAll("_", " ");
  return ["UTC", "local", ...zones().filter((name) => name !== "UTC")]
    .filter((name) => matches(name.replaceAll("_", " "), asked))
    .slice(0, 50)
    .map((name) => ({
      id: name,
      label: name === "local" ? "local time" : name.replaceAll("_", " "),
      detail: name === "local" ? "" : clockOf(name),
      run: () => {
        zone.value = name;
      },
    }));
}

/** The dialog of time zones. */
export function TimeZones() {
  return html`
    <${Dialog} title="Time zone">
      <${Picker} label="Time zone" hint="Tokyo, New York, …" picks=${picks}
        empty="no such time zone" />
    <//>`;
}
