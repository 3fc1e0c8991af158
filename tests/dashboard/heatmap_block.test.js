/** @file Answers of the API become blocks, and blocks grow without changing their past. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  blockOf,
  blocksWithin,
  cellOf,
  edgeOf,
  extended,
  frameOf,
  tailStart,
} from "../../src/headwater/dashboard/heatmap_block.js";

const T0 = Date.parse("2026-09-21T00:00:00Z") / 1000;
const MINUTE = 60;
const iso = (time) => new Date(time * 1000).toISOString();

/** A column at a minute, with levels of [price, long, short]. */
const column = (minute, levels, closed = true) => ({
  timestamp: iso(T0 + minute * MINUTE),
  is_closed: closed,
  levels: levels.map(([price, long, short]) => ({
    price,
    long_density: long,
    short_density: short,
  })),
});

const answer = (data, end, meta = {}) => ({
  data,
  meta: {
    price_bin_size: 0.1,
    start_time: iso(T0),
    end_time: iso(T0 + end * MINUTE),
    total_consumed: 0,
    coverage: [],
    ...meta,
  },
});

const SPAN = { start: T0, step: MINUTE, isModel: true, open: 0 };

test("levels find their cells, whatever the floats of their prices", () => {
  const levels = [0, 1, 2, 3, 7].map((n) => [edgeOf(1000 + n, 0.1), n + 1, 10 * n]);
  const block = blockOf(answer([column(2, levels), column(3, [])], 4), SPAN);
  assert.deepEqual(
    [block.start, block.columns, block.closed, block.base, block.rows],
    [T0 + 120, 2, 2, 1000, 8],
  );
  for (const [price, long, short] of levels) {
    const cell = cellOf(block, T0 + 125, price);
    assert.deepEqual(cell, { time: T0 + 120, price, long, short });
    assert.deepEqual(cellOf(block, T0 + 125, price + 0.0999).long, long);
  }
  assert.equal(cellOf(block, T0 + 125, 100.5).long, 0, "an empty cell between two");
  assert.equal(cellOf(block, T0 + 180, 100.1).long, 0, "an empty column");
  assert.equal(cellOf(block, T0 + 119, 100.1), null, "a model knows nothing before it began");
  assert.equal(cellOf(block, T0 + 240, 100.1), null);
  assert.equal(cellOf(block, NaN, 100.1), null, "a place whose time is not known");
});

test("a realised map begins where it was asked to, and its newest columns may change", () => {
  const data = [column(1, [[100, 5, 0]]), column(5, [[101, 0, 7]], false)];
  const block = blockOf(answer(data, 6), { ...SPAN, isModel: false, open: 2 });
  assert.deepEqual([block.start, block.columns, block.closed], [T0, 6, 4]);
  assert.equal(cellOf(block, T0, 100).long, 0);
  assert.equal(cellOf(block, T0 + 60, 100).long, 5);
});

test("an empty answer is a block without columns", () => {
  const block = blockOf(answer([], 0, { price_bin_size: null }), SPAN);
  assert.deepEqual([block.columns, block.rows, cellOf(block, T0, 100)], [0, 0, null]);
});

test("blocks begin at fixed times, whatever is looked at", () => {
  for (const interval of ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"]) {
    const frame = frameOf(interval);
    assert.equal(frame.length % frame.step, 0);
    assert.ok(frame.length % frame.anchor === 0 || frame.anchor % frame.length === 0, interval);
    assert.ok(frame.length / frame.step >= 240 && frame.length / frame.step <= 288);
    const now = T0 + 12345;
    const starts = blocksWithin(frame, now - 100 * frame.step, now, 5);
    assert.ok(starts[0] <= now && now <= starts[0] + frame.length);
    assert.ok(starts.at(-1) <= now - 100 * frame.step);
    for (const start of starts) assert.equal(start % frame.length, 0);
  }
  const frame = frameOf("1m");
  assert.deepEqual(blocksWithin(frame, T0 - 1, T0 + 1, 5), [T0, T0 - frame.length]);
  assert.deepEqual(blocksWithin(frame, T0, T0 + frame.length, 5), [T0], "its end is the next's");
  assert.equal(blocksWithin(frame, T0 - 1e6, T0, 3).length, 3);
});

test("what a block lacks is asked for so that the answer has the block's own columns", () => {
  const minutes = blockOf(answer([column(0, [[100, 1, 1]])], 1), SPAN);
  assert.equal(tailStart(frameOf("1m"), minutes, true), T0 + 60, "of the same day");
  const frame = frameOf("15m");
  const start = Math.floor(T0 / frame.length) * frame.length;
  const block = { ...minutes, start, step: 900, closed: 100 };
  assert.equal(tailStart(frame, block, true), start, "the day has changed: all of it");
  assert.equal(tailStart(frame, block, false), start + 90_000, "prints do not depend on it");
});

test("closed columns stay as they were first told; open ones are told anew", () => {
  const first = blockOf(
    answer([column(0, [[100, 1, 0]]), column(1, [[100, 2, 0]], false)], 2, { coverage: undefined }),
    { ...SPAN, isModel: false },
  );
  assert.equal(first.closed, 1);
  const tail = blockOf(
    answer([column(1, [[99, 0, 30]]), column(2, [[101, 4, 0]])], 3, { coverage: undefined }),
    { ...SPAN, start: T0 + 60, isModel: false },
  );
  const grown = extended(first, tail);
  assert.deepEqual([grown.start, grown.columns, grown.closed], [T0, 3, 3]);
  assert.equal(cellOf(grown, T0, 100).long, 1);
  assert.equal(cellOf(grown, T0 + 60, 100).long, 0);
  assert.equal(cellOf(grown, T0 + 60, 99).short, 30);
  assert.equal(cellOf(grown, T0 + 120, 101).long, 4);
  assert.equal(grown.meta.total_consumed, 35, "no column counts twice");
  const repainted = blockOf(answer([column(0, [[100, 999, 0]])], 1), SPAN);
  assert.equal(cellOf(extended(grown, repainted), T0, 100).long, 1, "no repaint");
  const all = [0, 1, 2, 3].map((at) => column(at, [[100, 999, 0]]));
  const whole = extended(grown, blockOf(answer(all, 4), SPAN));
  const told = [0, 1, 2, 3].map((at) => cellOf(whole, T0 + at * MINUTE, 100).long);
  assert.deepEqual(told, [1, 0, 0, 999], "of an answer over all of it only what is new counts");
});

test("what is told of a grown block is told of all of it", () => {
  const venue = (bars) => [{ exchange: "okx", bars, marks: 1, open_interest: 0, reason: "" }];
  const first = blockOf(
    answer(
      [0, 1, 2].map((at) => column(at, [[100, 1, 0]])),
      3,
      {
        coverage: venue(1),
        total_created: 6,
        total_consumed: 2,
      },
    ),
    SPAN,
  );
  const tail = blockOf(
    answer([column(3, [[100, 1, 0]])], 4, {
      start_time: iso(T0 + 180),
      coverage: venue(0),
      total_created: 1,
      total_consumed: 3,
    }),
    { ...SPAN, start: T0 + 180 },
  );
  const { meta } = extended(first, tail);
  assert.equal(meta.coverage[0].bars, 0.75);
  assert.deepEqual([meta.total_created, meta.total_consumed], [7, 5]);
  assert.deepEqual([meta.start_time, meta.end_time], [iso(T0), iso(T0 + 240)]);
  const none = blockOf(answer([], 0, { coverage: venue(0) }), { ...SPAN, start: T0 + 180 });
  assert.equal(extended(first, none).meta, first.meta, "nothing new: nothing else is told");
});
