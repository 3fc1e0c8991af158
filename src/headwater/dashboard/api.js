/** @file Questions to the platform's own REST API, by addresses relative to the page. */

import { Hopping } from "./hopping.js";

/** An answer takes at most this long before it counts as none. */
const TIMEOUT_MS = 15_000;

/** The platform's root: the page lies one folder below it, whatever prefix a proxy adds. */
const ROOT = new URL("../", document.baseURI);

const hopping = new Hopping(() => performance.now());

/** An answer that is no success, or none at all; `message` is for people. */
export class ApiError extends Error {
  /**
   * @param {string} message what went wrong
   * @param {number} status HTTP status, 0 when there was no answer
   */
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/**
 * The address of a path of the API.
 * @param {readonly string[]} segments parts of the path, in plain spelling
 * @param {Readonly<Record<string, string | number | undefined>>} [query] without the undefined
 * @returns {URL}
 */
export function address(segments, query = {}) {
  const url = new URL(segments.map(encodeURIComponent).join("/"), ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** The address of the socket that carries many topics. */
export function socketAddress() {
  const url = address(["ws"]);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * Asks for JSON; after questions that were given up, a moment later (`hopping.js`).
 * @param {URL} url from `address`
 * @param {AbortSignal} [aborted] ends the question early
 * @returns {Promise<any>} the decoded body
 * @throws {ApiError} no success, no answer in time, or not JSON
 */
export async function getJson(url, aborted) {
  if (aborted) await hopping.stayed(aborted);
  const late = AbortSignal.timeout(TIMEOUT_MS);
  const signal = aborted ? AbortSignal.any([aborted, late]) : late;
  let reply;
  try {
    reply = await fetch(url, { signal, headers: { accept: "application/json" } });
  } catch (error) {
    if (aborted?.aborted) {
      hopping.gaveUp();
      throw error;
    }
    throw new ApiError(late.aborted ? "no answer in time" : "the platform does not answer", 0);
  }
  const body = await reply.json().catch(() => null);
  if (reply.ok && body !== null) return body;
  const detail = typeof body?.detail === "string" ? body.detail : `HTTP ${reply.status}`;
  throw new ApiError(detail, reply.status);
}
