// Rules of alerts: what they let through, what a preview counts, what the browser may remember.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  NOTICE_EVERY_MS,
  NoticeGate,
  RULES_MAX,
  lets,
  marketsOf,
  previewOf,
  readRules,
  spikeText,
} from "../../src/headwater/dashboard/alert_rules.js";

const spike = (options = {}) => ({
  exchange: "binance",
  symbol: "BTCUSDT",
  timeframe: "5m",
  timestamp: "2024-11-07T16:20:00.000Z",
  threshold: 3,
  z_oi: -4.5,
  z_vol: 3.2,
  confirmed: true,
  open_interest_value: 9e8,
  quote_volume: 1e6,
  ...options,
});

const rule = (options = {}) => ({
  id: "one",
  name: "one",
  exchange: "",
  symbol: "",
  timeframe: "",
  metric: "either",
  threshold: 3,
  confirmed: false,
  isOn: true,
  ...options,
});

test("a rule lets through what has its market, its score and its confirmation", () => {
  assert.ok(lets(rule(), spike()));
  for (const other of [{ exchange: "okx" }, { symbol: "ETHUSDT" }, { timeframe: "1h" }]) {
    assert.ok(!lets(rule(other), spike()));
    assert.ok(lets(rule(other), spike(other)));
  }
  assert.ok(!lets(rule({ confirmed: true }), spike({ confirmed: false })));
  const metrics = (threshold) =>
    ["either", "oi", "volume", "both"].filter((metric) =>
      lets(rule({ metric, threshold }), spike()),
    );
  assert.deepEqual(metrics(3.2), ["either", "oi", "volume", "both"]);
  assert.deepEqual(metrics(3.21), ["either", "oi"]);
  assert.deepEqual(metrics(4.51), []);
  assert.ok(!lets(rule({ metric: "oi" }), spike({ z_oi: null })));
  assert.ok(lets(rule({ metric: "volume" }), spike({ z_oi: null })));
});

test("a preview counts what the rule lets through, in a day and in a week", () => {
  const answers = [
    {
      end: "2024-11-07T17:20:00.000Z",
      bars: 2016,
      bars_tested: 2000,
      spikes: [
        spike({ timestamp: "2024-11-01T00:00:00.000Z" }),
        // Exactly a day before the end: not in the last 24 hours any more.
        spike({ timestamp: "2024-11-06T17:20:00.000Z" }),
        spike({ timestamp: "2024-11-06T17:25:00.000Z" }),
        spike({ timestamp: "2024-11-07T17:20:00.000Z" }),
        spike({ timestamp: "2024-11-07T17:00:00.000Z", z_oi: 1, z_vol: 1 }),
      ],
    },
    { end: "2024-11-07T17:20:00.000Z", bars: 168, bars_tested: 168, spikes: [] },
  ];
  assert.deepEqual(previewOf(rule(), answers), { day: 2, week: 4, tested: 2168, due: 2184 });
});

test("a rule for any venue stands for all that are watched", () => {
  const watched = {
    exchanges: ["binance", "okx"],
    symbols: ["BTCUSDT", "ETHUSDT"],
    timeframes: ["5m", "1h"],
  };
  assert.equal(marketsOf(rule(), watched).length, 8);
  const one = rule({ exchange: "okx", symbol: "ETHUSDT", timeframe: "1h" });
  assert.deepEqual(marketsOf(one, watched), [
    { exchange: "okx", symbol: "ETHUSDT", timeframe: "1h" },
  ]);
});

test("what the browser remembers is read with care", () => {
  assert.deepEqual(readRules("nonsense"), []);
  assert.deepEqual(readRules([null, 1, { threshold: "x" }, { threshold: -1 }]), []);
  const [read] = readRules([{ id: "a", name: "<b>", metric: "constructor", threshold: 2.5 }]);
  assert.deepEqual(read, rule({ id: "a", name: "<b>", threshold: 2.5 }));
  assert.deepEqual(readRules([read]), [read]);
  assert.equal(readRules([read, read]).length, 1, "ids are unlike each other");
  const many = Array.from({ length: 80 }, (_, at) => rule({ id: `r${at}` }));
  assert.equal(readRules(many).length, RULES_MAX);
});

test("one notice of a rule a minute, whatever comes", () => {
  const gate = new NoticeGate();
  let passed = 0;
  for (let ms = 0; ms < 10 * NOTICE_EVERY_MS; ms += 500) passed += Number(gate.passes("a", ms));
  assert.equal(passed, 10);
  assert.ok(gate.passes("b", 0));
});

test("a spike is one line of text", () => {
  assert.equal(spikeText(spike({ z_vol: null })), "BTCUSDT binance 5m: OI −4.50 σ, volume – σ");
});
