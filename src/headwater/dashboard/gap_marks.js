/** @file Holes of the streams, marked in a pane of the chart of candles and told in its numbers. */

import { computed, effect } from "@preact/signals";
import { holeText, holesIn, holesWords, ofChannels } from "./gaps.js";
import { holes, watchHoles } from "./gap_ledger.js";
import { leftEdges } from "./heatmap_primitive.js";
import { secondsOf } from "./liquidation_bars.js";
import { appearance, zone } from "./preferences.js";
import { HOLE_PX, fillStripes } from "./stripes.js";
import { interval } from "./view.js";

/** @typedef {import("lightweight-charts").Time} Time */
/** @typedef {import("lightweight-charts").IPanePrimitive<Time>} Primitive */

/** Marks the holes of some streams of the market that is looked at, until `stop`. */
export class GapMarks {
  #update = () => {};

  /**
   * @param {import("lightweight-charts").IChartApi} chart
   * @param {number} pane its number in the chart
   * @param {readonly string[]} channels the streams
   */
  constructor(chart, pane, channels) {
    this.chart = chart;
    this.holes = computed(() => ofChannels(holes.value, channels));
    const place = chart.panes()[pane];
    const primitive = this.#primitive();
    place.attachPrimitive(primitive);
    const unwatch = watchHoles();
    const end = effect(() => {
      void [appearance.value, interval.value, this.holes.value];
      this.#update();
    });
    this.stop = () => {
      end();
      unwatch();
      place.detachPrimitive(primitive);
    };
  }

  /** What is missing of a candle, as parts of a legend. @param {number} time when it begins */
  readout(time) {
    return holesWords(this.#of(this.holes.value, time), zone.value).map((words) => {
      const part = document.createElement("span");
      part.className = "hole";
      part.textContent = `▨ ${words}`;
      return part;
    });
  }

  /** The same for a table; empty when nothing is missing. @param {number} time */
  cell(time) {
    return holeText(this.#of(this.holes.peek(), time));
  }

  /** @param {readonly import("./gaps.js").Hole[]} all @param {number} time */
  #of(all, time) {
    return holesIn(all, time, time + secondsOf(interval.peek()));
  }

  /** @returns {Primitive} */
  #primitive() {
    const view = {
      zOrder: () => /** @type {const} */ ("bottom"),
      renderer: () => ({
        draw: () => {},
        drawBackground: (/** @type {any} */ target) => this.#draw(target),
      }),
    };
    return {
      attached: ({ requestUpdate }) => {
        this.#update = requestUpdate;
      },
      detached: () => {
        this.#update = () => {};
      },
      paneViews: () => [view],
    };
  }

  /** @param {any} target the canvas of the pane */
  #draw(target) {
    const marked = this.holes.peek();
    if (marked.length === 0) return;
    const xOf = leftEdges(this.chart.timeScale(), secondsOf(interval.peek()));
    target.useMediaCoordinateSpace((/** @type {any} */ { context, mediaSize }) => {
      for (const hole of marked) {
        const [from, to] = [xOf(hole.from), xOf(hole.to)];
        if (from === null || to === null) continue;
        const left = Math.max(from, 0);
        const width = Math.min(Math.max(to - left, HOLE_PX), mediaSize.width - left);
        if (to < 0 || width <= 0) continue;
        fillStripes(context, { left, top: 0, width, height: mediaSize.height });
      }
    });
  }
}
