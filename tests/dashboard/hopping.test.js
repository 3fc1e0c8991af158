/** @file Hopping through markets costs no question for each of them. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { HOPPING_MS, Hopping, STAY_MS } from "../../src/headwater/dashboard/hopping.js";

/** Lets what waits for nothing but its turn go on. */
const turn = () => new Promise((go) => setImmediate(go));

test("of ten markets in a second only the first and the last are asked for", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  let nowMs = 0;
  const hopping = new Hopping(() => nowMs);
  const asked = [];
  /** As `getJson` does it; no answer comes. */
  async function ask(market, aborted) {
    await hopping.stayed(aborted);
    asked.push(market);
    aborted.addEventListener("abort", () => hopping.gaveUp());
  }
  let looked = new AbortController();
  for (let market = 0; market < 10; market += 1) {
    looked.abort();
    looked = new AbortController();
    ask(market, looked.signal).catch(() => undefined);
    await turn();
    nowMs += 100;
    mock.timers.tick(100);
  }
  assert.deepEqual(asked, [0]);
  mock.timers.tick(STAY_MS);
  await turn();
  assert.deepEqual(asked, [0, 9]);
});

test("who stayed asks at once again", async () => {
  let nowMs = 0;
  const hopping = new Hopping(() => nowMs);
  hopping.gaveUp();
  nowMs = HOPPING_MS;
  let isAsked = false;
  void hopping.stayed(new AbortController().signal).then(() => (isAsked = true));
  await turn();
  assert.ok(isAsked);
});

test("a question given up before it began is not asked", async () => {
  const hopping = new Hopping(() => 0);
  hopping.gaveUp();
  await assert.rejects(hopping.stayed(AbortSignal.abort()), { name: "AbortError" });
});
