/** @file The key that puts the middle of each ladder into its middle. */

import { signal } from "@preact/signals";

/** Rises when every ladder is to be centred. */
export const centring = signal(0);

/** Puts the middle of each ladder into its middle. */
export function centreLadders() {
  centring.value += 1;
}
