/** @file Holes of the ledger: which are marked, where, and what is said of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  holeText,
  holesIn,
  holesOf,
  holesWords,
  ofChannels,
} from "../../src/headwater/dashboard/gaps.js";

const row = (from, until, more = {}) => ({
  timestamp: new Date(from * 1000).toISOString(),
  until: until === null ? null : new Date(until * 1000).toISOString(),
  channel: "trades",
  cause: "disconnect",
  state: "unrecoverable",
  detail: "connection lost",
  ...more,
});

test("what was repaired is no hole; what is open lasts until now", () => {
  const found = holesOf(
    [row(300, null, { state: "open" }), row(100, 110, { state: "repaired" }), row(50, 60)],
    900,
  );
  assert.deepEqual(
    found.map((one) => [one.from, one.to, one.isOpen]),
    [
      [50, 60, false],
      [300, 900, true],
    ],
  );
});

test("a clock behind the venue's makes no hole that ends before it begins", () => {
  assert.equal(holesOf([row(300, null, { state: "open" })], 200)[0].to, 300);
});

test("a hole touches each candle of which a part lies in it, and no other", () => {
  const holes = holesOf([row(65, 125)], 900);
  const touched = [0, 60, 120, 180].map((time) => holesIn(holes, time, time + 60).length);
  assert.deepEqual(touched, [0, 1, 1, 0]);
  assert.equal(ofChannels(holes, ["candles"]).length, 0);
});

test("the table says what is missing and why, each once", () => {
  const holes = holesOf(
    [row(1, 2), row(3, 4), row(5, 6, { channel: "mark_prices", cause: "downtime" })],
    9,
  );
  assert.equal(holeText(holes), "trades: no connection; mark prices: the platform did not run");
  assert.equal(holeText([]), "");
});

test("the read-out has times, cause and detail, and an unknown cause as it is", () => {
  const holes = holesOf([row(60, 125, { cause: "<b>new</b>", detail: "x".repeat(500) })], 900);
  const [words] = holesWords(holes, "UTC");
  assert.ok(words.startsWith("trades missing 00:01:00–00:02:05: <b>new</b> (xxx"));
  assert.ok(words.length < 240);
});

test("of many holes at a time the longest are told, and how many more there are", () => {
  const holes = holesOf(
    Array.from({ length: 60 }, (_, index) => row(index, 2 * index)),
    900,
  );
  const words = holesWords(holes, "UTC");
  assert.equal(words.length, 4);
  assert.match(words[0], /^trades missing 00:00:59–00:01:58/);
  assert.equal(words[3], "and 57 more");
});
