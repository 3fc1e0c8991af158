/** @file Amounts as people write them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { amountOf, isAmount, isVenue } from "../../src/headwater/dashboard/tool_strip.js";

test("amounts are read with k, m and commas, and written in digits", () => {
  const written = {
    "50k": "50000",
    "1.5m": "1500000",
    "2,500": "2500",
    " 0 ": "0",
    "1e3": undefined,
  };
  for (const [text, amount] of Object.entries(written)) assert.equal(amountOf(text), amount, text);
  for (const text of [
    "",
    "-1",
    "abc",
    "1 2",
    "NaN",
    "Infinity",
    "9999999999999",
    "900000000000m",
  ]) {
    assert.equal(amountOf(text), undefined, text);
  }
});

test("a layout may bring amounts in digits and ids of venues, nothing else", () => {
  assert.ok(isAmount("2500") && isAmount("0.5"));
  for (const text of ["50k", "1,000", "<b>", "", "01"]) assert.ok(!isAmount(text), text);
  assert.ok(isVenue("hyperliquid"));
  for (const text of ["", "Bybit", "a/b", "<b>", "a".repeat(33)]) assert.ok(!isVenue(text), text);
});
