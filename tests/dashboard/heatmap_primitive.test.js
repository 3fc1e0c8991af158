/** @file Times and prices of a map find their places on a chart, whatever its scale. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { bandsOf, leftEdges } from "../../src/headwater/dashboard/heatmap_primitive.js";

const map = {
  firstTime: 600,
  stepSeconds: 60,
  lowPrice: 100,
  rowPrice: 10,
  raster: { rows: 20, columns: 5 },
};

test("on a linear scale all rows are one band", () => {
  // 300 at the top, 100 at the bottom of 400 pixels.
  assert.deepEqual(
    bandsOf(map, (price) => (300 - price) * 2),
    [{ from: 0, to: 20, top: 0, bottom: 400 }],
  );
});

test("on another scale bands follow it, without a gap or an overlap", () => {
  const yOf = (price) => 1000 - 300 * Math.log(price / 100);
  const bands = bandsOf(map, yOf);
  assert.deepEqual(
    bands.map(({ from, to }) => [from, to]),
    [
      [0, 8],
      [8, 16],
      [16, 20],
    ],
  );
  assert.equal(bands[0].top, yOf(300));
  assert.equal(bands[2].bottom, yOf(100));
  for (const [index, band] of bands.slice(1).entries()) assert.equal(band.top, bands[index].bottom);
});

test("a chart without a scale shows nothing", () => {
  assert.deepEqual(
    bandsOf(map, () => null),
    [],
  );
});

test("left edges are half a bar before the bars, and go on between and beyond them", () => {
  // Bars of 60 s at 600, 660, 720: numbers 0, 1, 2, in the middle at 50, 60, 70 pixels.
  const times = [600, 660, 720];
  const scale = {
    options: () => ({ barSpacing: 10 }),
    timeToIndex: (time) => Math.min(2, Math.max(0, Math.round((time - 600) / 60))),
    logicalToCoordinate: (index) => 50 + 10 * index,
    coordinateToTime: (x) => times[(x - 50) / 10],
  };
  const xOf = leftEdges(scale, 60);
  assert.deepEqual([600, 660, 690, 780, 540].map(xOf), [45, 55, 60, 75, 35]);
  assert.equal(leftEdges({ ...scale, timeToIndex: () => null }, 60)(600), null);
});
