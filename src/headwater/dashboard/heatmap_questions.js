/** @file Questions for blocks of heat maps, asked by a worker that all panels share. */

import { ApiError, address } from "./api.js";

/** @typedef {import("./heatmap_block.js").Block} Block */

/** @type {Worker | undefined} */
let worker;
let nextId = 1;
/** @type {Map<number, (message: any) => void>} */
const waiting = new Map();

function started() {
  if (worker !== undefined) return worker;
  worker = new Worker(new URL("./heatmap_worker.js", import.meta.url), { type: "module" });
  worker.onmessage = (event) => waiting.get(event.data.id)?.(event.data);
  return worker;
}

/**
 * The address of a map.
 * @param {Readonly<Record<string, string | number | undefined>>} query
 */
export const mapAddress = (query) => address(["liquidations", "heatmap-timeseries"], query);

/**
 * Asks for a block.
 * @param {Readonly<Record<string, string | number | undefined>>} query of the API
 * @param {import("./heatmap_block.js").Span} span the same as the block is cut
 * @param {AbortSignal} aborted
 * @returns {Promise<Block>}
 * @throws {ApiError} no success
 */
export function askBlock(query, span, aborted) {
  const id = nextId++;
  return new Promise((resolve, reject) => {
    const end = () => {
      started().postMessage({ id, abort: true });
      waiting.delete(id);
      reject(new ApiError("no longer wanted", 0));
    };
    waiting.set(id, (message) => {
      waiting.delete(id);
      aborted.removeEventListener("abort", end);
      if (message.block === undefined) reject(new ApiError(message.problem, message.status));
      else resolve(message.block);
    });
    aborted.addEventListener("abort", end, { once: true });
    started().postMessage({ id, url: mapAddress(query).href, span });
  });
}
