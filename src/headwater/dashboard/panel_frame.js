/** @file The frame around a panel: its name, its freshness, its table twin, CSV, PNG, settings. */

import { signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { csvOf, fileName, save } from "./csv.js";
import { html } from "./html.js";
import { withSetting, without } from "./layout.js";
import { settingOf } from "./panel.js";
import { layout } from "./view.js";

/** Rows of the table twin: the newest. The CSV has them all. */
const TWIN_ROWS_MAX = 200;

/** @typedef {import("./layout.js").Placed} Placed */
/** @typedef {import("./panel.js").MountedPanel} MountedPanel */

/** @param {MountedPanel} panel */
const exportCsv = (panel) =>
  save(new Blob([csvOf(panel.table())], { type: "text/csv" }), fileName(panel.title.peek(), "csv"));

/** @param {MountedPanel} panel */
const exportPng = (panel) =>
  panel.image().toBlob((blob) => {
    if (blob !== null) save(blob, fileName(panel.title.peek(), "png"));
  }, "image/png");

/** @param {{panel: MountedPanel}} props */
function TableTwin({ panel }) {
  void panel.revision.value;
  const { caption, columns, rows, isRanked = false } = panel.table();
  const newest = isRanked ? rows.slice(0, TWIN_ROWS_MAX) : rows.slice(-TWIN_ROWS_MAX).reverse();
  const left = rows.length > newest.length ? `: ${newest.length} of ${rows.length}` : "";
  const order = isRanked ? "" : ", newest first";
  return html`
    <div class="twin scroll" tabindex="0" role="region" aria-label=${caption}>
      <table>
        <caption>${caption}${order}${left}</caption>
        <thead>
          <tr>${columns.map((name) => html`<th scope="col" key=${name}>${name}</th>`)}</tr>
        </thead>
        <tbody>
          ${newest.map(
            (row, place) =>
              html`<tr key=${place}>
                ${row.map((value, at) => html`<td key=${at}>${value}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** The settings that have their controls here. @param {import("./panel.js").PanelKind} kind */
const formOf = (kind) => kind.settings.filter((setting) => !setting.isInPanel);

/** The choices, and the value now when it is none of them.
 * @param {import("./panel.js").Setting} setting @param {string} value
 */
function choicesOf({ choices }, value) {
  const isAmong = choices.some((choice) => choice.value === value);
  return isAmong ? choices : [...choices, { value, label: value }];
}

/** @param {{kind: import("./panel.js").PanelKind, placed: Placed}} props */
function PanelSettings({ kind, placed }) {
  return html`
    <div class="settings form">
      ${formOf(kind).map(
        (setting) => html`
          <label key=${setting.name}>
            <span>${setting.label}</span>
            <select onChange=${(/** @type {any} */ event) => {
              const value = event.currentTarget.value;
              layout.value = withSetting(layout.peek(), placed.id, setting.name, value);
            }}>
              ${choicesOf(setting, settingOf(kind, placed.settings, setting.name)).map(
                (choice) => html`<option key=${choice.value} value=${choice.value}
                  selected=${settingOf(kind, placed.settings, setting.name) === choice.value}
                  >${choice.label}</option>`,
              )}
            </select>
          </label>`,
      )}
    </div>`;
}

/**
 * Mounts the panel once; its settings reach it by a signal.
 * @param {import("./panel.js").PanelKind} kind
 * @param {Placed} placed
 * @param {import("./stream.js").Stream} stream
 */
function useMounted(kind, placed, stream) {
  const host = useRef(/** @type {HTMLDivElement | null} */ (null));
  const settings = useSignal(placed.settings);
  const panel = useSignal(/** @type {MountedPanel | null} */ (null));
  settings.value = placed.settings;
  useEffect(() => {
    if (host.current === null) return;
    const mounted = kind.mount(host.current, {
      stream,
      setting: (name) => settingOf(kind, settings.value, name),
      choose: (name, value) => {
        layout.value = withSetting(layout.peek(), placed.id, name, value);
      },
    });
    panel.value = mounted;
    return () => mounted.unmount();
  }, [kind, stream]);
  return { host, panel };
}

/** Before the panel is there. */
const NOTHING = signal({ tone: "waiting", text: "" });

/**
 * @param {object} props
 * @param {import("./panel.js").PanelKind} props.kind
 * @param {Placed} props.placed
 * @param {import("./stream.js").Stream} props.stream
 * @param {any} props.handle by which the panel is moved
 */
export function PanelFrame({ kind, placed, stream, handle }) {
  const { host, panel } = useMounted(kind, placed, stream);
  const isTable = useSignal(false);
  const isOpen = useSignal(false);
  const title = useComputed(() => panel.value?.title.value ?? kind.label);
  const mounted = panel.value;
  const status = (mounted?.status ?? NOTHING).value;
  return html`
    <header>
      ${handle}
      <h2>${title.value}</h2>
      <span class=${`status ${status.tone}`} title=${status.text}>${status.text}</span>
      <div class="tools">
        <button type="button" class="icon" aria-pressed=${isTable.value} title="Table"
          aria-label=${`${title.value}: as a table`}
          onClick=${() => {
            isTable.value = !isTable.value;
          }}>☷</button>
        <button type="button" class="icon text" title="Save as CSV"
          aria-label=${`${title.value}: save as CSV`}
          disabled=${mounted === null} onClick=${() => mounted && exportCsv(mounted)}>CSV</button>
        <button type="button" class="icon text" title="Save as PNG"
          aria-label=${`${title.value}: save as PNG`}
          disabled=${mounted === null} onClick=${() => mounted && exportPng(mounted)}>PNG</button>
        <button type="button" class="icon" aria-expanded=${isOpen.value} title="Settings"
          aria-label=${`${title.value}: settings`} hidden=${formOf(kind).length === 0}
          onClick=${() => {
            isOpen.value = !isOpen.value;
          }}>⚙</button>
        <button type="button" class="icon" title="Remove" aria-label=${`${title.value}: remove`}
          onClick=${() => {
            layout.value = without(layout.peek(), placed.id);
          }}>✕</button>
      </div>
    </header>
    ${isOpen.value ? html`<${PanelSettings} kind=${kind} placed=${placed} />` : null}
    <div class="content">
      <div class="host" ref=${host} hidden=${isTable.value}></div>
      ${isTable.value && mounted ? html`<${TableTwin} panel=${mounted} />` : null}
    </div>`;
}
