/** @file Templates without a build step: tagged strings that make Preact elements. */

import htm from "htm";
import { h } from "preact";

/** `` html`<p>${text}</p>` ``: whatever is put in is text or an element, never markup. */
export const html = htm.bind(h);
