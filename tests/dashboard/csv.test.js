/** @file CSV as RFC 4180 has it, and no formula for a spreadsheet to run. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { csvOf, fileName } from "../../src/headwater/dashboard/csv.js";
import {
  ageText,
  decimalsOf,
  fixed,
  isoText,
  timeText,
} from "../../src/headwater/dashboard/format.js";

test("cells are quoted where they must be, numbers are as the API writes them", () => {
  const rows = [
    ["a,b", 1.5],
    ['say "x"', -0.00001],
    ["two\nlines", 67383.4],
  ];
  assert.equal(
    csvOf({ caption: "", columns: ["text", "number"], rows }),
    'text,number\r\n"a,b",1.5\r\n"say ""x""",-0.00001\r\n"two\nlines",67383.4\r\n',
  );
});

test("a text that begins like a formula is text", () => {
  const rows = [["=1+1"], ["@x"], ["+1"], ["-1"], ["\tx"]];
  const lines = csvOf({ caption: "", columns: ["name"], rows })
    .split("\r\n")
    .slice(1, 6);
  assert.deepEqual(lines, ["'=1+1", "'@x", "'+1", "'-1", "'\tx"]);
});

test("names of files are plain", () => {
  assert.equal(fileName("BTCUSDT 1m · ../binance", "csv"), "BTCUSDT-1m-..-binance.csv");
});

test("numbers, ages and times as a screen shows them", () => {
  assert.equal(fixed(67383.4, 2), "67,383.40");
  assert.equal(decimalsOf([67383.4, 1, 0.25]), 2);
  assert.equal(decimalsOf([1e-7]), 8);
  assert.deepEqual([900, 11_999, 150_000, 7_200_000].map(ageText), [
    "0.9 s",
    "11 s",
    "2 min",
    "2 h",
  ]);
  assert.equal(timeText(1_731_000_000, "UTC", "minute"), "17:20");
  assert.equal(isoText(1_731_000_000), "2024-11-07T17:20:00.000Z");
});
