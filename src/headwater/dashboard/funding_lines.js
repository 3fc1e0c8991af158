/** @file Funding: past settlements, what is expected of the next one, and when. */

import { address, getJson } from "./api.js";
import { offers } from "./capabilities.js";
import { annualised, eightHourly, percent, scalePercent, untilText } from "./funding.js";
import { timeText } from "./format.js";
import { worldOf } from "./line_view.js";
import { zone } from "./preferences.js";
import { ReadingsFeed } from "./readings_feed.js";
import { nowMs } from "./ticks.js";

/** Settlements of one question. */
const PAGE = 500;

/** @typedef {import("./line_series.js").Reading} Reading */

/** A settlement, past or to come. @param {any} row @param {number} time
 * @returns {Reading & {nextTime: number, heardMs: number}} rate, hours of the interval
 */
const readingOf = (row, time) => ({
  time,
  values: [row.funding_rate, row.interval_h],
  nextTime: Date.parse(row.funding_time) / 1000,
  heardMs: performance.now(),
});

/** @param {import("./panel.js").PanelContext} context @returns {(one: Reading) => number | null} */
function rateOf(context) {
  const unit = context.setting("rate");
  if (unit === "8h") return ({ values: [rate, hours] }) => eightHourly(rate, hours);
  if (unit === "year") return ({ values: [rate, hours] }) => annualised(rate, hours);
  return ({ values: [rate] }) => rate;
}

/** @type {import("./line_view.js").LineKind} */
export const FUNDING_LINES = {
  noun: "Funding",
  channels: ["mark_prices"],
  staleAfterMs: 35_000,
  feed(market, context, changed) {
    const { exchange, symbol } = market;
    return new ReadingsFeed(
      {
        now: async (aborted) => {
          const row = await getJson(address([exchange, "funding", symbol]), aborted);
          return readingOf(row, Date.parse(row.timestamp) / 1000);
        },
        past: async (before, aborted) => {
          if (!(await offers(exchange, "funding_history"))) return [];
          const end = before === undefined ? undefined : before * 1000 - 1;
          const query = { limit: PAGE, end_time: end };
          const rows = await getJson(address([exchange, "funding-hist", symbol], query), aborted);
          return rows.map((/** @type {any} */ row) =>
            readingOf(row, Date.parse(row.funding_time) / 1000),
          );
        },
      },
      worldOf(context),
      changed,
    );
  },
  lines: (context) => [
    {
      label: context.setting("rate"),
      colour: "accent",
      side: "right",
      isStepped: true,
      value: rateOf(context),
    },
  ],
  texts: () => ({ right: scalePercent }),
  readout(reading, _context, isNewest) {
    const [rate, hours] = reading.values;
    /** @type {[string, string][]} */
    const parts = [
      ["8 h", percent(eightHourly(rate, hours), 4)],
      ["a year", percent(annualised(rate, hours), 2)],
      ["told", `${percent(rate, 4)} every ${hours ?? "?"} h`],
    ];
    const { nextTime, heardMs } = /** @type {ReturnType<typeof readingOf>} */ (reading);
    if (isNewest && nextTime > reading.time) {
      const now = reading.time + Math.max(0, nowMs.value - heardMs) / 1000;
      const at = timeText(nextTime, zone.value, "minute");
      parts.push(["next", `${at} (${untilText(nextTime - now)})`]);
    }
    return parts;
  },
  columns: ["funding rate (fraction per interval)", "interval (h)", "for 8 h", "for a year"],
  cells: ({ values: [rate, hours] }) =>
    [rate, hours, eightHourly(rate, hours), annualised(rate, hours)].map((value) => value ?? ""),
};
