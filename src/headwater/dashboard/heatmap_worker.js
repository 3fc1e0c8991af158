/**
 * @file Asks for blocks of heat maps beside the page, so that megabytes of JSON are read without
 * holding up a frame. Told `{id, url, span}` or `{id, abort}`, it answers `{id, block}` or
 * `{id, problem, status}`.
 */

import { blockOf } from "./heatmap_block.js";

/** A model's map of a long span takes a busy machine its time. */
const TIMEOUT_MS = 60_000;

/** @type {Map<number, AbortController>} */
const asked = new Map();

/** @param {{id: number, url: string, span: import("./heatmap_block.js").Span}} question */
async function answer({ id, url, span }) {
  const aborting = new AbortController();
  asked.set(id, aborting);
  try {
    const signal = AbortSignal.any([aborting.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const reply = await fetch(url, { signal, headers: { accept: "application/json" } });
    const body = await reply.json().catch(() => null);
    if (!reply.ok || body === null) {
      const problem = typeof body?.detail === "string" ? body.detail : `HTTP ${reply.status}`;
      self.postMessage({ id, problem, status: reply.status });
      return;
    }
    const block = blockOf(body, span, reply.headers.get("x-data-incomplete") ?? "");
    self.postMessage({ id, block }, { transfer: [block.long.buffer, block.short.buffer] });
  } catch {
    if (!aborting.signal.aborted) {
      self.postMessage({ id, problem: "the platform does not answer", status: 0 });
    }
  } finally {
    asked.delete(id);
  }
}

self.onmessage = (event) => {
  if (event.data.abort) asked.get(event.data.id)?.abort();
  else void answer(event.data);
};
