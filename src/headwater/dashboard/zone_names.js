/** @file Names of time zones (IANA), as this browser knows them. Pure. */

/** @returns {readonly string[]} */
export const zones = () => Intl.supportedValuesOf("timeZone");

/**
 * Whether times can be shown in a zone: `UTC`, `local`, or a name that the browser knows.
 * @param {unknown} name
 * @returns {name is string}
 */
export function isZone(name) {
  if (name === "UTC" || name === "local") return true;
  return typeof name === "string" && zones().includes(name);
}
