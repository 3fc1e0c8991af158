/** @file Puts the page together and starts what runs on it. */

import { render } from "preact";
import { notifies } from "./alert_notices.js";
import { socketAddress } from "./api.js";
import { startKeys } from "./commands.js";
import { Announcer, Complaint, openDialog } from "./dialogs.js";
import { FeedsDialog } from "./feed_strip.js";
import { Grid } from "./grid.js";
import { Help, Palette, Preferences } from "./guide_dialogs.js";
import { ModelCardDialog } from "./heatmap_slot.js";
import { whileSeen } from "./hidden_tab.js";
import { html } from "./html.js";
import { Layouts } from "./layouts_dialog.js";
import { PANELS, startLayout } from "./panels.js";
import { Stream } from "./stream.js";
import { SymbolSearch } from "./symbol_search.js";
import { SimulatedBanner, TopBar } from "./top_bar.js";
import { TimeZones } from "./time_zones.js";
import { startVenues } from "./venues.js";
import { startView } from "./view.js";

/** @type {Readonly<Record<string, any>>} */
const DIALOGS = {
  search: SymbolSearch,
  palette: Palette,
  help: Help,
  preferences: Preferences,
  feeds: FeedsDialog,
  model: ModelCardDialog,
  layouts: Layouts,
  zones: TimeZones,
};

/** @param {{stream: Stream}} props */
function App({ stream }) {
  const dialog = DIALOGS[openDialog.value];
  return html`
    <div class="top">
      <${SimulatedBanner} />
      <${TopBar} />
    </div>
    <main><${Grid} stream=${stream} /></main>
    ${dialog === undefined ? html`<${Complaint} />` : null}
    ${dialog === undefined ? null : html`<${dialog} />`}
    <${Announcer} />`;
}

function openStream() {
  const stream = new Stream({
    open: () => new WebSocket(socketAddress()),
    nowMs: () => performance.now(),
    random: Math.random,
    later: (work, ms) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  });
  // Who switched notifications on wants them from a tab that is not looked at, too.
  whileSeen({ start: () => stream.start(), pause: () => notifies.peek() || stream.pause() });
  return stream;
}

startView(startLayout(location.search), new Set(PANELS.keys()));
const stream = openStream();
stream.start();
startVenues();
startKeys();
const root = document.getElementById("app");
if (root !== null) render(html`<${App} stream=${stream} />`, root);
