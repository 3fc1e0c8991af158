/** @file Numbers and times as text for a screen. */

/** @type {Map<number, Intl.NumberFormat>} by decimals, 0 to 8 */
const fixedFormats = new Map();
const compactFormat = new Intl.NumberFormat("en", {
  notation: "compact",
  maximumSignificantDigits: 4,
});

/**
 * A number with a fixed count of decimals and thousands marked.
 * @param {number} value
 * @param {number} decimals 0 to 8
 */
export function fixed(value, decimals) {
  let format = fixedFormats.get(decimals);
  if (format === undefined) {
    format = new Intl.NumberFormat("en", {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    fixedFormats.set(decimals, format);
  }
  return format.format(value);
}

/** A number in four digits with K, M, B. @param {number} value */
export const compact = (value) => compactFormat.format(value);

/** A sum of money in a few digits: whole below a million, else in M and B. @param {number} value */
export function usdText(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${fixed(value / 1e9, 2)}B`;
  return size >= 1e6 ? `${fixed(value / 1e6, 2)}M` : fixed(value, 0);
}

/** How long ago, for people. @param {number} ms */
export function ageText(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

/** Decimals that the numbers are written with, at most 8. @param {Iterable<number>} values */
export function decimalsOf(values) {
  let most = 0;
  for (const value of values) {
    const text = String(value);
    const small = text.indexOf("e-");
    if (small >= 0) most = 8;
    const dot = text.indexOf(".");
    if (dot >= 0) most = Math.max(most, text.length - dot - 1);
  }
  return Math.min(most, 8);
}

/** @type {Map<string, Intl.DateTimeFormat>} by zone and parts */
const timeFormats = new Map();

/** @type {Readonly<Record<string, Intl.DateTimeFormatOptions>>} */
const PARTS = {
  year: { year: "numeric" },
  month: { month: "short" },
  day: { day: "numeric", month: "short" },
  minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  second: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  full: {
    year: "numeric",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  },
};

/**
 * A time as text.
 * @param {number} seconds since 1970
 * @param {string} zone `UTC`, `local`, or an IANA name
 * @param {string} parts a key of `PARTS`
 */
export function timeText(seconds, zone, parts) {
  const key = `${zone} ${parts}`;
  let format = timeFormats.get(key);
  if (format === undefined) {
    const timeZone = zone === "local" ? undefined : zone;
    format = new Intl.DateTimeFormat("en-GB", { ...PARTS[parts], timeZone });
    timeFormats.set(key, format);
  }
  return format.format(seconds * 1000);
}

/** A time in full, UTC, as the API writes it. @param {number} seconds since 1970 */
export const isoText = (seconds) => new Date(Math.round(seconds * 1000)).toISOString();
