/** @file What a model's maps were worth so far, as `/liquidations/skill` tells it. */

import { signal } from "@preact/signals";
import { address, getJson } from "./api.js";

/** A table changes once an hour and takes the platform seconds: it is asked for so seldom. */
const FRESH_MS = 600_000;
const FAILED_MS = 15_000;
/** Tables that are kept. */
const KEPT_MAX = 24;

export const HORIZONS = ["1h", "4h", "24h"];

/**
 * @typedef {object} Skill
 * @property {"loading" | "ready" | "failed"} phase
 * @property {string} text what failed, for people
 * @property {any} answer of the API; null before it came
 * @property {number} askedMs by `performance.now`
 */

/** @typedef {import("@preact/signals").Signal<Skill>} SkillSignal */

/** @type {Map<string, SkillSignal>} */
const kept = new Map();

/**
 * @param {SkillSignal} found
 * @param {string} symbol @param {string} model @param {string} horizon
 */
async function load(found, symbol, model, horizon) {
  found.value = { ...found.peek(), phase: "loading", askedMs: performance.now() };
  try {
    const answer = await getJson(address(["liquidations", "skill"], { symbol, model, horizon }));
    found.value = { ...found.peek(), phase: "ready", text: "", answer };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    found.value = { ...found.peek(), phase: "failed", text };
  }
}

/**
 * The scores of a model and of the baselines, asked for when they are not known or old.
 * @param {string} symbol @param {string} model @param {string} horizon one of `HORIZONS`
 * @returns {SkillSignal}
 */
export function skillOf(symbol, model, horizon) {
  const key = [symbol, model, horizon].join(" ");
  let found = kept.get(key);
  if (found === undefined) {
    found = signal(
      /** @type {Skill} */ ({ phase: "loading", text: "", answer: null, askedMs: -Infinity }),
    );
    kept.set(key, found);
    if (kept.size > KEPT_MAX) kept.delete([...kept.keys()][0]);
  }
  const { phase, askedMs } = found.peek();
  const age = performance.now() - askedMs;
  if (age > (phase === "failed" ? FAILED_MS : FRESH_MS)) {
    const asked = found;
    queueMicrotask(() => void load(asked, symbol, model, horizon));
  }
  return found;
}
