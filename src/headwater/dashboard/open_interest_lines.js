/** @file Open interest: the venue's past readings, and the one of now. */

import { address, getJson } from "./api.js";
import { offers } from "./capabilities.js";
import { compact } from "./format.js";
import { worldOf } from "./line_view.js";
import { ReadingsFeed } from "./readings_feed.js";

/** Readings of one question. */
const PAGE = 500;
/**
 * Periods that every venue has, by the time frame that is looked at, where they differ.
 * @type {Readonly<Record<string, string>>}
 */
const PERIODS = { "1m": "5m", "3m": "5m", "1w": "1d" };

/** @typedef {import("./line_series.js").Reading} Reading */

/** A row of the API. @param {any} row @returns {Reading} coins, USD */
const readingOf = (row) => ({
  time: Date.parse(row.timestamp) / 1000,
  values: [row.open_interest, row.open_interest_value],
});

/** @param {import("./panel.js").PanelContext} context */
const valueAt = (context) => (context.setting("unit") === "usd" ? 1 : 0);

/** @type {import("./line_view.js").LineKind} */
export const OPEN_INTEREST_LINES = {
  noun: "Open interest",
  channels: ["open_interest"],
  staleAfterMs: 35_000,
  feed(market, context, changed) {
    const { exchange, symbol, interval } = market;
    const period = PERIODS[interval] ?? interval;
    return new ReadingsFeed(
      {
        now: async (aborted) =>
          readingOf(await getJson(address([exchange, "oi", symbol]), aborted)),
        past: async (before, aborted) => {
          if (!(await offers(exchange, "open_interest_history"))) return [];
          const end = before === undefined ? undefined : before * 1000 - 1;
          const query = { period, limit: PAGE, end_time: end };
          const rows = await getJson(address([exchange, "oi-hist", symbol], query), aborted);
          return rows.map(readingOf);
        },
      },
      worldOf(context),
      changed,
    );
  },
  lines: (context) => {
    const at = valueAt(context);
    return [
      {
        label: at === 0 ? "coins" : "USD",
        colour: "accent",
        side: "right",
        value: (reading) => reading.values[at],
      },
    ];
  },
  texts: () => ({ right: compact }),
  readout({ values: [coins, usd] }) {
    /** @type {[string, string][]} */
    const parts = [["OI", coins === null ? "?" : compact(coins)]];
    if (usd !== null) parts.push(["", `${compact(usd)} $`]);
    return parts;
  },
  columns: ["open interest (base units)", "open interest (USD)"],
  cells: ({ values }) => values.map((value) => value ?? ""),
};
