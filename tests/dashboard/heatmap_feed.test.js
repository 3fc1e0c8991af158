/** @file A layer loads what is looked at, in fixed blocks, and follows the newest bar. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BLOCKS_MAX, HeatmapFeed } from "../../src/headwater/dashboard/heatmap_feed.js";

const T0 = Date.parse("2026-09-21T00:00:00Z") / 1000;
const BLOCK = 4 * 3600;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A platform whose newest closed bar ends at `closed`; questions are noted. */
function world(closed) {
  const timers = new Set();
  const made = { timers, closed, asked: [], problem: "", isHidden: false, changes: 0, rowPrice: 1 };
  made.run = async (most = Infinity) => {
    for (const timer of [...timers]) {
      if (timer.ms > most) continue;
      timers.delete(timer);
      timer.work();
    }
    for (let turn = 0; turn < 30; turn += 1) await settled();
  };
  made.sources = {
    later: (work, ms) => {
      const timer = { work, ms };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    isHidden: () => made.isHidden,
    random: () => 0.5,
    ask: async (query, span, aborted) => {
      made.asked.push(query);
      await settled();
      if (aborted.aborted) throw new Error("aborted");
      if (made.problem) throw new Error(made.problem);
      const end = Math.min((query.end_time ?? Infinity) / 1000, made.closed);
      const columns = Math.max(0, (end - span.start) / span.step);
      const cells = () => new Float64Array(columns).fill(made.asked.length);
      return {
        start: span.start,
        step: span.step,
        columns,
        closed: Math.max(0, columns - span.open),
        base: 100,
        rows: 1,
        rowPrice: made.rowPrice,
        long: cells(),
        short: cells(),
        meta: { coverage: [], total_consumed: 0 },
        incomplete: "",
      };
    },
  };
  made.feed = (model = "estimated", interval = "1m") =>
    new HeatmapFeed(
      { symbol: "BTCUSDT", model, interval, exchanges: undefined },
      made.sources,
      () => (made.changes += 1),
    );
  return made;
}

const view = (from, to, newest) => ({ from, to, newest });

test("what is seen is asked for with a margin, newest block first, once", async () => {
  const at = T0 + 5 * 3600;
  const place = world(at);
  const feed = place.feed();
  feed.look(view(at - 7200, at, at));
  await place.run(1000);
  assert.deepEqual(
    place.asked.map((one) => [one.start_time / 1000 - T0, one.end_time, one.price_bin_size]),
    [
      [BLOCK, undefined, undefined],
      [0, (T0 + BLOCK) * 1000, 1],
    ],
  );
  assert.equal(feed.state.value.phase, "ready");
  feed.look(view(at - 7100, at, at));
  await place.run(1000);
  assert.equal(place.asked.length, 2, "what is there is not asked for again");
  feed.stop();
});

test("a view that moves on is asked for when it rests", async () => {
  const at = T0 + 10_800;
  const place = world(at);
  const feed = place.feed();
  for (let step = 0; step < 50; step += 1) feed.look(view(at - 600 - step * 60, at, at));
  assert.equal(place.timers.size, 2, "one for the view, one for the newest bar");
  await place.run(1000);
  assert.equal(place.asked.length, 1);
  feed.stop();
});

test("of a long view the newest blocks are held, of a moved one those that are seen", async () => {
  const place = world(T0);
  const feed = place.feed();
  feed.look(view(T0 - 40 * BLOCK, T0, T0));
  await place.run(1000);
  assert.equal(feed.seen().length, BLOCKS_MAX);
  assert.ok(feed.blocks.size <= BLOCKS_MAX + 2);
  assert.equal(feed.isCut, true);
  feed.look(view(T0 - 20 * BLOCK, T0 - 19 * BLOCK, T0));
  await place.run(1000);
  assert.equal(feed.isCut, false);
  assert.ok(feed.blocks.size <= 5);
  assert.ok(feed.seen().length >= 2);
  assert.ok(feed.seen().every(({ start }) => start < T0 - 18 * BLOCK));
  assert.equal(feed.newest().end, T0, "the newest column is held wherever one looks");
  feed.stop();
});

test("a bar that closes adds its column, and the columns before it stay", async () => {
  const at = T0 + 600;
  const place = world(at);
  const feed = place.feed();
  feed.look(view(at - 300, at, at));
  await place.run(1000);
  const before = feed.blocks.get(T0);
  assert.deepEqual([before.columns, before.long[0]], [10, 1]);
  await place.run();
  assert.equal(place.asked.length, 1, "no bar has closed: nothing is asked");
  feed.look(view(at - 300, at + 60, at + 60));
  await place.run(1000);
  assert.equal(place.asked[1].start_time / 1000, at, "only what is new");
  place.closed = at + 60;
  await place.run();
  const after = feed.blocks.get(T0);
  assert.deepEqual([after.columns, after.long[0], after.long[10]], [11, 1, 3]);
  feed.stop();
});

test("the realised map is asked again for columns that may still change", async () => {
  const at = T0 + 600;
  const place = world(at);
  const feed = place.feed("realised");
  feed.look(view(at - 300, at, at));
  await place.run();
  await place.run();
  const starts = place.asked.map((one) => one.start_time / 1000 - T0);
  assert.equal(starts[0], 0);
  assert.ok(starts.length > 1 && starts.slice(1).every((start) => start === 480), `${starts}`);
  feed.stop();
});

test("a failure is said, tried again, and forgotten when it works", async () => {
  const place = world(T0 + 600);
  place.problem = "this process stores nothing";
  const feed = place.feed();
  feed.look(view(T0 + 300, T0 + 600, T0 + 600));
  await place.run(1000);
  assert.deepEqual(feed.state.value, { phase: "failed", text: "this process stores nothing" });
  place.problem = "";
  feed.again();
  await place.run(1000);
  assert.equal(feed.state.value.phase, "ready");
  assert.equal(feed.blocks.size, 1);
  feed.stop();
});

test("rows of another height are refused, not drawn at wrong prices", async () => {
  const place = world(T0 + 5 * 3600);
  const feed = place.feed();
  feed.look(view(T0 + BLOCK + 600, T0 + 5 * 3600, T0 + 5 * 3600));
  await place.run(1000);
  place.rowPrice = 2;
  feed.look(view(T0, T0 + 5 * 3600, T0 + 5 * 3600));
  await place.run(1000);
  assert.match(feed.state.value.text, /rows of 2 do not fit those of 1/);
  feed.stop();
});

test("in a tab that nobody sees, and after the end, nothing is asked", async () => {
  const place = world(T0 + 600);
  const feed = place.feed("realised");
  feed.look(view(T0, T0 + 600, T0 + 600));
  await place.run(1000);
  const count = place.asked.length;
  place.isHidden = true;
  await place.run();
  assert.equal(place.asked.length, count);
  place.isHidden = false;
  feed.stop();
  await place.run();
  assert.equal(place.asked.length, count);
});
