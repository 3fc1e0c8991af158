/** @file Which venues are in a book, with their shares, and what is the matter with the others. */

import { isCut } from "./book_levels.js";
import { percent, shownShares } from "./ladder_rows.js";
import { venueColour } from "./venue_colours.js";

/**
 * An element with text, put at the end of another.
 * @param {HTMLElement} parent @param {string} name @param {string} className @param {string} text
 */
export function added(parent, name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

/** The line of venues, and the notice that stands in a book's place. */
export class BookBar {
  #drawn = "";

  /** @param {HTMLElement} host @param {() => void} again what failed is to be tried again */
  constructor(host, again) {
    this.again = again;
    this.venues = added(host, "ul", "book-venues", "");
    this.venues.setAttribute("aria-label", "Venues in this book");
    this.notice = added(host, "div", "book-notice", "");
    this.notice.setAttribute("role", "status");
    this.venues.hidden = this.notice.hidden = true;
  }

  /**
   * @param {import("./book_levels.js").Book | undefined} book what is shown
   * @param {readonly import("./book_feed.js").VenueBook[]} venues
   * @param {number} rows a side that are shown
   */
  draw(book, venues, rows) {
    const shares = book === undefined ? [] : shownShares(book, rows);
    const chips = venues.length > 1 ? venues.map((one) => chipOf(one, book, shares)) : [];
    const troubles = book === undefined ? venues.filter((one) => one.isRefused) : [];
    const texts = troubles.map((one) => one.text);
    const drawn = JSON.stringify([chips, texts]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.venues.hidden = chips.length === 0;
    this.venues.replaceChildren(...chips.map(chipElement));
    this.#complain(texts);
  }

  /** @param {readonly string[]} texts */
  #complain(texts) {
    this.notice.hidden = texts.length === 0;
    this.notice.replaceChildren();
    if (texts.length === 0) return;
    for (const text of new Set(texts)) added(this.notice, "p", "", text);
    const button = added(this.notice, "button", "", "Try again");
    button.setAttribute("type", "button");
    button.addEventListener("click", this.again);
  }
}

/**
 * @param {import("./book_feed.js").VenueBook} venue
 * @param {import("./book_levels.js").Book | undefined} book
 * @param {readonly number[]} shares
 */
function chipOf(venue, book, shares) {
  const { exchange, isGood, text, message } = venue;
  const at = book?.exchanges.indexOf(exchange) ?? -1;
  if (!isGood || at < 0) return { exchange, colour: "", text, title: `left out: ${text}` };
  const raw = message.marketDepthInfo;
  const isShort = !isCut(message, "bids") || !isCut(message, "asks");
  const title = isShort ? `tells ${raw.rawBids} bids and ${raw.rawAsks} asks, no more` : "";
  const count = isShort ? ` (${Math.min(raw.rawBids, raw.rawAsks)} levels)` : "";
  return { exchange, colour: venueColour(exchange), text: `${percent(shares[at])}${count}`, title };
}

/** @param {ReturnType<typeof chipOf>} chip */
function chipElement({ exchange, colour, text, title }) {
  const item = document.createElement("li");
  item.title = title;
  const sign = added(item, "i", colour === "" ? "out" : "", colour === "" ? "▲" : "■");
  sign.setAttribute("aria-hidden", "true");
  sign.style.color = colour;
  added(item, "span", "", exchange);
  added(item, "small", colour === "" ? "out" : "", text);
  return item;
}
