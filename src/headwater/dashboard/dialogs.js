/** @file Windows over the page: one at a time, by the browser's own dialog element. */

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { html } from "./html.js";

/** Name of the dialog that is open, empty when none is. */
export const openDialog = signal("");

/** What did not work, for people; empty when all did. */
export const complaint = signal("");

/** Says things to screen readers, politely; nobody else sees it. */
export const announcement = signal("");

/**
 * A dialog; the browser keeps the focus inside, closes it by Escape and gives the focus back.
 * @param {{title: string, wide?: boolean, children?: any}} props
 */
export function Dialog({ title, wide = false, children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    // Before the next key arrives: whoever types on at once types into the dialog.
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const close = () => {
    openDialog.value = "";
  };
  /** @param {MouseEvent} event */
  const outside = (event) => {
    if (event.target === element.current) close();
  };
  return html`
    <dialog ref=${element} class=${wide ? "wide" : ""} aria-label=${title} onCancel=${close}
      onClick=${outside}>
      <div class="dialog-body">
        <header>
          <h2>${title}</h2>
          <button type="button" class="icon" aria-label="Close" onClick=${close}>✕</button>
        </header>
        ${children}
        <${Complaint} />
      </div>
    </dialog>`;
}

/** The region that `announcement` is written into. */
export function Announcer() {
  return html`<div class="unseen" role="status" aria-live="polite">${announcement.value}</div>`;
}

/** What did not work, until it is closed. */
export function Complaint() {
  if (complaint.value === "") return null;
  const close = () => {
    complaint.value = "";
  };
  return html`
    <div class="complaint" role="alert">
      <span>${complaint.value}</span>
      <button type="button" class="icon" aria-label="Close" onClick=${close}>✕</button>
    </div>`;
}
