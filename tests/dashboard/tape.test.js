/** @file What stands on the tape: order, bounds, holding still, sums, sounds, topics. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  EVENTS_MAX,
  Tape,
  eventOf,
  keyOf,
  sumsOf,
  tierOf,
} from "../../src/headwater/dashboard/tape.js";
import { TapeFeed, topicsOf } from "../../src/headwater/dashboard/tape_feed.js";
import { TapeSound } from "../../src/headwater/dashboard/tape_sound.js";

const T0 = Date.parse("2024-11-07T17:20:00.000Z");

/** A trade of the API. */
const trade = (number, more = {}) => ({
  type: "large_trade",
  exchange: "binance",
  symbol: "BTCUSDT",
  timestamp: new Date(T0 + number).toISOString(),
  side: number % 2 ? "buy" : "sell",
  price: 100 + number / 10,
  quantity: 2,
  value: 200,
  trade_id: String(number),
  ...more,
});

const forced = (number, more = {}) => ({
  ...trade(number),
  position_side: "long",
  side: "sell",
  price_kind: "average",
  order_id: null,
  trade_id: undefined,
  is_floor: true,
  ...more,
});

const event = (number, more) => eventOf(trade(number, more));

test("an event has the API's own numbers, whatever kind it is", () => {
  assert.deepEqual(eventOf(trade(1)), {
    kind: "trade",
    timeMs: T0 + 1,
    timestamp: "2024-11-07T17:20:00.001Z",
    exchange: "binance",
    symbol: "BTCUSDT",
    side: "buy",
    position: "",
    price: 100.1,
    quantity: 2,
    value: 200,
    id: "1",
    priceKind: "",
    isFloor: false,
  });
  const one = eventOf(forced(2));
  assert.deepEqual(
    [one.kind, one.position, one.id, one.isFloor],
    ["liquidation", "long", "", true],
  );
});

test("two thousand events between two frames cost the newest five hundred", () => {
  const tape = new Tape();
  for (let number = 0; number < 2_000; number += 1) tape.add(event(number));
  assert.equal(tape.flush(false), true);
  assert.equal(tape.events.length, EVENTS_MAX);
  assert.deepEqual([tape.events[0].id, tape.events.at(-1)?.id], ["1500", "1999"]);
  assert.equal(tape.flush(false), false, "nothing new, nothing to draw");
});

test("what nobody looks at does not pile up", () => {
  const tape = new Tape();
  for (let number = 0; number < 100_000; number += 1) tape.add(event(number));
  tape.flush(true);
  for (let number = 0; number < 100_000; number += 1) tape.add(event(100_000 + number));
  tape.flush(true);
  tape.flush(false);
  assert.equal(tape.events.length, EVENTS_MAX);
  assert.equal(tape.events.at(-1)?.id, "199999");
});

test("venues that are late by some milliseconds are put in order", () => {
  const tape = new Tape();
  for (const number of [5, 3, 9]) tape.add(event(number));
  tape.flush(false);
  tape.add(event(7, { exchange: "okx" }));
  tape.flush(false);
  assert.deepEqual(
    tape.events.map((one) => one.id),
    ["3", "5", "7", "9"],
  );
});

test("a held tape stays as it is, counts what waits, and has it when it runs again", () => {
  const tape = new Tape();
  tape.add(event(1));
  tape.flush(false);
  const before = tape.events;
  for (let number = 2; number < 702; number += 1) tape.add(event(number));
  assert.equal(tape.flush(true), false);
  assert.equal(tape.events, before);
  assert.equal(tape.waitingCount, 700);
  tape.add(event(702));
  assert.equal(tape.flush(true), false);
  assert.equal(tape.waitingCount, 701);
  assert.equal(tape.flush(false), true);
  assert.equal(tape.waitingCount, 0);
  assert.deepEqual([tape.events.length, tape.events.at(-1)?.id], [EVENTS_MAX, "702"]);
});

test("a snapshot after a break brings what is new of it, and twins that are two", () => {
  const tape = new Tape();
  tape.addNewest([event(1), event(2)]);
  tape.add(event(3));
  tape.addNewest([event(2), event(3), event(4)]);
  tape.flush(false);
  assert.deepEqual(
    tape.events.map((one) => one.id),
    ["1", "2", "3", "4"],
  );
  const twin = eventOf(forced(9));
  tape.addNewest([twin, { ...twin }]);
  tape.flush(false);
  assert.equal(tape.events.filter((one) => keyOf(one) === keyOf(twin)).length, 2);
  tape.addNewest([twin, { ...twin }]);
  tape.flush(false);
  assert.equal(tape.events.length, 6, "the same two again are none");
});

test("prices of a symbol are written alike, with as many decimals as its finest one", () => {
  const tape = new Tape();
  const [whole, fine] = [event(1, { price: 100 }), event(2, { price: 100.25 })];
  const other = event(3, { symbol: "ETHUSDT", price: 7.5 });
  for (const one of [whole, fine, other]) tape.add(one);
  tape.flush(false);
  assert.deepEqual(
    [whole, fine, other].map((one) => tape.decimals(one)),
    [2, 2, 1],
  );
});

test("sizes are told in tenths and tens of what is large", () => {
  const sizes = [999, 1_000, 9_999, 10_000, 99_999, 100_000, 1e12];
  assert.deepEqual(
    sizes.map((value) => tierOf(value, 10_000)),
    [0, 1, 1, 2, 2, 3, 3],
  );
});

test("sums are by side, and lower bounds as soon as one venue tells one a second", () => {
  const list = [
    event(1, { value: 10 }),
    event(2, { value: 20 }),
    eventOf(forced(3, { value: 5, is_floor: false })),
    eventOf(forced(4, { value: 7, position_side: "short", side: "buy", is_floor: false })),
  ];
  assert.deepEqual(sumsOf(list), { bought: 10, sold: 20, longs: 5, shorts: 7, isFloor: false });
  assert.equal(sumsOf([...list, eventOf(forced(5))]).isFloor, true);
});

test("one topic brings the trades of all venues, one the liquidations", () => {
  const all = { symbol: "BTCUSDT", venue: "", tradesFrom: "0", liquidationsFrom: "1000" };
  assert.deepEqual(topicsOf(all), [
    "all/large_trades?min_value_usd=0&symbols=BTCUSDT",
    "all/liquidations?min_value_usd=1000&symbols=BTCUSDT",
  ]);
  const some = { symbol: "", venue: "okx", tradesFrom: undefined, liquidationsFrom: "0" };
  assert.deepEqual(topicsOf(some), ["all/liquidations?exchanges=okx&min_value_usd=0"]);
  const odd = { symbol: "A&B=<c>", venue: "", tradesFrom: "0", liquidationsFrom: undefined };
  assert.deepEqual(topicsOf(odd), ["all/large_trades?min_value_usd=0&symbols=A%26B%3D%3Cc%3E"]);
});

test("what is heard goes on the tape; what was missed is remembered", () => {
  const followers = [];
  const stream = { follow: (_, hear) => (followers.push(hear), () => followers.pop()) };
  const tape = new Tape();
  const heard = [];
  const wanted = { symbol: "", venue: "", tradesFrom: "0", liquidationsFrom: undefined };
  const feed = new TapeFeed(
    wanted,
    stream,
    tape,
    (one) => heard.push(one?.id),
    () => 77,
  );
  const [hear] = followers;
  hear({ kind: "problem", text: "no such symbol" });
  assert.equal(feed.problem.value, "no such symbol");
  hear({ kind: "snapshot", data: [trade(1), trade(2)] });
  hear({ kind: "update", data: trade(3) });
  assert.deepEqual([feed.problem.value, feed.missedAtMs.value], ["", 0]);
  assert.deepEqual(heard, [undefined, "3"], "a snapshot is the past: it makes no sound");
  hear({ kind: "dropped" });
  assert.equal(feed.missedAtMs.value, 77);
  feed.missedAtMs.value = 0;
  hear({ kind: "resumed" });
  assert.equal(feed.missedAtMs.value, 0, "what was missed follows");
  hear({ kind: "snapshot", data: [trade(2), trade(3)] });
  assert.equal(feed.missedAtMs.value, 0, "it joins on: another panel asked for the same topic");
  hear({ kind: "snapshot", data: [trade(9)] });
  assert.equal(feed.missedAtMs.value, 77);
  tape.flush(false);
  assert.deepEqual(
    tape.events.map((one) => one.id),
    ["1", "2", "3", "9"],
  );
  feed.stop();
  assert.equal(followers.length, 0);
});

/** A loudspeaker that notes what it is given. */
class Loudspeaker {
  currentTime = 0;
  tones = [];
  isClosed = false;
  destination = {};
  createOscillator() {
    const tone = { frequency: { value: 0 }, connect: (next) => next, start() {}, stop() {} };
    this.tones.push(tone);
    return tone;
  }
  createGain() {
    const gain = {
      setValueAtTime: (value) => (this.volume = value),
      exponentialRampToValueAtTime() {},
    };
    return { gain, connect: (next) => next };
  }
  close() {
    this.isClosed = true;
  }
}

test("sounds are off until switched on, have three tiers, and never pile up", () => {
  const speaker = new Loudspeaker();
  let opened = 0;
  const sound = new TapeSound(() => ((opened += 1), speaker));
  assert.equal(sound.play(3, true, 1), false);
  assert.equal(opened, 0, "nothing is opened before a person asks for it");
  sound.toggle();
  assert.equal(sound.play(0, true, 1), false, "small ones are silent");
  assert.equal(sound.play(1, false, 0.5), true);
  assert.equal(speaker.volume, 0.125);
  assert.equal(sound.play(1, false, 1), false, "too soon");
  assert.equal(sound.play(2, false, 1), true, "but a larger one is heard");
  speaker.currentTime = 1;
  assert.equal(sound.play(3, false, 1), true);
  const pitches = speaker.tones.map((tone) => tone.frequency.value);
  assert.deepEqual(
    pitches,
    [...pitches].sort((a, b) => a - b),
  );
  assert.equal(new Set(pitches).size, 3);
  speaker.currentTime = 2;
  sound.play(1, true, 1);
  assert.ok(speaker.tones[3].frequency.value > pitches[0], "buying is higher");
  sound.toggle();
  assert.deepEqual([speaker.isClosed, sound.isOn, sound.play(3, true, 1)], [true, false, false]);
});
