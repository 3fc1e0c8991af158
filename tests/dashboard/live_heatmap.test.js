/** @file The live map: what a snapshot becomes, and how the socket is kept. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LiveHeatmap,
  blockOfSnapshot,
  rowPriceOf,
} from "../../src/headwater/dashboard/live_heatmap.js";

const snapshot = (prices, timestamp = "2026-01-31T12:00:00.000Z") => ({
  type: "snapshot",
  symbol: "BTCUSDT",
  timestamp,
  data: {
    levels: prices.map((price, at) => ({ price, long_density: at + 0.25, short_density: 2 * at })),
    current_price: 100,
  },
});

test("the height of rows is the least step, when all prices are whole multiples of it", () => {
  assert.equal(rowPriceOf([98000, 98250, 99000]), 250);
  assert.equal(rowPriceOf([0.1, 0.2, 0.30000000000000004]), 0.1);
  assert.equal(rowPriceOf([100, 103, 105]), 0, "no row of 2 begins at 103");
  assert.equal(rowPriceOf([100]), 0);
  assert.equal(rowPriceOf([]), 0);
});

test("a snapshot becomes a column with the amounts of its levels", () => {
  const block = blockOfSnapshot(snapshot([98000, 98500, 98750]), 900);
  assert.deepEqual([block.base, block.rows, block.rowPrice], [392, 4, 250]);
  assert.deepEqual([...block.long], [0.25, 0, 1.25, 2.25]);
  assert.deepEqual([...block.short], [0, 0, 2, 4]);
  assert.equal(block.start, Date.parse("2026-01-31T12:00:00Z") / 1000);
});

function world() {
  const sockets = [];
  const timers = [];
  return {
    sockets,
    timers,
    open: () => {
      const socket = { sent: [], closed: 0, send: (text) => socket.sent.push(JSON.parse(text)) };
      socket.close = () => (socket.closed += 1);
      sockets.push(socket);
      return socket;
    },
    nowMs: () => 1234,
    random: () => 0.5,
    later: (work, ms) => {
      const timer = { work, ms, isOn: true };
      timers.push(timer);
      return () => (timer.isOn = false);
    },
  };
}

test("it subscribes, keeps the newest map, and says why there is none", () => {
  const place = world();
  const live = new LiveHeatmap("BTCUSDT", 900, place);
  live.start();
  live.start();
  assert.equal(place.sockets.length, 1);
  const [socket] = place.sockets;
  socket.onopen();
  assert.deepEqual(socket.sent, [
    { action: "subscribe", symbols: ["BTCUSDT"], update_interval: 5 },
  ]);
  const error = { type: "error", code: "SERVER_ERROR", message: "nothing stored" };
  socket.onmessage({ data: JSON.stringify(error) });
  assert.equal(live.problem.value, "nothing stored");
  socket.onmessage({ data: JSON.stringify(snapshot([100, 101])) });
  assert.deepEqual([live.problem.value, live.map.value.heardMs], ["", 1234]);
  assert.equal(live.map.value.block.rows, 2);
  live.stop();
});

test("a lost connection is made again, later each time; a stopped one is not", () => {
  const place = world();
  const live = new LiveHeatmap("BTCUSDT", 900, place);
  live.start();
  const waits = [];
  for (let round = 0; round < 4; round += 1) {
    place.sockets.at(-1).onclose();
    assert.equal(live.problem.value, "no connection");
    const timer = place.timers.at(-1);
    waits.push(timer.ms);
    timer.work();
  }
  assert.equal(place.sockets.length, 5);
  assert.deepEqual(
    waits.toSorted((a, b) => a - b),
    waits,
  );
  const last = place.sockets.at(-1);
  live.stop();
  assert.deepEqual([last.closed, last.onclose], [1, null]);
});
