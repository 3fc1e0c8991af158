/** @file The books of a symbol: which are good, what is said of the others, which rounding. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BookFeed } from "../../src/headwater/dashboard/book_feed.js";
import { stepOf } from "../../src/headwater/dashboard/book_levels.js";
import { TerminalStream } from "../../src/headwater/dashboard/terminal_stream.js";

/** Venues that a test plays, by name. */
class World {
  now = 0;
  sockets = new Map();
  constructor() {
    this.stream = new TerminalStream({
      open: (view) => this.#open(view),
      nowMs: () => this.now,
      random: () => 0.5,
      later: () => () => {},
    });
  }
  #open(view) {
    const socket = { view, asked: { ...view.query } };
    socket.send = (text) => Object.assign(socket.asked, JSON.parse(text));
    socket.close = () => this.sockets.delete(view.query.exchange);
    socket.say = (message) => socket.onmessage({ data: JSON.stringify(message) });
    this.sockets.set(view.query.exchange, socket);
    return socket;
  }
  open(exchange, message) {
    this.sockets.get(exchange).onopen({});
    if (message !== undefined) this.sockets.get(exchange).say(message);
  }
}

const update = (exchange, fields = {}) => ({
  type: "orderbook_update",
  exchange,
  state: "live",
  rounding: 10,
  roundingOptions: [0.1, 1, 10, 100],
  bids: [level(100, 1)],
  asks: [level(110, 2)],
  marketDepthInfo: { requestedLevels: 20 },
  ...fields,
});
const level = (price, amount) => ({
  price,
  priceFormatted: String(price),
  amount,
  amountFormatted: String(amount),
  cumulative: amount,
});

function fed(exchanges, choice = "default") {
  const world = new World();
  const step = (options) =>
    choice === "default" && exchanges.length === 1 ? undefined : stepOf(options, choice);
  const wish = { symbol: "BTCUSDT", exchanges, limit: 20, paceMs: 100, step };
  return { world, feed: new BookFeed(world.stream, wish) };
}

const texts = (feed) => feed.venues().map((one) => one.text);

test("one venue: its rounding is the server's until one is chosen", () => {
  const { world, feed } = fed(["binance"]);
  assert.deepEqual(texts(feed), ["connecting"]);
  world.open("binance");
  assert.deepEqual([texts(feed), feed.book()], [["loading"], undefined]);
  world.open("binance", update("binance"));
  assert.deepEqual([texts(feed), feed.options], [[""], [0.1, 1, 10, 100]]);
  assert.equal(world.sockets.get("binance").asked.rounding, undefined);
  feed.want({ limit: 20, paceMs: 100, step: (options) => stepOf(options, "0") });
  assert.equal(world.sockets.get("binance").asked.rounding, 0.1);
  assert.deepEqual(texts(feed), ["rounding anew"]);
  world.open("binance", update("binance", { rounding: 0.1 }));
  assert.deepEqual([texts(feed), feed.book()?.step], [[""], 0.1]);
});

test("several venues are asked for one rounding, and merged once they have it", () => {
  const { world, feed } = fed(["binance", "okx"]);
  world.open("binance", update("binance"));
  world.open("okx", update("okx", { rounding: 0.1, roundingOptions: [0.001, 0.01, 0.1, 1, 10] }));
  assert.equal(world.sockets.get("okx").asked.rounding, 10);
  assert.deepEqual(texts(feed), ["", "rounding anew"]);
  assert.deepEqual(feed.book()?.exchanges, ["binance"]);
  world.open("okx", update("okx", { bids: [level(100, 5)] }));
  assert.deepEqual(feed.book()?.exchanges, ["binance", "okx"]);
  assert.equal(feed.book()?.bids[0].amount, 6);
});

test("a venue that is silent, empty, resyncing, lost or refused is named and left out", () => {
  const { world, feed } = fed(["a", "b", "c", "d", "e"]);
  for (const name of ["a", "b", "c", "d"]) world.open(name, update(name));
  world.open("e", { type: "error", code: "UNKNOWN_SYMBOL", message: "e has no BTCUSDT" });
  assert.deepEqual(feed.book()?.exchanges, ["a", "b", "c", "d"]);
  world.now = 10_001;
  world.sockets.get("b").say(update("b", { state: "resyncing", bids: [], asks: [] }));
  world.sockets.get("c").say(update("c"));
  const lost = world.sockets.get("d");
  lost.onclose({ code: 1012 });
  assert.deepEqual(feed.book()?.exchanges, ["c"]);
  assert.deepEqual(texts(feed), [
    "10 s old",
    "the book is being read anew",
    "",
    "no connection · 10 s old",
    "e has no BTCUSDT",
  ]);
  world.now = 30_000;
  assert.equal(feed.book(), undefined); // nothing old is merged
});

test("a single old book is still there, and called old", () => {
  const { world, feed } = fed(["a"]);
  world.open("a", update("a"));
  world.now = 12_000;
  assert.deepEqual(texts(feed), ["12 s old"]);
  assert.equal(feed.book()?.bids.length, 1);
  world.sockets.get("a").say(update("a", { state: "resyncing", bids: [], asks: [] }));
  assert.equal(feed.book(), undefined); // the server says that it is not valid
});

test("what another panel had before is as old as it is", async () => {
  const { world, feed } = fed(["a"]);
  world.open("a", update("a"));
  world.now = 11_000;
  const second = new BookFeed(world.stream, feed.wish);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(second.venues()[0].text, "11 s old");
  feed.stop();
  second.stop();
  assert.equal(world.sockets.size, 0);
});
