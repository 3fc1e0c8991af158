/** @file The terminal's sockets against a server that the test plays, in a time of its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { HOPPING_MS, STAY_MS } from "../../src/headwater/dashboard/hopping.js";
import { canChange, viewName } from "../../src/headwater/dashboard/terminal_line.js";
import { LINES_MAX, TerminalStream } from "../../src/headwater/dashboard/terminal_stream.js";

/** Sockets that are opened, a clock that is turned by hand, timers that it fires. */
class World {
  sockets = [];
  timers = [];
  now = 0;
  chance = 1;
  constructor() {
    this.stream = new TerminalStream({
      open: (view) => this.#open(view),
      nowMs: () => this.now,
      random: () => this.chance,
      later: (work, ms) => {
        const timer = { at: this.now + ms, work };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((one) => one !== timer);
        };
      },
    });
  }
  #open(view) {
    const socket = {
      view,
      sent: [],
      isClosed: false,
      send: (text) => socket.sent.push(JSON.parse(text)),
      close: () => {
        socket.isClosed = true;
      },
      say: (message) => socket.onmessage({ data: JSON.stringify(message) }),
    };
    this.sockets.push(socket);
    return socket;
  }
  get socket() {
    return this.sockets.at(-1);
  }
  get open() {
    return this.sockets.filter((one) => !one.isClosed).length;
  }
  pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = this.timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((one) => one !== due);
      this.now = due.at;
      due.work();
    }
    this.now = end;
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve));
const book = (query = {}) => ({
  socket: "orderbook",
  query: { exchange: "binance", symbol: "BTCUSDT", limit: 20, ...query },
});
const update = (rounding) => ({ type: "orderbook_update", rounding });

function watching(view = book()) {
  const world = new World();
  const heard = [];
  const watch = world.stream.watch(view, (message) => heard.push(message));
  world.socket.onopen({});
  return { world, heard, watch };
}

test("views that are equal are one socket, whatever the order of their parameters", async () => {
  const { world, heard } = watching();
  world.socket.say(update(1));
  const late = [];
  const same = {
    socket: "orderbook",
    query: { limit: 20, symbol: "BTCUSDT", exchange: "binance" },
  };
  const second = world.stream.watch(same, (message) => late.push(message));
  assert.equal(world.sockets.length, 1);
  await settle();
  assert.deepEqual(late, [update(1)]); // the newest is there without a question
  world.socket.say(update(2));
  assert.deepEqual(
    [heard, late],
    [
      [update(1), update(2)],
      [update(1), update(2)],
    ],
  );
  second.leave();
  world.socket.say(update(3));
  assert.deepEqual([heard.length, late.length, world.open], [3, 2, 1]);
});

test("events are not shared: what came before is known to the first alone", () => {
  const view = { socket: "liquidations", query: { exchange: "all", symbol: "BTCUSDT" } };
  const { world } = watching(view);
  world.stream.watch(view, () => {});
  assert.equal(world.open, 2);
});

test("the last one to leave ends the socket and all its timers", () => {
  const { world, watch } = watching();
  watch.leave();
  watch.leave();
  assert.deepEqual([world.open, world.stream.count, world.timers], [0, 0, []]);
});

test("who is alone changes the view on the open socket, at most each quarter of a second", () => {
  const { world, watch } = watching();
  watch.change(book({ rounding: 0.5 }).query);
  watch.change(book({ rounding: 1 }).query);
  watch.change(book({ rounding: 10, asks: "highest_first", pace_ms: 250 }).query);
  assert.deepEqual(world.socket.sent, [{ type: "update_params", limit: 20, rounding: 0.5 }]);
  world.pass(250);
  assert.deepEqual(world.socket.sent.slice(1), [
    { type: "update_params", limit: 20, rounding: 10, asks: "highest_first", paceMs: 250 },
  ]);
  assert.equal(world.sockets.length, 1);
  world.socket.say({ type: "params_updated" });
  world.socket.say({ type: "params_updated" });
  world.socket.onclose({});
  world.pass(500);
  assert.equal(world.socket.view.query.rounding, 10); // a new socket begins with the newest view
});

test("a change while another one is on its way is not lost, also back to the first", () => {
  const { world, watch } = watching(book({ rounding: 1 }));
  watch.change(book({ rounding: 10 }).query);
  world.pass(300);
  watch.change(book({ rounding: 1 }).query);
  world.pass(300);
  assert.deepEqual(
    world.socket.sent.map((one) => one.rounding),
    [10, 1],
  );
});

test("a shared view is left alone by who wants another one", () => {
  const { world, watch } = watching();
  world.stream.watch(book(), () => {});
  watch.change(book({ rounding: 5 }).query);
  assert.deepEqual(world.sockets[0].sent, []);
  assert.equal(world.open, 2);
  watch.change(book().query); // there is one already: the other one ends
  assert.deepEqual([world.open, world.stream.count], [1, 1]);
});

test("another symbol, and a parameter that is left out, need another socket", () => {
  assert.ok(canChange(book(), book({ rounding: 2 }).query));
  assert.ok(!canChange(book(), book({ symbol: "ETHUSDT" }).query));
  assert.ok(!canChange(book({ rounding: 2 }), book().query));
  assert.ok(!canChange({ ...book(), socket: "trades" }, book({ limit: 5 }).query));
  assert.notEqual(viewName(book({ symbol: "A&limit=20" })), viewName(book({ symbol: "A" })));
});

test("a change that is refused is told, and the view stays as it was", () => {
  const { world, watch, heard } = watching(book({ rounding: 1 }));
  watch.change(book({ rounding: 3 }).query);
  world.socket.say({ type: "error", code: "TOO_MANY_STREAMS", message: "32 roundings" });
  world.socket.say(update(1));
  assert.equal(watch.trouble?.text, "32 roundings");
  assert.deepEqual(heard, [update(1)]);
  world.socket.onclose({});
  world.pass(500);
  assert.equal(world.socket.view.query.rounding, 1);
});

test("a break is waited for longer each time, and a good connection begins anew", () => {
  const { world, watch } = watching();
  const waits = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    world.socket.onclose({});
    assert.equal(watch.link.phase, "waiting");
    waits.push(world.timers[0].at - world.now);
    world.pass(waits.at(-1));
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000]);
  world.socket.onopen({});
  world.pass(10_000);
  world.socket.onclose({});
  assert.equal(world.timers[0].at - world.now, 500);
  watch.again();
  assert.equal(watch.link.phase, "connecting");
  assert.equal(world.timers.length, 0);
});

test("what does not exist is asked for again a minute later, in the words of the server", () => {
  const { world, watch } = watching();
  world.socket.say({ type: "error", code: "UNKNOWN_SYMBOL", message: "no such contract" });
  world.socket.onclose({ code: 4000 });
  assert.deepEqual([watch.link.phase, watch.trouble?.text], ["refused", "no such contract"]);
  world.chance = 0;
  world.pass(119_000);
  assert.equal(world.sockets.length, 1);
  world.pass(1_000);
  assert.equal(world.sockets.length, 2);
});

test("a venue that cannot be reached is asked for again soon; data end the trouble", () => {
  const { world, watch } = watching();
  world.socket.say({ type: "error", code: "VENUE_ERROR", message: "binance: timed out" });
  assert.equal(watch.trouble?.code, "VENUE_ERROR");
  world.socket.onclose({ code: 4000 });
  assert.equal(watch.link.phase, "waiting");
  world.pass(500);
  world.socket.onopen({});
  world.socket.say(update(1));
  assert.equal(watch.trouble, null);
});

test("pings keep a quiet book alive; without an answer the connection is dead", () => {
  const { world, watch } = watching();
  world.socket.say(update(1));
  world.pass(10_000);
  assert.deepEqual(world.socket.sent, [{ type: "ping" }]);
  world.socket.say({ type: "pong" });
  assert.equal(watch.heardMs, 0); // a pong is no data: the numbers are as old as they are
  world.pass(20_000);
  assert.equal(watch.link.phase, "open");
  world.pass(10_000);
  assert.notEqual(watch.link.phase, "open");
  assert.ok(world.sockets[0].isClosed);
});

test("a tab that nobody sees has no socket, and no timer to open one", () => {
  const { world, watch } = watching();
  world.stream.pause();
  const later = world.stream.watch(book({ symbol: "ETHUSDT" }), () => {});
  assert.deepEqual([world.open, world.timers, watch.link.phase], [0, [], "paused"]);
  watch.change(book({ rounding: 7 }).query);
  world.stream.start();
  assert.equal(world.open, 2);
  assert.equal(world.sockets.at(-2).view.query.rounding, 7);
  later.leave();
  assert.equal(world.open, 1);
});

test("there are at most so many sockets, and who comes too late is told", () => {
  const world = new World();
  const watches = Array.from({ length: LINES_MAX + 1 }, (_, at) =>
    world.stream.watch(book({ limit: 5 + at }), () => {}),
  );
  assert.deepEqual([world.open, watches.at(-1).trouble?.code], [LINES_MAX, "TOO_MANY_STREAMS"]);
  watches[0].leave();
  watches.at(-1).again();
  world.pass(STAY_MS);
  assert.deepEqual([world.open, watches.at(-1).trouble], [LINES_MAX, null]);
});

test("who hops through markets connects to the first, and then only where he stays", () => {
  const world = new World();
  for (const symbol of ["AUSDT", "BUSDT", "CUSDT", "DUSDT"]) {
    world.stream.watch(book({ symbol }), () => {}).leave();
    world.pass(STAY_MS / 2);
  }
  world.stream.watch(book({ symbol: "EUSDT" }), () => {});
  world.pass(STAY_MS);
  assert.deepEqual(
    world.sockets.map((one) => one.view.query.symbol),
    ["AUSDT", "EUSDT"],
  );
});

test("who saw the book before he went on is no hopper, and nor is he after a while", () => {
  const { world, watch } = watching();
  world.socket.say(update(1));
  watch.leave();
  const second = world.stream.watch(book({ symbol: "BUSDT" }), () => {});
  assert.equal(world.sockets.length, 2);
  second.leave();
  world.pass(HOPPING_MS);
  world.stream.watch(book({ symbol: "CUSDT" }), () => {});
  assert.equal(world.sockets.length, 3);
});
