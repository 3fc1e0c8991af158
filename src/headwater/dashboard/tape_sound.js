/**
 * @file Short tones for large events: three tiers by size, higher for buying than for selling.
 *
 * Silent until it is switched on by a person, and again after each load of the page. Nothing is
 * fetched: the tones are made by the browser.
 */

/** Hertz and seconds of the three tiers. */
const TONES = [
  { hertz: 440, lengthS: 0.06 },
  { hertz: 587, lengthS: 0.12 },
  { hertz: 784, lengthS: 0.28 },
];
const BUYING_IS_HIGHER = 1.5;
/** What comes sooner after a tone is not heard, unless it is of a higher tier. */
const GAP_S = 0.1;

/** Tones of one panel. */
export class TapeSound {
  /** @type {AudioContext | null} */
  #audio = null;
  #lastS = -Infinity;
  #lastTier = 0;

  /** @param {() => AudioContext} open makes the browser's way to the loudspeaker */
  constructor(open = () => new AudioContext()) {
    this.open = open;
  }

  get isOn() {
    return this.#audio !== null;
  }

  /** Switches over; to be called while a person presses something, else browsers stay silent. */
  toggle() {
    if (this.#audio === null) this.#audio = this.open();
    else this.off();
  }

  off() {
    void this.#audio?.close();
    this.#audio = null;
  }

  /**
   * Makes a tone, or none when one has just been made.
   * @param {number} tier 1 to 3; nothing below
   * @param {boolean} isBuying
   * @param {number} volume 0 to 1
   * @returns {boolean} whether it is heard
   */
  play(tier, isBuying, volume) {
    const audio = this.#audio;
    if (audio === null || tier < 1) return false;
    const nowS = audio.currentTime;
    if (nowS - this.#lastS < GAP_S && tier <= this.#lastTier) return false;
    this.#lastS = nowS;
    this.#lastTier = tier;
    const { hertz, lengthS } = TONES[Math.min(tier, TONES.length) - 1];
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = isBuying ? hertz * BUYING_IS_HIGHER : hertz;
    // It fades: an edge would click.
    gain.gain.setValueAtTime(volume * 0.25, nowS);
    gain.gain.exponentialRampToValueAtTime(0.0001, nowS + lengthS);
    tone.connect(gain).connect(audio.destination);
    tone.start(nowS);
    tone.stop(nowS + lengthS);
    return true;
  }
}
