/** @file Each venue's colour, the same in all panels; its name always stands beside it. */

import { platform } from "./venues.js";

/** Colours there are, as `app.css` has them. */
const COLOURS = 8;

/** Number of the venue's colour, 0 for a venue that the platform does not have.
 * @param {string} exchange
 */
function numberOf(exchange) {
  const at = platform.value?.exchanges.indexOf(exchange) ?? -1;
  return at < 0 ? 0 : (at % COLOURS) + 1;
}

/** The class that writes text in the venue's colour. @param {string} exchange */
export function venueClass(exchange) {
  const number = numberOf(exchange);
  return number === 0 ? "venue" : `venue venue-${number}`;
}

/** The custom property with the venue's colour. @param {string} exchange */
export const venueProperty = (exchange) => `--venue-${numberOf(exchange) || 1}`;

/** The venue's colour, for the style of an element. @param {string} exchange */
export const venueColour = (exchange) => `var(${venueProperty(exchange)})`;

/** All venues as choices of a setting. @returns {import("./preferences.js").Choice[]} */
export const venueChoices = () =>
  (platform.value?.exchanges ?? []).map((value) => ({ value, label: value }));
