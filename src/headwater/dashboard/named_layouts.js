/**
 * @file Layouts that a person keeps by name. Pure: every function takes a list and returns another.
 *
 * A kept layout may name a panel that this version of the page does not know: it is kept as it is,
 * and refused when it is chosen.
 */

import { PANELS_MAX, readLayout } from "./layout.js";

export const LAYOUTS_MAX = 30;
export const NAME_MAX = 60;
/** Text of one layout; more is something else. */
const LAYOUT_CHARS_MAX = 32 * 1024;

/**
 * @typedef {object} NamedLayout
 * @property {string} name unlike all others of the list
 * @property {readonly unknown[]} panels as files have them
 */

/** A name as it is kept: without blanks around it, cut. @param {string} name */
export const keptName = (name) => name.trim().slice(0, NAME_MAX);

/** @param {unknown} value @returns {value is unknown[]} */
const isPanels = (value) =>
  Array.isArray(value) &&
  value.length <= PANELS_MAX &&
  JSON.stringify(value).length <= LAYOUT_CHARS_MAX;

/**
 * What the browser remembers; what is unsound is left out.
 * @param {unknown} value decoded JSON @returns {NamedLayout[]}
 */
export function readNamed(value) {
  if (!Array.isArray(value)) return [];
  /** @type {NamedLayout[]} */
  let found = [];
  for (const one of value) {
    if (typeof one?.name !== "string" || !isPanels(one.panels)) continue;
    if (keptName(one.name) === "" || found.length >= LAYOUTS_MAX) continue;
    found = withNamed(found, one.name, one.panels);
  }
  return found;
}

/**
 * The list with a layout under a name: in the place of the one that has it, else at the end.
 * @param {readonly NamedLayout[]} list @param {string} name @param {readonly unknown[]} panels
 * @returns {NamedLayout[]}
 * @throws {Error} there is no name, or no room; for people
 */
export function withNamed(list, name, panels) {
  const kept = keptName(name);
  if (kept === "") throw new Error("a layout needs a name");
  const made = { name: kept, panels };
  if (list.some((one) => one.name === kept)) {
    return list.map((one) => (one.name === kept ? made : one));
  }
  if (list.length >= LAYOUTS_MAX) throw new Error(`at most ${LAYOUTS_MAX} layouts are kept`);
  return [...list, made];
}

/**
 * @param {readonly NamedLayout[]} list @param {string} from @param {string} to
 * @returns {NamedLayout[]}
 * @throws {Error} there is no name, or another layout has it; for people
 */
export function renamed(list, from, to) {
  const kept = keptName(to);
  if (kept === "") throw new Error("a layout needs a name");
  if (kept !== from && list.some((one) => one.name === kept)) {
    throw new Error(`there is a layout “${kept}” already`);
  }
  return list.map((one) => (one.name === from ? { ...one, name: kept } : one));
}

/** @param {readonly NamedLayout[]} list @param {string} name */
export const withoutNamed = (list, name) => list.filter((one) => one.name !== name);

/**
 * Joins the layouts of a file to those that are there; a layout of a known name takes its place.
 * @param {readonly NamedLayout[]} list
 * @param {unknown} value decoded JSON: a list of named layouts
 * @param {ReadonlySet<string>} kinds of panels that there are
 * @returns {NamedLayout[]}
 * @throws {Error} what is wrong, for people; then nothing is joined
 */
export function joinedNamed(list, value, kinds) {
  if (!Array.isArray(value)) throw new Error("layouts are a list");
  let found = [...list];
  for (const [index, one] of value.entries()) {
    const name = typeof one?.name === "string" ? keptName(one.name) : "";
    if (name === "") throw new Error(`layout ${index + 1} has no name`);
    try {
      readLayout(one.panels, kinds);
    } catch (error) {
      throw new Error(`layout “${name}”: ${/** @type {Error} */ (error).message}`);
    }
    found = withNamed(found, name, one.panels);
  }
  return found;
}
