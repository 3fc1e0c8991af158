/** @file Funding rates made comparable, and the time until the next settlement. */

const YEAR_HOURS = 24 * 365;

/**
 * A rate of an interval as one of eight hours: rate × 8 h ÷ interval.
 * @param {number | null} rate a fraction @param {number | null} hours of its interval
 */
export const eightHourly = (rate, hours) => (rate === null || !hours ? null : (rate * 8) / hours);

/**
 * A rate of an interval as one of a year of 365 days, without compounding.
 * @param {number | null} rate a fraction @param {number | null} hours of its interval
 */
export const annualised = (rate, hours) =>
  rate === null || !hours ? null : (rate * YEAR_HOURS) / hours;

/** A fraction as percents. @param {number | null} fraction @param {number} decimals */
export const percent = (fraction, decimals) =>
  fraction === null ? "?" : `${(fraction * 100).toFixed(decimals).replace("-", "−")} %`;

/** Decimals of a percentage on a scale: at least, at most. */
const SCALE_DECIMALS = [2, 8];

/**
 * A fraction as percents, for a scale: with as many decimals as tell its marks apart.
 * @param {number} fraction @param {number} step from one mark to the next, a fraction
 */
export function scalePercent(fraction, step) {
  let [decimals, most] = SCALE_DECIMALS;
  const isTold = () => Math.abs(step * 100 - Number((step * 100).toFixed(decimals))) < step / 100;
  while (step > 0 && decimals < most && !isTold()) decimals += 1;
  return percent(fraction, decimals);
}

/** How long until a time: `3 h 12 min`. @param {number} seconds */
export function untilText(seconds) {
  if (seconds <= 0) return "now";
  const minutes = Math.ceil(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `in ${hours} h ${minutes % 60} min` : `in ${minutes} min`;
}
