/** @file A signal that changes each second while the page is seen: what shows ages reads it. */

import { signal } from "@preact/signals";

/** `performance.now()`, a second old at most while the page is visible. */
export const nowMs = signal(performance.now());

setInterval(() => {
  if (!document.hidden) nowMs.value = performance.now();
}, 1000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) nowMs.value = performance.now();
});
