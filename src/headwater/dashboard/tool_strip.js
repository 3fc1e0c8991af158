/** @file The controls above a list: choices, amounts and switches, settings of its panel. */

import { effect } from "@preact/signals";
import { element } from "./row_list.js";

const AMOUNT = /^([0-9]{1,12}(?:\.[0-9]{1,2})?)\s*([km]?)$/i;
const AMOUNT_WORDS = "a number from 0 on, such as 50000, 50k or 1.5m";
const TIMES = { "": 1, k: 1e3, m: 1e6 };
const AMOUNT_MAX = 1e12;

/** @typedef {import("./panel.js").PanelContext} PanelContext */
/** @typedef {import("./preferences.js").Choice} Choice */

/** What an amount in USD means, as the API takes it: digits alone. @param {string} text
 * @returns {string | undefined} none when it is no amount
 */
export function amountOf(text) {
  const found = AMOUNT.exec(text.trim().replaceAll(",", ""));
  if (found === null) return undefined;
  const times = TIMES[/** @type {"" | "k" | "m"} */ (found[2].toLowerCase())];
  const amount = Math.round(Number(found[1]) * times * 100) / 100;
  return amount > AMOUNT_MAX ? undefined : String(amount);
}

/** Whether a setting is an amount as `amountOf` writes it. @param {string} value */
export const isAmount = (value) => amountOf(value) === value;

/** Whether a setting may be the id of a venue. @param {string} value */
export const isVenue = (value) => /^[a-z0-9_]{1,32}$/.test(value);

/** A row of controls; each has its name in words. */
export class ToolStrip {
  /** @type {(() => void)[]} */
  #endings = [];

  /** @param {HTMLElement} host @param {string} label @param {PanelContext} context */
  constructor(host, label, context) {
    this.context = context;
    this.place = element("div", "tool-strip");
    this.place.setAttribute("role", "group");
    this.place.setAttribute("aria-label", label);
    host.append(this.place);
  }

  remove() {
    for (const end of this.#endings) end();
    this.place.remove();
  }

  /**
   * One of several values of a setting.
   * @param {string} label @param {string} name of the setting
   * @param {() => readonly Choice[]} choices signals it reads are subscribed to
   */
  choice(label, name, choices) {
    const field = document.createElement("select");
    field.setAttribute("aria-label", label);
    field.title = label;
    field.addEventListener("change", () => this.context.choose(name, field.value));
    this.place.append(field);
    this.#follow(() => {
      const value = this.context.setting(name);
      const known = choices();
      const all = known.some((one) => one.value === value)
        ? known
        : [...known, { value, label: value }];
      field.replaceChildren(...all.map((one) => new Option(one.label, one.value)));
      field.value = value;
    });
  }

  /** An amount in USD. @param {string} label @param {string} name of the setting */
  amount(label, name) {
    const holder = element("label", "amount", label);
    const field = document.createElement("input");
    field.type = "text";
    field.inputMode = "decimal";
    field.setAttribute("aria-label", `${label} USD`);
    field.title = `${label}: ${AMOUNT_WORDS}`;
    field.addEventListener("change", () => {
      const amount = amountOf(field.value);
      field.setAttribute("aria-invalid", String(amount === undefined));
      if (amount === undefined) return;
      field.value = amount;
      this.context.choose(name, amount);
    });
    holder.append(field);
    this.place.append(holder);
    this.#follow(() => {
      field.value = this.context.setting(name);
      field.setAttribute("aria-invalid", "false");
    });
  }

  /**
   * A button that is pressed or not.
   * @param {string} label
   * @param {() => {text: string, isOn: boolean}} state signals it reads are subscribed to
   * @param {() => void} press
   */
  toggle(label, state, press) {
    const button = element("button", "tool");
    button.setAttribute("type", "button");
    button.title = label;
    button.addEventListener("click", press);
    this.place.append(button);
    this.#follow(() => {
      const { text, isOn } = state();
      button.textContent = text;
      button.setAttribute("aria-label", `${label}: ${text}`);
      button.setAttribute("aria-pressed", String(isOn));
    });
  }

  /** A place for words that change. @param {string} look */
  words(look) {
    const place = element("span", look);
    this.place.append(place);
    return place;
  }

  /** @param {() => void} work */
  #follow(work) {
    this.#endings.push(effect(work));
  }
}
