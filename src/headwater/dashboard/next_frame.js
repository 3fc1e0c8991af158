/** @file Drawing once a frame, however often something changes until then. */

/** Work for the next frame; there is none in a tab that nobody sees. */
export class NextFrame {
  #asked = 0;

  /** @param {() => void} draw */
  constructor(draw) {
    this.draw = draw;
  }

  /** Draws in the next frame: once, however often this is called. */
  wake() {
    if (this.#asked !== 0) return;
    this.#asked = requestAnimationFrame(() => {
      this.#asked = 0;
      this.draw();
    });
  }

  /** Draws nothing any more of what was asked for. */
  cancel() {
    cancelAnimationFrame(this.#asked);
    this.#asked = 0;
  }
}
