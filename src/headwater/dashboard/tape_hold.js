/** @file Whether all tapes of the page are held still. */

import { signal } from "@preact/signals";

/** Holds all tapes still; the key `p` does it. */
export const areTapesHeld = signal(false);
