/**
 * @file The columns of one layer of the heat map: those that are looked at with a margin, and the
 * newest as bars close.
 *
 * Time and questions are passed in. Blocks of the past are asked for once; what the block of now
 * lacks is asked for every few seconds while it is looked at.
 */

import { signal } from "@preact/signals-core";
import { blocksWithin, extended, frameOf, tailStart } from "./heatmap_block.js";
import { waitBefore } from "./stream.js";

/** Blocks that are shown at a time, of 240 to 288 columns each; of a longer view, the newest.
 * Those of the newest column are held besides. */
export const BLOCKS_MAX = 5;
/** How much of what is seen is loaded beside it, on both sides. */
const MARGIN = 0.25;
/** A view that moves on is not asked for until it rests so long. */
const REST_MS = 200;
const TAIL_EVERY_MS = 5_000;
/** Of the realised map the running column and the one before it, which is told late things. */
const OPEN_COLUMNS = 2;
/** Heights of a row that the API takes as a parameter. */
const ROW_PRICE_MIN = 1e-8;
const ROW_PRICE_MAX = 1_000;

/**
 * @typedef {import("./heatmap_block.js").Block} Block
 *
 * @typedef {object} Question which map
 * @property {string} symbol @property {string} model as the API names it
 * @property {string} interval a time frame of the page
 * @property {string | undefined} exchanges one venue; all of them when not given
 *
 * @typedef {object} Sources
 * @property {typeof import("./heatmap_questions.js").askBlock} ask
 * @property {(work: () => void, ms: number) => () => void} later
 *   calls once; returns what prevents it
 * @property {() => boolean} isHidden nobody sees the page
 * @property {() => number} random from 0 to 1
 *
 * @typedef {object} View what is looked at, in seconds since 1970
 * @property {number} from @property {number} to exclusive
 * @property {number} newest when the newest bar began
 *
 * @typedef {object} FeedState
 * @property {"waiting" | "loading" | "ready" | "failed"} phase
 * @property {string} text what failed, for people
 */

/** Follows one layer of one market until `stop`. */
export class HeatmapFeed {
  state = signal(/** @type {FeedState} */ ({ phase: "waiting", text: "" }));
  /** @type {Map<number, Block>} by the time at which the block begins */
  blocks = new Map();
  /** Rises with every change of the blocks. */
  version = 0;
  /** Height of a row, which the first answer chose for all of them; 0 before. */
  rowPrice = 0;
  /** Whether more is looked at than is shown. */
  isCut = false;
  /** @type {View | null} */
  #view = null;
  #aborting = new AbortController();
  #isAsking = false;
  /** Which blocks were looked at last. */
  #seen = "";
  #attempt = 0;
  #cancelRest = () => {};
  #cancelTail = () => {};

  /** @param {Question} question @param {Sources} sources @param {() => void} changed */
  constructor(question, sources, changed) {
    this.question = question;
    this.sources = sources;
    this.changed = changed;
    this.frame = frameOf(question.interval);
    this.isModel = question.model !== "realised";
    this.#tick();
  }

  stop() {
    this.#aborting.abort();
    this.#cancelRest();
    this.#cancelTail();
  }

  /** Says what is looked at. @param {View} view */
  look(view) {
    this.#view = view;
    this.#cancelRest();
    this.#cancelRest = this.sources.later(() => void this.#load(), REST_MS);
  }

  /** Asks again, at once, for what failed. */
  again() {
    this.#attempt = 0;
    void this.#load();
  }

  /** Blocks that are looked at, side by side.
   * @returns {Block[]}
   */
  seen() {
    const starts = this.#viewed();
    return starts.flatMap((start) => this.blocks.get(start) ?? []);
  }

  /** The newest column's end, and its block; none before there is one.
   * @returns {{block: Block, end: number} | null}
   */
  newest() {
    let found = null;
    for (const block of this.blocks.values()) {
      const end = block.start + block.closed * block.step;
      if (block.closed > 0 && (found === null || end > found.end)) found = { block, end };
    }
    return found;
  }

  #tick() {
    const wait = this.#attempt === 0 ? 0 : waitBefore(this.#attempt, this.sources.random());
    this.#cancelTail = this.sources.later(() => {
      if (!this.sources.isHidden()) void this.#load();
      this.#tick();
    }, TAIL_EVERY_MS + wait);
  }

  /** Beginnings of the blocks that are looked at, newest first. */
  #viewed() {
    const view = this.#view;
    if (view === null) return [];
    const margin = (view.to - view.from) * MARGIN;
    const end = view.newest + this.frame.barSeconds;
    const to = Math.min(view.to + margin, end);
    const starts = blocksWithin(this.frame, Math.min(view.from - margin, to), to, BLOCKS_MAX);
    this.isCut = (starts.at(-1) ?? view.from) > view.from;
    return starts;
  }

  /** Beginnings of the blocks that are needed now, newest first: the newest column is always. */
  #wanted() {
    if (this.#view === null) return [];
    const { newest } = this.#view;
    const { step, barSeconds } = this.frame;
    const now = blocksWithin(this.frame, newest - step, newest + barSeconds, 2);
    return [...new Set([...now, ...this.#viewed()])];
  }

  /** @param {number} start of a block */
  #lacks(start) {
    const block = this.blocks.get(start);
    if (block === undefined) return true;
    const view = this.#view;
    if (view === null || block.columns === 0) return view !== null && this.#isOfNow(start);
    const end = Math.min(start + this.frame.length, view.newest);
    return block.start + block.closed * block.step < end;
  }

  /** @param {number} start of a block */
  #isOfNow(start) {
    return this.#view !== null && start + this.frame.length > this.#view.newest;
  }

  /** Asks for what is needed and lacking, one after the other, the newest first. */
  async #load() {
    if (this.#isAsking || this.#aborting.signal.aborted) return;
    this.#isAsking = true;
    try {
      this.#forget();
      const seen = this.#viewed().join();
      if (seen !== this.#seen) this.changed();
      this.#seen = seen;
      const lacking = this.#wanted().filter((start) => this.#lacks(start));
      for (const start of lacking) {
        // The view may have moved on while one was asked for.
        if (!this.#wanted().includes(start)) continue;
        if (!this.blocks.has(start)) this.#say("loading", "");
        await this.#ask(start);
      }
      this.#attempt = 0;
      if (this.#view !== null) this.#say("ready", "");
    } catch (error) {
      if (this.#aborting.signal.aborted) return;
      this.#attempt += 1;
      this.#say("failed", error instanceof Error ? error.message : String(error));
    } finally {
      this.#isAsking = false;
    }
  }

  /** @param {number} start of a block */
  async #ask(start) {
    const known = this.blocks.get(start);
    const from = known?.columns ? tailStart(this.frame, known, this.isModel) : start;
    const isNow = this.#isOfNow(start);
    const { symbol, model, exchanges } = this.question;
    const isRight = this.rowPrice >= ROW_PRICE_MIN && this.rowPrice <= ROW_PRICE_MAX;
    const query = {
      symbol,
      model,
      exchanges,
      interval: this.frame.interval,
      start_time: from * 1000,
      end_time: isNow ? undefined : (start + this.frame.length) * 1000,
      price_bin_size: isRight ? this.rowPrice : undefined,
    };
    const open = isNow && !this.isModel ? OPEN_COLUMNS : 0;
    const span = { start: from, step: this.frame.step, isModel: this.isModel, open };
    const found = await this.sources.ask(query, span, this.#aborting.signal);
    if (this.rowPrice === 0) this.rowPrice = found.rowPrice;
    else if (found.rows > 0 && found.rowPrice !== this.rowPrice) {
      throw new Error(`rows of ${found.rowPrice} do not fit those of ${this.rowPrice}`);
    }
    this.blocks.set(start, known?.columns ? extended(known, found) : found);
    this.version += 1;
    this.changed();
  }

  /** Lets go of blocks that are not looked at any more. */
  #forget() {
    const wanted = new Set(this.#wanted());
    for (const start of this.blocks.keys()) {
      if (wanted.has(start)) continue;
      this.blocks.delete(start);
      this.version += 1;
    }
  }

  /** @param {FeedState["phase"]} phase @param {string} text */
  #say(phase, text) {
    const { phase: last, text: before } = this.state.peek();
    if (last !== phase || before !== text) this.state.value = { phase, text };
  }
}
