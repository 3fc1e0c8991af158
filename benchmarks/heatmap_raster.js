/**
 * @file A heat map that is panned, drawn in two ways; called by bench_heatmap_raster.py.
 *
 * One frame is: clear, draw all that is seen of the map. "raster" copies the painted image, "cells"
 * fills one rectangle for each cell, as the heat map example of Lightweight Charts does. "panel" is
 * the chart of the candles panel itself with its layers, "candles" the same without any.
 */

import { CandleChart } from "../src/headwater/dashboard/candle_chart.js";
import { HeatmapLayer } from "../src/headwater/dashboard/heatmap_layer.js";
import { HeatmapPrimitive } from "../src/headwater/dashboard/heatmap_primitive.js";
import {
  HeatmapRaster,
  PALETTES,
  ramp,
  stepOf,
} from "../src/headwater/dashboard/heatmap_raster.js";

const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("seen"));
const context = canvas.getContext("2d");
const RANGE = { low: 0, high: 1e6, scale: "sqrt" };

/** Values of a map from a seeded generator: most cells hold something, as models' maps do. */
function made(columns, rows, seed) {
  let state = seed >>> 0;
  const values = new Float32Array(columns * rows);
  for (let at = 0; at < values.length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[at] = 1 + (state / 2 ** 32) ** 3 * 1e6;
  }
  return { columns, rows, values };
}

function cellByCell(cells, colours, step) {
  const columnPx = canvas.width / cells.columns;
  const rowPx = canvas.height / cells.rows;
  return (x) => {
    for (let column = 0; column < cells.columns; column += 1) {
      const left = x + column * columnPx;
      if (left + columnPx < 0 || left > canvas.width) continue;
      for (let row = 0; row < cells.rows; row += 1) {
        const at = step(cells.values[column * cells.rows + row]);
        if (at < 0) continue;
        context.fillStyle = colours[at];
        context.fillRect(left, canvas.height - (row + 1) * rowPx, columnPx + 0.5, rowPx + 0.5);
      }
    }
  };
}

function painted(cells) {
  const own = new OffscreenCanvas(1, 1);
  const raster = new HeatmapRaster(own, own.getContext("2d"));
  const began = performance.now();
  raster.paint(cells, PALETTES.ember, RANGE);
  own.getContext("2d").getImageData(0, 0, 1, 1);
  return { raster, paintMs: performance.now() - began };
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** Pans the map for some frames. Returns the script's time in each frame, and the time from each
 * frame to the next, which has the browser's drawing in it. */
async function pan(draw, frames) {
  const scriptMs = [];
  const betweenMs = [];
  let before = await nextFrame();
  for (let frame = 0; frame < frames; frame += 1) {
    const began = performance.now();
    context.clearRect(0, 0, canvas.width, canvas.height);
    draw(-((frame * 3) % 400) / 4);
    scriptMs.push(performance.now() - began);
    const now = await nextFrame();
    betweenMs.push(now - before);
    before = now;
  }
  return { scriptMs, betweenMs };
}

/** A layer of the panel with all cells as one block of its feed. */
function layerOf(id, cells, step) {
  const block = {
    start: 0,
    step,
    columns: cells.columns,
    closed: cells.columns,
    base: 0,
    rows: cells.rows,
    rowPrice: 1,
    long: Float64Array.from(cells.values, (value, at) => (at % 2 ? value : 0)),
    short: Float64Array.from(cells.values, (value, at) => (at % 2 ? 0 : value)),
    meta: {},
    incomplete: "",
  };
  const feed = {
    seen: () => [block],
    version: 1,
    frame: { step, barSeconds: step },
    newest: () => ({ block, end: cells.columns * step }),
  };
  const layer = new HeatmapLayer(id, feed, () => {
    const own = new OffscreenCanvas(1, 1);
    return new HeatmapRaster(own, own.getContext("2d"));
  });
  layer.lead(null);
  layer.paint({ theme: "dark", bySide: false, threshold: 0.05, opacity: 0.8 });
  return layer;
}

/** The chart of the candles panel with layers behind it, which is scrolled. The script's time is
 * that of the layers' own drawing; from frame to frame has the whole chart in it. */
async function inChart(ids, cells, frames) {
  const host = document.getElementById("chart");
  host.style.width = "1200px";
  host.style.height = "600px";
  const chart = new CandleChart(host, { pointed: () => {}, nearPast: () => {} });
  const bars = Array.from({ length: cells.columns }, (_, index) => {
    const middle = cells.rows / 2 + (cells.rows / 3) * Math.sin(index / 20);
    const prices = { open: middle, high: middle + 9, low: middle - 9, close: middle + 3 };
    return { time: index * 60, ...prices, volume: 5 + (index % 7) };
  });
  const primitive = new HeatmapPrimitive(60);
  chart.bars.attachPrimitive(primitive);
  chart.drawAll(bars);
  primitive.show(ids.flatMap((id) => layerOf(id, cells, 60).maps));
  chart.chart.timeScale().fitContent();
  const renderer = primitive.paneViews()[0].renderer();
  let drawnMs = 0;
  let drawings = 0;
  primitive.paneViews()[0].renderer = () => ({
    draw: renderer.draw,
    drawBackground: (target) => {
      const began = performance.now();
      renderer.drawBackground(target);
      drawnMs += performance.now() - began;
      drawings += 1;
    },
  });
  const scriptMs = [];
  const betweenMs = [];
  // The first frames of a chart are its own settling.
  for (let frame = 0; frame < 20; frame += 1) await nextFrame();
  let before = await nextFrame();
  for (let frame = 0; frame < frames; frame += 1) {
    drawnMs = 0;
    chart.chart.timeScale().scrollToPosition(-((frame * 3) % 200), false);
    const now = await nextFrame();
    scriptMs.push(drawnMs);
    betweenMs.push(now - before);
    before = now;
  }
  chart.remove();
  return { scriptMs, betweenMs, drawings };
}

window.measure = async (columns, rows, frames, seed) => {
  const cells = made(columns, rows, seed);
  const bytes = ramp(PALETTES.ember);
  const colours = Array.from({ length: 256 }, (_, at) => {
    const [r, g, b, a] = bytes.subarray(at * 4, at * 4 + 4);
    return `rgba(${r}, ${g}, ${b}, ${a / 255})`;
  });
  const { raster, paintMs } = painted(cells);
  const area = (x) => ({ x, y: 0, width: canvas.width, height: canvas.height });
  const rasterWay = await pan((x) => raster.blit(context, area(x), canvas), frames);
  const cellWay = await pan(cellByCell(cells, colours, stepOf(RANGE)), Math.ceil(frames / 4));
  const bareWay = await inChart([], cells, frames);
  const chartWay = await inChart(["estimated"], cells, frames);
  const layersWay = await inChart(["estimated", "realised"], cells, frames);
  const column = cells.values.slice(0, rows);
  const began = performance.now();
  for (let count = 0; count < 50; count += 1) raster.append(column);
  return {
    paintMs,
    appendMs: (performance.now() - began) / 50,
    raster: rasterWay,
    bare: bareWay,
    chart: chartWay,
    layers: layersWay,
    cells: cellWay,
  };
};
