/** @file What each venue offers, as the platform says; asked once, so no question is in vain. */

import { address, getJson } from "./api.js";

/** @type {Promise<Map<string, Record<string, {available: boolean, note: string}>>> | null} */
let asked = null;

async function ask() {
  const answer = await getJson(address(["exchanges"]));
  return new Map(answer.exchanges.map((/** @type {any} */ one) => [one.name, one.support]));
}

/**
 * Whether a venue offers something. What the platform does not know may be there: its own answer
 * then says why not.
 * @param {string} exchange @param {string} name such as `open_interest_history`
 * @returns {Promise<boolean>}
 */
export async function offers(exchange, name) {
  asked ??= ask();
  try {
    return (await asked).get(exchange)?.[name]?.available ?? true;
  } catch (error) {
    asked = null;
    throw error;
  }
}
