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
