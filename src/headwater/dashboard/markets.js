/**
 * @file The most traded contracts, each over all venues: pure, from the answers of the API.
 */

import { deviationBp, median, yearly } from "./overview.js";

/**
 * @typedef {object} VenueAnswers what one venue answered
 * @property {readonly any[]} tickers @property {readonly any[]} marks
 * @property {ReadonlyMap<string, number | null>} intervals hours between settlements, by symbol
 *
 * @typedef {object} MarketLine one contract
 * @property {string} symbol
 * @property {number} venues how many trade it
 * @property {number | null} last median of the venues' last prices
 * @property {number | null} spreadBp of the dearest venue over the cheapest
 * @property {number | null} change in 24 hours where most is traded, a fraction
 * @property {number} volume in 24 hours over all venues, quote currency
 * @property {number | null} highest funding over a year, a fraction
 * @property {string} highestAt the venue that has it
 * @property {number | null} lowest @property {string} lowestAt
 * @property {number | null} difference between the two
 */

/** @param {ReadonlyMap<string, VenueAnswers>} answers by venue
 * @returns {Map<string, {exchange: string, ticker: any, rate: number | null}[]>} by symbol
 */
function bySymbol(answers) {
  /** @type {Map<string, {exchange: string, ticker: any, rate: number | null}[]>} */
  const found = new Map();
  for (const [exchange, { tickers, marks, intervals }] of answers) {
    const rates = new Map(marks.map((one) => [one.symbol, one.funding_rate]));
    for (const ticker of tickers) {
      const { symbol } = ticker;
      const rate = yearly(rates.get(symbol) ?? null, intervals.get(symbol) ?? null);
      const list = found.get(symbol) ?? [];
      list.push({ exchange, ticker, rate });
      found.set(symbol, list);
    }
  }
  return found;
}

/** @param {string} symbol @param {{exchange: string, ticker: any, rate: number | null}[]} list
 * @returns {MarketLine}
 */
function lineOf(symbol, list) {
  /** @param {any} ticker */
  const traded = (ticker) => ticker.quote_volume_24h ?? 0;
  const prices = list.flatMap(({ ticker }) => ticker.last ?? []);
  const most = list.reduce((a, b) => (traded(b.ticker) > traded(a.ticker) ? b : a));
  const rated = list.flatMap(({ exchange, rate }) => (rate === null ? [] : [{ exchange, rate }]));
  rated.sort((a, b) => b.rate - a.rate);
  const [high, low] = [rated[0], rated.at(-1)];
  const isSpread = prices.length > 1;
  return {
    symbol,
    venues: list.length,
    last: median(prices),
    spreadBp: isSpread ? deviationBp(Math.max(...prices), Math.min(...prices)) : null,
    change: most.ticker.change_24h ?? null,
    volume: list.reduce((sum, { ticker }) => sum + traded(ticker), 0),
    highest: high?.rate ?? null,
    highestAt: high?.exchange ?? "",
    lowest: low?.rate ?? null,
    lowestAt: low?.exchange ?? "",
    difference: rated.length > 1 ? high.rate - (low?.rate ?? 0) : null,
  };
}

/**
 * The contracts with the greatest volume over all venues, that one first.
 * @param {ReadonlyMap<string, VenueAnswers>} answers by venue
 * @param {number} count most of them
 * @returns {MarketLine[]}
 */
export function marketLines(answers, count) {
  const lines = [...bySymbol(answers)].map(([symbol, list]) => lineOf(symbol, list));
  return lines.sort((a, b) => b.volume - a.volume).slice(0, count);
}
