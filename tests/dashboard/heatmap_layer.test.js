/** @file A layer's cells, its newest column carried on, its colours and its amounts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  amountAt,
  palettesOf,
  rangeOf,
  shareOf,
  topOf,
} from "../../src/headwater/dashboard/heatmap_colours.js";
import { HeatmapLayer, joined } from "../../src/headwater/dashboard/heatmap_layer.js";
import { stepOf } from "../../src/headwater/dashboard/heatmap_raster.js";

const block = (start, columns, base, long, short, more = {}) => ({
  start,
  step: 60,
  columns,
  closed: columns,
  base,
  rows: long.length / columns,
  rowPrice: 10,
  long: Float64Array.from(long),
  short: Float64Array.from(short),
  meta: { coverage: [] },
  incomplete: "",
  ...more,
});

/** A raster that remembers what it was told to paint. */
const raster = () => ({
  paints: [],
  columns: 0,
  paint(...what) {
    this.paints.push(what);
    this.columns = what[0].columns;
  },
});

function layerOf(blocks, id = "estimated", frame = { step: 60, barSeconds: 60 }) {
  const rasters = [];
  const feed = {
    blocks: new Map(blocks.map((one) => [one.start, one])),
    version: 1,
    frame,
    seen: () => [...feed.blocks.values()],
    newest: () => {
      const last = blocks.at(-1);
      return last && { block: last, end: last.start + last.closed * last.step };
    },
  };
  const layer = new HeatmapLayer(id, feed, () => {
    rasters.push(raster());
    return rasters.at(-1);
  });
  return { layer, rasters, feed };
}

const LOOK = { theme: "dark", bySide: false, threshold: 0.1, opacity: 0.5 };

test("blocks lie side by side; a hole between them is unknown, an empty cell is zero", () => {
  const found = joined(
    [block(600, 2, 10, [1, 2, 3, 4], [0, 0, 0, 40]), block(780, 1, 11, [5, 0], [0, 0])],
    false,
  );
  assert.deepEqual([found.start, found.base], [600, 10]);
  assert.deepEqual([found.cells.columns, found.cells.rows], [4, 3]);
  const rest = [NaN, NaN, NaN, NaN, 5, 0];
  assert.deepEqual([...found.cells.values], [1, 2, NaN, 3, 44, NaN, ...rest]);
  assert.equal(joined([], false), null);
});

test("by side the larger one counts: longs below zero, shorts above", () => {
  const found = joined([block(0, 1, 0, [5, 1, 2], [1, 5, 0])], true);
  assert.deepEqual([...found.cells.values], [-5, 5, -2]);
});

test("the newest closed column is carried on as of its end; the realised one is not", () => {
  const blocks = [block(600, 3, 10, [1, 2, 3, 4, 5, 6], [0, 0, 0, 7, 0, 0], { closed: 2 })];
  const { layer } = layerOf(blocks);
  layer.lead(null);
  assert.deepEqual([...layer.front.block.long], [3, 4]);
  assert.equal(layer.front.block.start, 720);
  const cell = layer.cellAt(800, 115);
  assert.deepEqual(
    [cell.asOf, cell.price, cell.long, cell.short, cell.rowPrice],
    [720, 110, 4, 7, 10],
  );
  assert.equal(layer.cellAt(660, 115).asOf, null);
  assert.equal(layer.cellAt(599, 115), null);
  const realised = layerOf(blocks, "realised").layer;
  realised.lead(null);
  assert.equal(realised.front, null);
});

test("the live map leads where it tells of a later moment", () => {
  const { layer } = layerOf([block(600, 2, 10, [1, 2], [0, 0])]);
  const live = (start) => block(start, 1, 20, [9], [8], { rowPrice: 5 });
  layer.lead(live(780));
  assert.equal(layer.front.isLive, true);
  const cell = layer.cellAt(725, 101);
  assert.deepEqual([cell.asOf, cell.price, cell.long], [780, 100, 9], "from the last column on");
  layer.lead(live(720));
  assert.equal(layer.front.isLive, false, "of one moment the chart's own bars tell");
  layer.lead(live(660));
  assert.equal(layer.front.isLive, false);
  const same = layerOf([block(900, 1, 10, [1], [0], { step: 900 })], "estimated", {
    step: 900,
    barSeconds: 900,
  }).layer;
  same.lead(live(1800));
  assert.equal(same.front.isLive, true, "bars of 15 minutes are the live map's own");
});

test("only what changed is painted again; the top of the palette stays", () => {
  const { layer, rasters, feed } = layerOf([block(600, 2, 10, [10, 20], [0, 0])]);
  layer.lead(null);
  layer.paint(LOOK);
  assert.equal(layer.top, 20);
  assert.equal(layer.maps.length, 2);
  assert.deepEqual(
    [layer.maps[0].firstTime, layer.maps[0].lowPrice, layer.maps[0].opacity],
    [600, 100, 0.5],
  );
  layer.paint(LOOK);
  assert.equal(rasters[0].paints.length, 1);
  feed.blocks.set(0, block(0, 1, 10, [50], [0]));
  feed.version += 1;
  layer.paint(LOOK);
  assert.equal(rasters[0].paints.length, 2);
  assert.equal(layer.top, 20, "the same amount keeps its colour");
  feed.blocks.set(0, block(0, 1, 10, [900], [0]));
  feed.version += 1;
  layer.paint(LOOK);
  assert.equal(layer.top, 1000, "until amounts are far beyond the palette");
  layer.paint({ ...LOOK, bySide: true });
  const [, palette, , other] = rasters[0].paints.at(-1);
  assert.notDeepEqual(palette, other);
});

test("rows for the table are the cells that hold something, oldest first", () => {
  const { layer } = layerOf([block(660, 1, 10, [0, 3], [0, 0]), block(600, 1, 9, [1], [2])]);
  assert.deepEqual(
    [...layer.rows()],
    [
      [600, 90, 100, 1, 2],
      [660, 110, 120, 3, 0],
    ],
  );
});

test("the palette ends at a round amount above nearly all cells", () => {
  const values = Array.from({ length: 1000 }, (_, at) => at + 1);
  const made = block(0, 1, 0, values, values.fill.call(new Array(1000), 0));
  assert.equal(topOf([made]), 1000);
  assert.equal(topOf([block(0, 1, 0, [3], [0])]), 5);
  assert.equal(topOf([block(0, 1, 0, [0], [0])]), 0);
  const sparse = new Float64Array(100_000);
  sparse[99_999] = 7;
  assert.equal(topOf([block(0, 1, 0, [...sparse], [...sparse])]), 20, "the one cell is found");
});

test("a colour says its amount, and the threshold hides without changing a colour", () => {
  const range = rangeOf(1000, 0);
  const higher = rangeOf(1000, 0.3);
  assert.equal(shareOf(higher, 300), null);
  for (const usd of [301, 500, 999]) assert.equal(stepOf(higher)(usd), stepOf(range)(usd));
  for (const share of [0.1, 0.5, 1]) {
    assert.ok(Math.abs(shareOf(range, amountAt(range, share)) - share) < 1 / 200);
  }
});

test("layers, sides and themes have colours of their own", () => {
  const ids = ["realised", "estimated", "empirical", "observed"];
  const middles = ids.flatMap((id) => {
    const { total, long, short } = palettesOf(id, "dark");
    return [total, long, short].map((stops) => stops[1].rgba.join());
  });
  assert.equal(new Set(middles).size, 12);
  const lightness = ([r, g, b]) => r + g + b;
  const [dark, light] = ["dark", "light"].map((theme) => palettesOf("estimated", theme).total);
  assert.ok(lightness(dark[2].rgba) > lightness(dark[1].rgba), "more is lighter on dark");
  assert.ok(lightness(light[2].rgba) < lightness(light[1].rgba), "more is darker on light");
});
