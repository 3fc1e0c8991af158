/** @file The panels in their places; moved and resized by pointer and by keyboard. */

import { useRef } from "preact/hooks";
import { announcement } from "./dialogs.js";
import { html } from "./html.js";
import { COLUMNS, moved, resized, without } from "./layout.js";
import { PanelFrame } from "./panel_frame.js";
import { PANELS } from "./panels.js";
import { layout } from "./view.js";

/** Height of a row with the gap below it, as the style sheet has it. */
const ROW_PX = 40;

/** @typedef {import("./layout.js").Placed} Placed */
/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {(start: Layout, from: Placed, dx: number, dy: number) => Layout} Change */

/** @type {Change} */
const move = (start, from, dx, dy) => moved(start, from.id, from.x + dx, from.y + dy);
/** @type {Change} */
const resize = (start, from, dx, dy) => resized(start, from.id, from.w + dx, from.h + dy);

/** Says where a panel lies now. @param {string} id */
function tell(id) {
  const panel = layout.peek().find((one) => one.id === id);
  if (panel === undefined) return;
  announcement.value =
    `column ${panel.x + 1}, row ${panel.y + 1}, ` + `${panel.w} wide, ${panel.h} high`;
}

/**
 * Follows a pointer until it is let go, from the layout in which it was pressed.
 * @param {PointerEvent} event @param {Placed} from @param {Change} change
 */
function drag(event, from, change) {
  const handle = /** @type {HTMLElement} */ (event.currentTarget);
  const grid = handle.closest(".grid");
  if (grid === null || event.button !== 0) return;
  event.preventDefault();
  handle.focus();
  handle.setPointerCapture(event.pointerId);
  const start = layout.peek();
  const columnPx = grid.clientWidth / COLUMNS;
  /** @param {PointerEvent} at */
  const follow = (at) => {
    const dx = Math.round((at.clientX - event.clientX) / columnPx);
    const dy = Math.round((at.clientY - event.clientY) / ROW_PX);
    layout.value = change(start, from, dx, dy);
  };
  const end = () => {
    handle.removeEventListener("pointermove", follow);
    handle.removeEventListener("lostpointercapture", end);
    tell(from.id);
  };
  handle.addEventListener("pointermove", follow);
  handle.addEventListener("lostpointercapture", end);
}

/** @type {Readonly<Record<string, readonly [number, number]>>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {KeyboardEvent} event @param {Placed} placed */
function key(event, placed) {
  const arrow = ARROWS[event.key];
  if (arrow !== undefined) {
    const change = event.shiftKey ? resize : move;
    layout.value = change(layout.peek(), placed, arrow[0], arrow[1]);
    tell(placed.id);
  } else if (event.key === "Delete") {
    layout.value = without(layout.peek(), placed.id);
    announcement.value = "panel removed";
  } else return;
  event.preventDefault();
}

/** @param {{placed: Placed, stream: import("./stream.js").Stream}} props */
function Place({ placed, stream }) {
  const element = useRef(null);
  const kind = PANELS.get(placed.kind);
  if (kind === undefined) return null;
  const style = {
    gridColumn: `${placed.x + 1} / span ${placed.w}`,
    gridRow: `${placed.y + 1} / span ${placed.h}`,
    // On a phone its height goes by this.
    "--rows": placed.h,
  };
  const handle = html`
    <button type="button" class="handle" title="Move: drag, or arrow keys; Shift and arrows resize"
      aria-label=${`${kind.label}: move or resize with the arrow keys`}
      onPointerDown=${(/** @type {PointerEvent} */ event) => drag(event, placed, move)}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => key(event, placed)}>⠿</button>`;
  return html`
    <section ref=${element} class="panel" aria-label=${kind.label} style=${style}>
      <${PanelFrame} kind=${kind} placed=${placed} stream=${stream} handle=${handle} />
      <div class="corner" aria-hidden="true"
        onPointerDown=${(/** @type {PointerEvent} */ event) => drag(event, placed, resize)}></div>
    </section>`;
}

/** @param {{stream: import("./stream.js").Stream}} props */
export function Grid({ stream }) {
  if (layout.value.length === 0) {
    return html`<p class="dim empty">No panels. Press Ctrl+K and add one.</p>`;
  }
  return html`
    <div class="grid">
      ${layout.value.map(
        (placed) => html`<${Place} key=${placed.id} placed=${placed} stream=${stream} />`,
      )}
    </div>`;
}
