/** @file Who hops through markets asks only for the one where he stays. */

/** So long after a question was given up, the next ones wait. */
export const HOPPING_MS = 1_000;
/** How long they wait: whoever looks at a market for that long stays. */
export const STAY_MS = 200;

/** Notes questions that were given up, and holds the following ones back for a moment. */
export class Hopping {
  #untilMs = -Infinity;

  /** @param {() => number} nowMs a clock that never goes back */
  constructor(nowMs) {
    this.nowMs = nowMs;
  }

  /** A question was given up before its answer came. */
  gaveUp() {
    this.#untilMs = this.nowMs() + HOPPING_MS;
  }

  /**
   * Comes at once, or after a stay when questions were given up lately.
   * @param {AbortSignal} aborted ends the wait
   * @returns {Promise<void>}
   * @throws {unknown} the reason of the end, when it came during the wait
   */
  async stayed(aborted) {
    if (this.nowMs() >= this.#untilMs) return;
    aborted.throwIfAborted();
    await new Promise((go, stop) => {
      const end = () => {
        clearTimeout(timer);
        this.gaveUp();
        stop(aborted.reason);
      };
      const timer = setTimeout(() => {
        aborted.removeEventListener("abort", end);
        go(undefined);
      }, STAY_MS);
      aborted.addEventListener("abort", end, { once: true });
    });
  }
}
