/** @file A venue in one word. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  channelRows,
  shownLatency,
  venueState,
  youngestS,
} from "../../src/headwater/dashboard/venue_state.js";

const channel = (state, age_s = 0.5, streams = 1) => ({
  channel: "trades",
  symbol: "BTCUSDT",
  interval: null,
  state,
  age_s,
  reason: "",
  streams,
});
const venue = (channels, changes = {}) => ({
  exchange: "binance",
  is_connected: true,
  healthy: true,
  reason: "",
  last_heartbeat: null,
  message_count: 0,
  error_count: 0,
  channels,
  latencies: [],
  reconnects_1h: 0,
  gaps_1h: 0,
  ...changes,
});

test("what the streams do decides the word", () => {
  const live = channel("live");
  const cases = [
    [venue([live, live]), 500, "receiving"],
    [venue([live, channel("stale")]), 500, "partly"],
    [venue([live], { healthy: false }), 500, "partly"],
    [venue([channel("stale"), channel("resyncing")]), 500, "stale"],
    [venue([live]), 6_001, "stale"],
    [venue([live]), null, "stale"],
    [venue([live], { is_connected: false }), 500, "down"],
    [venue([]), null, "receiving"],
  ];
  for (const [one, ageMs, word] of cases) assert.equal(venueState(one, ageMs), word);
});

test("streams that are told together count as many", () => {
  assert.equal(venueState(venue([channel("live", 1, 0), channel("stale", 1, 9)]), 500), "stale");
});

test("the age is that of the newest data", () => {
  assert.equal(
    youngestS(venue([channel("live", 3), channel("live", 0.2), channel("down", null)])),
    0.2,
  );
  assert.equal(youngestS(venue([])), null);
});

test("a liquidation that comes does not make a mute venue speak", () => {
  const forced = { ...channel("live", 0.1), channel: "liquidations" };
  const mute = venue([forced, channel("stale", 9)]);
  assert.equal(youngestS(mute), 9);
  assert.equal(venueState(mute, 9_000), "stale");
  assert.equal(venueState(venue([forced, channel("live", 0.5)]), 500), "receiving");
  assert.equal(venueState(venue([{ ...forced, state: "stale" }, channel("live")]), 500), "partly");
  assert.equal(youngestS(venue([forced])), 0.1);
});

test("each channel is one row with its own state, age and latency", () => {
  const latency = { channel: "trades", p50_ms: 12.3, p95_ms: 45.6, readings: 200 };
  const quiet = { ...channel("live", 300), channel: "liquidations" };
  const silent = { ...channel("live", null), channel: "tickers" };
  const books = [
    { ...channel("live", 1), channel: "book" },
    { ...channel("resyncing", 2, 3), channel: "book", reason: "a gap" },
  ];
  const all = [channel("live", 0.5), channel("live", 4), quiet, silent, ...books];
  const rows = channelRows(venue(all, { latencies: [latency] }), 250);
  assert.deepEqual(
    rows.map((one) => [one.channel, one.state, one.live, one.streams, one.ageMs, one.reason]),
    [
      ["trades", "receiving", 2, 2, 750, ""],
      ["liquidations", "connected", 1, 1, 300_250, ""],
      ["tickers", "connected", 1, 1, null, ""],
      ["book", "partly", 1, 4, 1_250, "a gap"],
    ],
  );
  assert.deepEqual([rows[0].latency, rows[1].latency], [latency, undefined]);
  assert.equal(channelRows(venue([channel("stale")]), 0)[0].state, "stale");
});

test("a venue is shown by the latency of its trades", () => {
  const of = (channel) => ({ channel, p50_ms: 1, p95_ms: 2, readings: 3 });
  assert.equal(shownLatency(venue([])), undefined);
  assert.deepEqual(shownLatency(venue([], { latencies: [of("book")] })), of("book"));
  const both = venue([], { latencies: [of("book"), of("trades")] });
  assert.deepEqual(shownLatency(both), of("trades"));
});
