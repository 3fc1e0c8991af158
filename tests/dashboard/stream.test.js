/** @file The page's socket against a server that is played by the test, in a time of its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Stream, TOPICS_MAX, waitBefore, endSocket } from "../../src/headwater/dashboard/stream.js";

/** Sockets that are opened, a clock that is turned by hand, timers that it fires. */
class World {
  sockets = [];
  timers = [];
  now = 0;
  constructor() {
    this.stream = new Stream({
      open: () => this.#open(),
      nowMs: () => this.now,
      random: () => 1,
      later: (work, ms) => {
        const timer = { at: this.now + ms, work };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((one) => one !== timer);
        };
      },
    });
  }
  #open() {
    const socket = {
      sent: [],
      isClosed: false,
      send: (text) => socket.sent.push(JSON.parse(text)),
      close: () => {
        socket.isClosed = true;
      },
      onopen: null,
      onclose: null,
      onmessage: null,
    };
    this.sockets.push(socket);
    return socket;
  }
  get socket() {
    return this.sockets.at(-1);
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
  say(message) {
    this.socket.onmessage({ data: JSON.stringify(message) });
  }
  asked(op) {
    return this.socket.sent.filter((one) => one.op === op).map((one) => one.topics);
  }
}

const settle = () => new Promise((resolve) => queueMicrotask(resolve));

async function following(...names) {
  const world = new World();
  const heard = [];
  const leave = names.map((name) => world.stream.follow(name, (event) => heard.push(event)));
  world.stream.start();
  world.socket.onopen({});
  await settle();
  return { world, heard, leave };
}

test("topics that are wanted together are asked for together", async () => {
  const { world } = await following("a", "b");
  assert.deepEqual(world.asked("subscribe"), [["a", "b"]]);
  world.stream.follow("c", () => {});
  world.stream.follow("d", () => {});
  await settle();
  assert.deepEqual(world.asked("subscribe"), [
    ["a", "b"],
    ["c", "d"],
  ]);
});

test("after a break each topic is asked for from its last number", async () => {
  const { world, heard } = await following("a", "b");
  world.say({ type: "subscribed", topics: [{ topic: "a", seq: 7, resumed: false }] });
  world.say({ type: "snapshot", topic: "a", seq: 7, data: "x" });
  world.say({ type: "update", topic: "a", seq: 8, data: "y" });
  world.socket.onclose({});
  assert.equal(world.stream.link.value.phase, "waiting");
  world.pass(500);
  world.socket.onopen({});
  assert.deepEqual(world.asked("subscribe"), [[{ topic: "a", after: 8 }, "b"]]);
  world.say({ type: "subscribed", topics: [{ topic: "a", seq: 8, resumed: true }] });
  world.say({ type: "update", topic: "a", seq: 9, data: "z" });
  assert.deepEqual(heard, [
    { kind: "snapshot", data: "x" },
    { kind: "update", data: "y" },
    { kind: "resumed" },
    { kind: "update", data: "z" },
  ]);
});

test("a number that the server does not know is dropped, and the topic begins anew", async () => {
  const { world, heard } = await following("a");
  world.say({ type: "snapshot", topic: "a", seq: 9, data: 1 });
  world.socket.onclose({});
  world.pass(500);
  world.socket.onopen({});
  world.say({ type: "error", topic: "a", problem: { detail: "after=9: at most 3" } });
  await settle();
  assert.deepEqual(world.asked("subscribe"), [[{ topic: "a", after: 9 }], ["a"]]);
  world.say({ type: "error", topic: "a", problem: { detail: "unknown symbol" } });
  await settle();
  assert.deepEqual(heard.at(-1), { kind: "problem", text: "unknown symbol" });
  assert.equal(world.asked("subscribe").length, 2);
});

test("the name that the server gives a topic is the one it is heard and left by", async () => {
  const { world, heard, leave } = await following("binance/btc/trades");
  world.say({
    type: "subscribed",
    topics: [
      { topic: "binance/BTCUSDT/trades", asked: "binance/btc/trades", seq: 1, resumed: false },
    ],
  });
  world.say({ type: "update", topic: "binance/BTCUSDT/trades", seq: 2, data: 5 });
  assert.deepEqual(heard, [{ kind: "update", data: 5 }]);
  leave[0]();
  await settle();
  assert.deepEqual(world.asked("unsubscribe"), [["binance/BTCUSDT/trades"]]);
  leave[0]();
  await settle();
  assert.equal(world.asked("unsubscribe").length, 1);
});

test("lost messages are told of", async () => {
  const { world, heard } = await following("a");
  world.say({ type: "dropped", topic: "a", count: 3 });
  assert.deepEqual(heard, [{ kind: "dropped" }]);
});

test("waits double up to a ceiling, with jitter, and begin anew after a good connection", () => {
  assert.deepEqual(
    [0, 1, 2, 20].map((attempt) => waitBefore(attempt, 1)),
    [500, 1000, 2000, 20000],
  );
  assert.equal(waitBefore(3, 0.5), 2000);
  const world = new World();
  world.stream.start();
  world.socket.onclose({});
  world.pass(499);
  assert.equal(world.sockets.length, 1);
  world.pass(1);
  assert.equal(world.sockets.length, 2);
  world.socket.onclose({});
  world.pass(999);
  assert.equal(world.sockets.length, 2);
  world.pass(1);
  world.socket.onopen({});
  world.pass(9_999);
  world.say({ type: "pong" });
  world.pass(10_000);
  world.socket.onclose({});
  world.pass(500);
  assert.equal(world.sockets.length, 4);
});

test("silence is a fault: pings go out, and a dead connection is replaced", async () => {
  const { world } = await following("a");
  world.pass(10_000);
  assert.equal(world.socket.sent.filter((one) => one.op === "ping").length, 1);
  world.say({ type: "pong" });
  world.pass(20_000);
  assert.equal(world.sockets.length, 1);
  world.pass(10_000);
  assert.equal(world.sockets[0].isClosed, true);
  world.pass(20_000);
  assert.ok(world.sockets.length >= 2);
});

test("a pause ends everything until the start", async () => {
  const { world } = await following("a");
  world.say({ type: "snapshot", topic: "a", seq: 3, data: 1 });
  world.stream.pause();
  assert.equal(world.sockets[0].isClosed, true);
  world.pass(600_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(world.timers.length, 0);
  world.stream.start();
  world.stream.start();
  assert.equal(world.sockets.length, 2);
  world.socket.onopen({});
  assert.deepEqual(world.asked("subscribe"), [[{ topic: "a", after: 3 }]]);
});

test("a second follower gets a snapshot of its own; the last to leave ends the topic", async () => {
  const { world, leave } = await following("a");
  const second = world.stream.follow("a", () => {});
  await settle();
  assert.deepEqual(
    world.socket.sent.map((one) => one.op),
    ["subscribe", "unsubscribe", "subscribe"],
  );
  leave[0]();
  await settle();
  assert.equal(world.asked("unsubscribe").length, 1);
  second();
  await settle();
  assert.equal(world.asked("unsubscribe").length, 2);
});

test("topics left and wanted at once are two messages, whatever their number", async () => {
  const { world, leave } = await following("a");
  const others = ["b", "c"].map((topic) => world.stream.follow(topic, () => {}));
  await settle();
  for (const one of [...leave, ...others]) one();
  world.stream.follow("b", () => {});
  world.stream.follow("d", () => {});
  await settle();
  assert.deepEqual(world.asked("unsubscribe"), [["a", "b", "c"]]);
  assert.deepEqual(world.asked("subscribe").at(-1), ["b", "d"]);
});

test("nothing is sent into a socket that closes, and all is asked for anew", async () => {
  const { world } = await following("a");
  const old = world.socket;
  const count = old.sent.length;
  old.readyState = 2;
  world.stream.follow("b", () => {});
  await settle();
  assert.equal(old.sent.length, count);
  old.onclose({});
  world.pass(60_000);
  world.socket.onopen({});
  await settle();
  assert.deepEqual(world.asked("subscribe").at(-1), ["a", "b"]);
});

test("no more topics than the server takes", async () => {
  const world = new World();
  const told = [];
  for (let number = 0; number <= TOPICS_MAX; number += 1) {
    world.stream.follow(`t${number}`, (event) => told.push(event));
  }
  assert.deepEqual(told, [{ kind: "problem", text: "more than 200 topics" }]);
});

test("ages are counted from what was heard", async () => {
  const { world } = await following("a");
  assert.equal(world.stream.heardMs("a"), undefined);
  world.now = 70;
  world.say({ type: "update", topic: "a", seq: 1, data: 1 });
  world.now = 100;
  assert.equal(world.stream.heardMs("a"), 70);
});

test("a socket that still connects is ended when it is open", () => {
  let closed = 0;
  const socket = {
    readyState: 0,
    send: () => {},
    close: () => (closed += 1),
    onopen: /** @type {any} */ (null),
    onclose: () => {},
    onmessage: () => {},
  };
  endSocket(socket);
  assert.equal(closed, 0);
  assert.deepEqual([socket.onclose, socket.onmessage], [null, null]);
  socket.onopen();
  assert.equal(closed, 1);
  endSocket({ ...socket, readyState: 1 });
  assert.equal(closed, 2);
});
