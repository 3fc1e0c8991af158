/** @file The raster: which pixel has which colour, what is painted, what is only copied. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  COLUMNS_MAX,
  HeatmapRaster,
  PALETTES,
  ramp,
  stepOf,
} from "../../src/headwater/dashboard/heatmap_raster.js";

/** A canvas in memory: pixels that were put, copies that were asked for. */
function raster() {
  const canvas = { width: 0, height: 0 };
  const pixels = new Map();
  const surface = {
    createImageData: (width, height) => ({
      width,
      height,
      data: new Uint8ClampedArray(width * height * 4),
    }),
    putImageData: (image, x, y) => {
      for (let at = 0; at < image.width * image.height; at += 1) {
        const place = [x + (at % image.width), y + Math.floor(at / image.width)].join();
        pixels.set(place, [...image.data.subarray(at * 4, at * 4 + 4)]);
      }
    },
    drawImage: () => {},
  };
  return { made: new HeatmapRaster(canvas, surface), canvas, pixels };
}

function target() {
  const copies = [];
  return {
    copies,
    imageSmoothingEnabled: true,
    globalAlpha: 1,
    createImageData: () => {},
    putImageData: () => {},
    drawImage(image, ...place) {
      copies.push({ place, smooth: this.imageSmoothingEnabled, alpha: this.globalAlpha });
    },
  };
}

const GREY = [
  { at: 0, rgba: [0, 0, 0, 255] },
  { at: 1, rgba: [255, 255, 255, 255] },
];
const LINEAR = { low: 0, high: 100, scale: "linear" };
const cells = (columns, rows, values) => ({ columns, rows, values: Float64Array.from(values) });

test("a palette runs from its first colour to its last in equal steps", () => {
  const bytes = ramp(GREY);
  assert.deepEqual([...bytes.subarray(0, 4)], [0, 0, 0, 255]);
  assert.deepEqual([...bytes.subarray(255 * 4)], [255, 255, 255, 255]);
  assert.deepEqual([...bytes.subarray(51 * 4, 51 * 4 + 4)], [51, 51, 51, 255]);
});

test("palettes grow lighter for more, so that no colour has to be told apart", () => {
  for (const stops of Object.values(PALETTES)) {
    const bytes = ramp(stops);
    let before = -1;
    for (let step = 0; step < 256; step += 15) {
      const [r, g, b, a] = bytes.subarray(step * 4, step * 4 + 4);
      const light = ((0.2126 * r + 0.7152 * g + 0.0722 * b) * a) / 255;
      assert.ok(light >= before, `${step}: ${light} after ${before}`);
      before = light;
    }
  }
});

test("values become steps: nothing, the least, the middle, all", () => {
  // 50 of 100 is half of 256 steps; its root is half of 10 at 25; its logarithm at 1 of 0.01 to 100
  // (a little more, because logarithms are rounded).
  const linear = stepOf(LINEAR);
  assert.deepEqual([NaN, -1, 0, 0.1, 50, 100, 1e9].map(linear), [-1, -1, -1, 0, 128, 255, 255]);
  assert.equal(stepOf({ low: 0, high: 100, scale: "sqrt" })(25), 128);
  assert.equal(stepOf({ low: 0.01, high: 100, scale: "log" })(1.001), 128);
  assert.equal(stepOf({ low: 0, high: 100, scale: "log" })(1e-9), 0);
});

test("a threshold hides what is not above it", () => {
  const step = stepOf({ low: 40, high: 80, scale: "linear" });
  assert.deepEqual([39, 40, 60, 80].map(step), [-1, -1, 128, 255]);
});

test("a range of nothing shows all or nothing", () => {
  assert.deepEqual([5, 6].map(stepOf({ low: 5, high: 5, scale: "linear" })), [-1, 255]);
});

test("the first row is the lowest price and lies at the bottom, columns go to the right", () => {
  const { made, canvas, pixels } = raster();
  made.paint(cells(2, 2, [100, 0, NaN, 50]), GREY, LINEAR);
  assert.deepEqual(pixels.get("0,1"), [255, 255, 255, 255]);
  assert.deepEqual(pixels.get("0,0"), [0, 0, 0, 0]);
  assert.deepEqual(pixels.get("1,1"), [0, 0, 0, 0]);
  assert.deepEqual(pixels.get("1,0"), [128, 128, 128, 255]);
  assert.ok(canvas.width >= 2 && canvas.height === 2);
});

test("a new column paints one column, and equals the same map painted at once", () => {
  const values = Array.from({ length: 30 }, (_, index) => (index * 37) % 101);
  const grown = raster();
  grown.made.paint(cells(9, 3, values.slice(0, 27)), GREY, LINEAR);
  assert.equal(grown.made.painted, 9);
  assert.equal(grown.made.append(Float64Array.from(values.slice(27))), true);
  assert.equal(grown.made.painted, 10);
  const whole = raster();
  whole.made.paint(cells(10, 3, values), GREY, LINEAR);
  assert.deepEqual(new Map([...grown.pixels].sort()), new Map([...whole.pixels].sort()));
});

test("a forming column is painted over, what it no longer has included", () => {
  const { made, pixels } = raster();
  made.paint(cells(2, 1, [10, 100]), GREY, LINEAR);
  made.replaceLast(Float64Array.from([0]));
  assert.deepEqual(pixels.get("1,0"), [0, 0, 0, 0]);
  assert.equal(made.columns, 2);
});

test("there is room for some columns, then the map wants to be painted anew", () => {
  const { made } = raster();
  made.paint(cells(1, 1, [1]), GREY, LINEAR);
  let added = 0;
  while (made.append(Float64Array.from([1]))) added += 1;
  assert.equal(added, 64);
  assert.equal(made.columns, 65);
});

test("panning copies what is seen, and paints nothing", () => {
  const { made } = raster();
  made.paint(cells(100, 50, Array(5000).fill(1)), GREY, LINEAR);
  const canvas = target();
  const seen = { width: 200, height: 100 };
  for (let x = 0; x > -500; x -= 10)
    made.blit(canvas, { x, y: -50, width: 1000, height: 200 }, seen, 0.5);
  assert.equal(made.painted, 100);
  assert.equal(canvas.copies.length, 50);
  // Columns are 10 wide: at x = -100 the 10th to the 29th are seen; rows 4 high: 12.5 to 37.5.
  assert.deepEqual(canvas.copies[10], {
    place: [10, 12, 20, 26, 0, -2, 200, 104],
    smooth: false,
    alpha: 0.5,
  });
  assert.equal(canvas.globalAlpha, 1);
});

test("what is out of sight is not copied", () => {
  const { made } = raster();
  const canvas = target();
  const seen = { width: 200, height: 100 };
  made.blit(canvas, { x: 0, y: 0, width: 100, height: 100 }, seen);
  made.paint(cells(2, 2, [1, 1, 1, 1]), GREY, LINEAR);
  for (const x of [-101, 200, 5000]) made.blit(canvas, { x, y: 0, width: 100, height: 100 }, seen);
  assert.equal(canvas.copies.length, 0);
});

test("sizes that are not so are refused", () => {
  const { made } = raster();
  assert.throws(() => made.paint(cells(2, 2, [1]), GREY, LINEAR), /1 values: 2 × 2/);
  assert.throws(() => made.paint(cells(COLUMNS_MAX + 1, 0, []), GREY, LINEAR), /at most 8192/);
  made.paint(cells(1, 2, [1, 2]), GREY, LINEAR);
  assert.throws(() => made.append(Float64Array.from([1])), /a column has 2/);
  assert.throws(() => made.replaceLast(Float64Array.from([1])), /the last of 1/);
});

test("negative values have the other palette where there is one, and else no colour", () => {
  const RED = [
    { at: 0, rgba: [0, 0, 0, 255] },
    { at: 1, rgba: [255, 0, 0, 255] },
  ];
  const one = raster();
  one.made.paint(cells(1, 3, [-100, 100, NaN]), GREY, LINEAR, RED);
  assert.deepEqual(one.pixels.get("0,2"), [255, 0, 0, 255]);
  assert.deepEqual(one.pixels.get("0,1"), [255, 255, 255, 255]);
  assert.deepEqual(one.pixels.get("0,0"), [0, 0, 0, 0]);
  one.made.paint(cells(1, 1, [-100]), GREY, LINEAR);
  assert.deepEqual(one.pixels.get("0,0"), [0, 0, 0, 0]);
});

test("a threshold hides, and the palette begins where it is told", () => {
  const whole = stepOf({ low: 0, high: 100, scale: "sqrt" });
  const hiding = stepOf({ low: 25, from: 0, high: 100, scale: "sqrt" });
  assert.equal(hiding(25), -1);
  for (const value of [26, 50, 100]) assert.equal(hiding(value), whole(value));
});
