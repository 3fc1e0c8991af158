/** @file What a person likes: theme, colours, time zone. Kept in the browser. */

import { computed, effect, signal } from "@preact/signals";
import { recall, remember } from "./browser_memory.js";
import { isZone } from "./zone_names.js";

/** @typedef {{value: string, label: string}} Choice */

/** @type {Readonly<Record<string, readonly Choice[]>>} */
export const CHOICES = {
  theme: [
    { value: "system", label: "as the system" },
    { value: "dark", label: "dark" },
    { value: "light", label: "light" },
  ],
  colours: [
    { value: "classic", label: "green up, red down" },
    { value: "swapped", label: "red up, green down" },
    { value: "safe", label: "blue up, orange down (colour-blind safe)" },
  ],
  zone: [
    { value: "UTC", label: "UTC" },
    { value: "local", label: "local time" },
  ],
};

/** @param {string} name */
function preference(name) {
  const known = recall(name);
  const isOther = name === "zone" && isZone(known);
  const right = isOther || CHOICES[name].some((choice) => choice.value === known);
  const kept = signal(right ? String(known) : CHOICES[name][0].value);
  effect(() => remember(name, kept.value));
  return kept;
}

export const theme = preference("theme");
export const colours = preference("colours");
export const zone = preference("zone");

/** @type {Readonly<Record<string, import("@preact/signals").Signal<string>>>} */
export const PREFERENCES = { theme, colours, zone };

const light = matchMedia("(prefers-color-scheme: light)");
const systemIsLight = signal(light.matches);
light.addEventListener("change", (event) => {
  systemIsLight.value = event.matches;
});

/** The theme that is shown: dark, unless the system or the person asks for light. */
export const shownTheme = computed(() => {
  if (theme.value !== "system") return theme.value;
  return systemIsLight.value ? "light" : "dark";
});

/** Changes whenever the page's colours did; what is drawn on canvases then is drawn anew. */
export const appearance = signal("");

effect(() => {
  const root = document.documentElement;
  root.dataset.theme = shownTheme.value;
  root.dataset.colours = colours.value;
  appearance.value = `${shownTheme.value} ${colours.value}`;
});

/** The other theme than the one that is shown. */
export function toggleTheme() {
  theme.value = shownTheme.peek() === "dark" ? "light" : "dark";
}

/** A colour of the page by its name in the style sheet. @param {string} name such as `up` */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
