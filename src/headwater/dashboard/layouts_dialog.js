/** @file The dialog of layouts: keep, choose, rename, delete, save as a file, open. */

import { useSignal } from "@preact/signals";
import { Dialog, openDialog } from "./dialogs.js";
import { html } from "./html.js";
import {
  forgetLayout,
  isShown,
  keepLayout,
  kept,
  renameLayout,
  showLayout,
} from "./kept_layouts.js";
import { chooseLayout, exportLayouts, saveLayout } from "./layout_files.js";
import { NAME_MAX } from "./named_layouts.js";
import { READY_LAYOUTS } from "./panels.js";

/** @typedef {import("./named_layouts.js").NamedLayout} NamedLayout */

/** @param {{one: NamedLayout, children?: any}} props */
function Row({ one, children }) {
  const choose = () => {
    if (showLayout(one)) openDialog.value = "";
  };
  return html`
    <li>
      <button type="button" class="choose" aria-current=${isShown(one)} onClick=${choose}>
        ${one.name}</button>
      ${children}
    </li>`;
}

/** @param {{one: NamedLayout}} props a layout of this browser */
function KeptRow({ one }) {
  const isNaming = useSignal(false);
  const name = useSignal(one.name);
  const rename = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (renameLayout(one.name, name.peek())) isNaming.value = false;
  };
  if (isNaming.value) {
    return html`
      <li><form class="form" onSubmit=${rename}>
        <input type="text" autofocus required maxlength=${NAME_MAX} value=${name.value}
          aria-label=${`New name of ${one.name}`}
          onInput=${(/** @type {any} */ event) => {
            name.value = event.currentTarget.value;
          }} />
        <button type="submit" class="framed">Rename</button>
      </form></li>`;
  }
  return html`
    <${Row} one=${one}>
      <button type="button" class="icon" aria-label=${`rename ${one.name}`} title="Rename"
        onClick=${() => {
          isNaming.value = true;
        }}>✎</button>
      <button type="button" class="icon" aria-label=${`save ${one.name} as a file`}
        title="Save as a file" onClick=${() => saveLayout(one.panels)}>⤓</button>
      <button type="button" class="icon" aria-label=${`delete ${one.name}`} title="Delete"
        onClick=${() => forgetLayout(one.name)}>✕</button>
    <//>`;
}

/** Layouts by name. */
export function Layouts() {
  const name = useSignal("");
  const keep = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (keepLayout(name.peek())) name.value = "";
  };
  return html`
    <${Dialog} title="Layouts">
      <form class="keep" onSubmit=${keep}>
        <input type="text" autofocus required maxlength=${NAME_MAX} value=${name.value}
          aria-label="Name of this layout" placeholder="keep this layout as …"
          onInput=${(/** @type {any} */ event) => {
            name.value = event.currentTarget.value;
          }} />
        <button type="submit" class="framed">Keep</button>
      </form>
      <div class="scroll" tabindex="0" role="region" aria-label="All layouts">
        <ul class="plain layouts" aria-label="Kept layouts">
          ${kept.value.map((one) => html`<${KeptRow} key=${one.name} one=${one} />`)}
        </ul>
        <ul class="plain layouts" aria-label="Ready layouts">
          ${READY_LAYOUTS.map((one) => html`<${Row} key=${one.name} one=${one} />`)}
        </ul>
      </div>
      <div class="form row">
        <button type="button" class="framed" disabled=${kept.value.length === 0}
          onClick=${exportLayouts}>Save all as a file</button>
        <button type="button" class="framed" onClick=${chooseLayout}>Open a file</button>
      </div>
    <//>`;
}
