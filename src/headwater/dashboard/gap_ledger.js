/** @file The holes of the market that is looked at, asked for while a chart wants to mark them. */

import { effect, signal, untracked } from "@preact/signals";
import { address, getJson } from "./api.js";
import { holesOf } from "./gaps.js";
import { whenSeen } from "./hidden_tab.js";
import { exchange, symbol } from "./view.js";

const EVERY_MS = 15_000;
/** Holes of the contract, and as many of whole streams; the newest. */
const LIMIT = 500;
/** The symbol under which holes of whole streams stand. */
const EVERY_SYMBOL = "*";

/** @typedef {import("./gaps.js").Hole} Hole */

/** Holes of the venue and symbol that are looked at, by their beginning. */
export const holes = signal(/** @type {readonly Hole[]} */ ([]));

let watchers = 0;
let end = () => {};

/** Keeps `holes` true until the returned function is called. @returns {() => void} */
export function watchHoles() {
  watchers += 1;
  if (watchers === 1) end = effect(() => follow(exchange.value, symbol.value));
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    watchers -= 1;
    if (watchers === 0) end();
  };
}

/** @param {string} venue @param {string} name */
function follow(venue, name) {
  const aborting = new AbortController();
  let cancel = () => {};
  untracked(() => {
    holes.value = [];
  });
  const ask = async () => {
    try {
      const found = await asked(venue, name, aborting.signal);
      if (!aborting.signal.aborted) holes.value = found;
    } catch {
      // What is known stays marked; that the platform does not answer is said by the panels.
    }
    if (aborting.signal.aborted) return;
    const timer = setTimeout(() => {
      cancel = whenSeen(() => void ask());
    }, EVERY_MS);
    cancel = () => clearTimeout(timer);
  };
  cancel = whenSeen(() => void ask());
  return () => {
    aborting.abort();
    cancel();
  };
}

/** @param {string} venue @param {string} name @param {AbortSignal} aborted */
async function asked(venue, name, aborted) {
  const answers = await Promise.all(
    [name, EVERY_SYMBOL].map((one) =>
      getJson(address(["gaps"], { exchange: venue, symbol: one, limit: LIMIT }), aborted),
    ),
  );
  return holesOf(answers.flat(), Date.now() / 1000);
}
