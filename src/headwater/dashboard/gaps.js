/** @file Holes of the streams that the platform knows of: which concern a chart, and in words. */

import { timeText } from "./format.js";

/**
 * @typedef {object} Hole a span of which records are missing
 * @property {number} from seconds since 1970
 * @property {number} to its end; of one that is still open, now
 * @property {boolean} isOpen
 * @property {string} channel which stream
 * @property {string} cause in a word
 * @property {string} detail in words
 */

/** What causes are called. @type {Readonly<Record<string, string>>} */
const CAUSES = {
  disconnect: "no connection",
  sequence_break: "messages lost",
  stale: "silent stream",
  overflow: "too much at once",
  wire_error: "unreadable messages",
  downtime: "the platform did not run",
};
const TEXT_MAX = 160;
/** Holes of one time that a read-out tells singly. */
const TOLD_MAX = 3;

/**
 * Rows of `/gaps` as holes; what was repaired is none any more.
 * @param {readonly any[]} rows @param {number} now seconds since 1970
 * @returns {Hole[]} by their beginning
 */
export function holesOf(rows, now) {
  return rows
    .filter((row) => row.state !== "repaired")
    .map((row) => {
      const from = Date.parse(row.timestamp) / 1000;
      const until = row.until === null ? now : Date.parse(row.until) / 1000;
      return {
        from,
        to: Math.max(from, until),
        isOpen: row.until === null,
        channel: row.channel,
        cause: CAUSES[row.cause] ?? String(row.cause),
        detail: String(row.detail).slice(0, TEXT_MAX),
      };
    })
    .sort((a, b) => a.from - b.from);
}

/** Holes of some streams. @param {readonly Hole[]} holes @param {readonly string[]} channels */
export const ofChannels = (holes, channels) =>
  holes.filter((hole) => channels.includes(hole.channel));

/**
 * Holes that touch a span.
 * @param {readonly Hole[]} holes @param {number} from @param {number} to exclusive, seconds
 */
export const holesIn = (holes, from, to) =>
  holes.filter((hole) => hole.from < to && hole.to >= from);

/** What is missing in a span, for a table; empty when nothing.
 * @param {readonly Hole[]} holes that touch it
 */
export const holeText = (holes) =>
  [...new Set(holes.map((hole) => `${hole.channel.replaceAll("_", " ")}: ${hole.cause}`))].join(
    "; ",
  );

/**
 * Holes for a read-out, each with its times, the longest first.
 * @param {readonly Hole[]} holes @param {string} zone
 * @returns {string[]} the first few, and how many more
 */
export function holesWords(holes, zone) {
  const longest = [...holes].sort((a, b) => b.to - b.from - (a.to - a.from));
  const words = longest.slice(0, TOLD_MAX).map((hole) => holeWords(hole, zone));
  const left = holes.length - words.length;
  return left > 0 ? [...words, `and ${left} more`] : words;
}

/** @param {Hole} hole @param {string} zone */
function holeWords(hole, zone) {
  const times = `${timeText(hole.from, zone, "second")}–${
    hole.isOpen ? "now" : timeText(hole.to, zone, "second")
  }`;
  const detail = hole.detail ? ` (${hole.detail})` : "";
  return `${hole.channel.replaceAll("_", " ")} missing ${times}: ${hole.cause}${detail}`;
}
