/** @file The venues and how their feeds are, as the platform measures it. */

import { computed, signal } from "@preact/signals";
import { address, getJson } from "./api.js";
import { nowMs } from "./ticks.js";
import { venueState, youngestS } from "./venue_state.js";

const POLL_MS = 2_000;
/** An answer about health that is older than this is no news any more. */
const NEWS_MAX_MS = 8_000;

/**
 * @typedef {object} Platform
 * @property {string} version @property {boolean} simulated @property {readonly string[]} exchanges
 * @property {boolean} stores whether what was heard is kept and can be asked for
 */

/** What the platform says of itself; null before it has answered. */
export const platform = signal(/** @type {Platform | null} */ (null));
/** @typedef {import("./venue_state.js").VenueHealth} VenueHealth */
/** @type {import("@preact/signals").Signal<Readonly<Record<string, VenueHealth>>>} */
const health = signal({});
const askedMs = signal(-Infinity);

/** All venues now; their ages go on between two answers. */
export const venues = computed(() => {
  const sinceMs = Math.max(0, nowMs.value - askedMs.value);
  return Object.values(health.value).map((venue) => {
    const young = youngestS(venue);
    const ageMs = young === null ? null : young * 1000 + sinceMs;
    const isNews = sinceMs <= NEWS_MAX_MS;
    const state = isNews ? venueState(venue, ageMs) : /** @type {const} */ ("unknown");
    return { exchange: venue.exchange, state, ageMs, sinceMs, health: venue };
  });
});

async function poll() {
  if (!document.hidden) {
    try {
      const answer = await getJson(address(["exchanges", "health"]));
      health.value = answer.exchanges;
      askedMs.value = performance.now();
    } catch {
      // The states turn to "unknown" by their age.
    }
  }
  setTimeout(() => void poll(), POLL_MS);
}

async function introduce() {
  try {
    platform.value = await getJson(address([""]));
  } catch {
    setTimeout(() => void introduce(), POLL_MS);
  }
}

/** Asks who the platform is, and from then on how its venues are. */
export function startVenues() {
  void introduce();
  void poll();
}
