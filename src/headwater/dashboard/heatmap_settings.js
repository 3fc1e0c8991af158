/** @file What can be chosen of the heat map of a candles panel; part of the layout. */

/**
 * The layers, lowest first, as they are drawn: the API's name, the key, what sort of thing it is.
 * @type {readonly {id: string, key: string, kind: string}[]}
 */
export const LAYERS = [
  { id: "estimated", key: "E", kind: "a model's estimate" },
  { id: "empirical", key: "M", kind: "a model's estimate" },
  { id: "observed", key: "O", kind: "known positions" },
  { id: "realised", key: "R", kind: "what happened" },
];

/** What sort of thing a layer is. @param {string} id */
export const kindOf = (id) => LAYERS.find((one) => one.id === id)?.kind ?? "";

const ONOFF = [
  { value: "off", label: "off" },
  { value: "on", label: "on" },
];

/** @param {string} first @param {readonly number[]} all @param {(n: number) => string} label */
const numbers = (first, all, label) =>
  [Number(first), ...all.filter((one) => one !== Number(first))].map((one) => ({
    value: String(one),
    label: label(one),
  }));

/** Thresholds, % of the amount at which the palette ends. */
export const THRESHOLDS = [0, 1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90];
/** Opacities, %. */
export const OPACITIES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

/** @param {number} one */
const percent = (one) => `${one} %`;

/** The setting of a layer. @param {string} id */
export const layerSetting = (id) => `map_${id}`;

/** @type {readonly import("./panel.js").Setting[]} */
export const MAP_SETTINGS = [
  ...LAYERS.map(({ id }) => ({
    name: layerSetting(id),
    label: `Heat map: ${id}`,
    choices: ONOFF,
    isInPanel: true,
  })),
  {
    name: "map_threshold",
    label: "Heat map: threshold",
    choices: numbers("5", THRESHOLDS, percent),
    isInPanel: true,
  },
  {
    name: "map_opacity",
    label: "Heat map: opacity",
    choices: numbers("80", OPACITIES, percent),
    isInPanel: true,
  },
  {
    name: "map_colours",
    label: "Heat map: colours",
    choices: [
      { value: "total", label: "total" },
      { value: "side", label: "long / short" },
    ],
    isInPanel: true,
  },
  {
    name: "map_venues",
    label: "Heat map: venues",
    choices: [
      { value: "all", label: "all venues" },
      { value: "one", label: "this venue" },
    ],
    isInPanel: true,
  },
  {
    name: "table",
    label: "Table and CSV",
    choices: [
      { value: "candles", label: "candles" },
      { value: "cells", label: "cells of the heat map" },
    ],
    isInPanel: true,
  },
];
