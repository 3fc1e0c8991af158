// Compiled, never run: what a user writes has the right types (`npm run check`).
import { Headwater, Refused } from "./headwater.js";

const api = new Headwater("http://127.0.0.1:8000");

export async function volume(): Promise<string> {
  const found = await api.liquidationVolume("BTCUSDT", "1h", { exchange: "okx" });
  // @ts-expect-error: there is no such length of time
  await api.liquidationVolume("BTCUSDT", "7h");
  return found.data.map((row) => row.totalVolumeFormatted).join(" ");
}

export async function echo(): Promise<string | undefined> {
  const stream = api.watchTest();
  stream.say("hello");
  try {
    for await (const text of stream) return text;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
  return undefined;
}

export async function book(): Promise<string | undefined> {
  const stream = api.watchOrderbook("BTCUSDT", { limit: 20, rounding: 0.5, asks: "best_first" });
  for await (const message of stream) {
    if (message.type === "error") return message.field ?? message.message;
    if (message.type !== "orderbook_update") continue;
    stream.updateParams({ limit: 50 });
    // @ts-expect-error: asks has two orders
    stream.updateParams({ asks: "any" });
    // @ts-expect-error: an update has no trades
    message.trades;
    return message.bids[0]?.cumulativeFormatted;
  }
  return undefined;
}

export async function chart(): Promise<number> {
  const stream = api.watchCandles("BTCUSDT", { timeframe: "1h", containerWidth: 800 });
  for await (const message of stream) {
    if (message.type === "historical_candles") {
      stream.loadHistory({ before: message.timeRange?.startMs ?? 0, limit: 100 });
    } else if (message.type === "candle_update") {
      return message.close;
    }
  }
  return 0;
}
