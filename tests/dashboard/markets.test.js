/** @file The most traded contracts over all venues. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { marketLines } from "../../src/headwater/dashboard/markets.js";

const ticker = (symbol, last, volume, change = 0) => ({
  symbol,
  last,
  quote_volume_24h: volume,
  change_24h: change,
});
const mark = (symbol, rate) => ({ symbol, funding_rate: rate });
const venue = (tickers, marks, hours) => ({ tickers, marks, intervals: new Map(hours) });

test("by hand: volumes are summed, prices medians, funding a year whatever its interval", () => {
  const answers = new Map([
    [
      "binance",
      venue(
        [ticker("BTC", 100, 50, 0.01), ticker("ETH", 10, 80)],
        [mark("BTC", 0.0001)],
        [["BTC", 8]],
      ),
    ],
    ["hyperliquid", venue([ticker("BTC", 101, 60, 0.02)], [mark("BTC", 0.0001)], [["BTC", 1]])],
  ]);
  const [btc, eth] = marketLines(answers, 10);
  assert.deepEqual([btc.symbol, btc.volume, btc.last, btc.venues], ["BTC", 110, 100.5, 2]);
  assert.equal(btc.change, 0.02, "of where most is traded");
  assert.ok(Math.abs((btc.spreadBp ?? 0) - 100) < 1e-9, "101 is 100 bp above 100");
  assert.deepEqual([btc.highestAt, btc.lowestAt], ["hyperliquid", "binance"]);
  assert.ok(Math.abs((btc.highest ?? 0) - 0.876) < 1e-12, "0.0001 × 8,760");
  assert.ok(Math.abs((btc.lowest ?? 0) - 0.1095) < 1e-12, "0.0001 × 1,095");
  assert.ok(Math.abs((btc.difference ?? 0) - 0.7665) < 1e-12);
  assert.deepEqual(
    [eth.spreadBp, eth.highest, eth.difference, eth.highestAt],
    [null, null, null, ""],
  );
  assert.deepEqual(
    marketLines(answers, 1).map((one) => one.symbol),
    ["BTC"],
  );
  assert.deepEqual(marketLines(new Map(), 5), []);
});
