/** @file What stands above a ladder: the rounding, and the way back to the centre. */

import { added } from "./book_bar.js";
import { decimalsOf, fixed } from "./format.js";

/** The tools of one ladder. */
export class LadderTools {
  /** @type {readonly number[]} */
  #options = [];

  /**
   * @param {HTMLElement} host
   * @param {object} hears
   * @param {(choice: string) => void} hears.step another rounding is wanted
   * @param {() => void} hears.centre
   */
  constructor(host, hears) {
    this.hears = hears;
    const bar = added(host, "div", "ladder-tools", "");
    const label = added(bar, "label", "", "Rounding ");
    this.steps = document.createElement("select");
    this.steps.title = "Rounding of prices (+ and −)";
    label.append(this.steps);
    this.steps.addEventListener("change", () => hears.step(this.steps.value));
    this.centreButton = added(bar, "button", "icon text", "Centre");
    this.centreButton.setAttribute("type", "button");
    this.centreButton.setAttribute("aria-label", "Centre the order book");
    this.centreButton.title = "Centre (c)";
    this.centreButton.addEventListener("click", hears.centre);
  }

  /** @param {boolean} isCentred whether the view follows the middle */
  centred(isCentred) {
    this.centreButton.setAttribute("aria-pressed", String(isCentred));
  }

  /** Chooses a coarser rounding, or a finer one. @param {number} by */
  stepBy(by) {
    const at = Number(this.steps.value) + by;
    if (this.#options.length > 0 && at >= 0 && at < this.#options.length) {
      this.hears.step(String(at));
    }
  }

  /** @param {readonly number[]} options roundings that can be chosen
   * @param {number | undefined} step that is shown
   */
  offer(options, step) {
    if (options.join() !== this.#options.join()) {
      this.#options = options;
      this.steps.replaceChildren(...options.map(optionOf));
    }
    this.steps.disabled = options.length === 0;
    const at = String(options.indexOf(step ?? NaN));
    if (at !== "-1" && this.steps.value !== at) this.steps.value = at;
  }
}

/** @param {number} step @param {number} at */
function optionOf(step, at) {
  const option = document.createElement("option");
  option.value = String(at);
  option.textContent = fixed(step, decimalsOf([step]));
  return option;
}
