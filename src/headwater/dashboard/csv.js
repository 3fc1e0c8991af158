/** @file Tables as CSV (RFC 4180) and as files. */

/**
 * @typedef {object} Table what a panel shows, as rows
 * @property {string} caption says what the rows are
 * @property {readonly string[]} columns names with units
 * @property {readonly (readonly (string | number)[])[]} rows by time, oldest first, unless ranked
 * @property {boolean} [isRanked] whether the rows are in an order of their own, best read as it is
 */

/** A spreadsheet would take such a text for a formula and run it. */
const FORMULA = /^[=+\-@\t\r]/;

/** @param {string | number} value */
function cell(value) {
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The table as CSV; numbers are written as the API writes them. @param {Table} table */
export function csvOf(table) {
  const lines = [table.columns, ...table.rows].map((row) => row.map(cell).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

/**
 * A name for a file: what is not plain becomes a dash.
 * @param {string} text
 * @param {string} ending
 */
export function fileName(text, ending) {
  return `${text.replaceAll(/[^A-Za-z0-9_.]+/g, "-").replaceAll(/^-+|-+$/g, "")}.${ending}`;
}

/** Hands a file to the person. @param {Blob} content @param {string} name */
export function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
