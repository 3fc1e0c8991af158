// Prints one screen of a market: candles, the best of the book, trades, liquidations.
//
//   node examples/terminal_client.mjs http://127.0.0.1:8000 BTCUSDT
//
// Node 22, or Node 20 with --experimental-websocket. Everything that is printed came as text from
// the platform; nothing is computed here.
import { Headwater, ProblemError, Refused } from "../clients/javascript/headwater.js";

const [, , address = "http://127.0.0.1:8000", symbol = "BTCUSDT"] = process.argv;
const api = new Headwater(address);
const ROWS = 5;

async function candles() {
  const stream = api.watchCandles(symbol, { timeframe: "1m", containerWidth: 300 });
  for await (const message of stream) {
    if (message.type === "historical_candles") {
      console.log(`candles ${message.count} of ${message.timeframe}`);
    } else if (message.type === "candle_update") {
      console.log(`candle ${message.closeFormatted} volume ${message.volumeFormatted}`);
      return stream.close(); // what has come in the meantime is not looked at
    }
  }
}

async function book() {
  const stream = api.watchOrderbook(symbol, { limit: ROWS });
  let isCoarse = false;
  for await (const message of stream) {
    if (message.type === "params_updated") isCoarse = true;
    if (message.type !== "orderbook_update" || message.bids.length === 0) continue;
    console.log(`book rounded to ${message.rounding}`);
    for (const level of message.bids) {
      console.log(`bid ${level.priceFormatted} ${level.cumulativeFormatted}`);
    }
    if (isCoarse) return stream.close();
    stream.updateParams({ rounding: message.roundingOptions.at(-1) });
  }
}

async function trades() {
  const stream = api.watchTrades(symbol, { limit: ROWS });
  for await (const message of stream) {
    if (message.type !== "trades_update") continue;
    for (const one of message.trades) {
      console.log(`trade ${one.timeFormatted} ${one.side} ${one.priceFormatted}`);
    }
    return stream.close();
  }
}

async function liquidations() {
  const stream = api.watchLiquidations(symbol);
  for await (const message of stream) {
    if (message.type !== "liquidations") continue;
    console.log(`liquidations ${message.data.length}`);
    for (const one of message.data.slice(0, ROWS)) {
      console.log(`liquidation ${one.displayTime} ${one.side} ${one.priceUsdtFormatted}`);
    }
    return stream.close();
  }
}

try {
  for (const show of [candles, book, trades, liquidations]) await show();
} catch (error) {
  if (!(error instanceof ProblemError || error instanceof Refused)) throw error;
  console.error(`refused: ${error.message}`);
  process.exitCode = 1;
}
