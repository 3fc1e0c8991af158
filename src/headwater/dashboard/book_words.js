/** @file What panels of order books say of themselves: title, freshness, which venues. */

import { platform } from "./venues.js";
import { exchange, symbol } from "./view.js";

/** Venues that are merged at most; each costs a socket. */
export const VENUES_MAX = 8;

/** The venues of a choice; signals are read. @param {string} source `view` or `merged` */
export function bookVenues(source) {
  if (source === "view") return [exchange.value];
  return (platform.value?.exchanges ?? []).slice(0, VENUES_MAX);
}

/** @param {string} name of the panel @param {string} source */
export const bookTitle = (name, source) =>
  `${name} ${symbol.value} · ${source === "view" ? exchange.value : "all venues"}`;

/**
 * How fresh the books are, in a word or two; a venue that is left out is named.
 * @param {readonly import("./book_feed.js").VenueBook[]} venues
 * @returns {import("./panel.js").PanelStatus}
 */
export function bookStatus(venues) {
  const missing = venues.filter((one) => !one.isGood);
  if (venues.length === 0) return { tone: "waiting", text: "loading" };
  if (missing.length === 0) return { tone: "good", text: "live" };
  const isOne = venues.length === 1;
  const words = missing.map((one) => (isOne ? one.text : `${one.exchange}: ${one.text}`));
  if (missing.every((one) => one.isWaiting)) return { tone: "waiting", text: words.join(", ") };
  const isTrouble = missing.length === venues.length && missing.some((one) => one.isRefused);
  const without = isOne || missing.length === venues.length ? "" : "without ";
  return { tone: isTrouble ? "bad" : "stale", text: `${without}${words.join(", ")}` };
}
