/**
 * @file Where panels lie: a grid of columns, in which nothing overlaps and nothing floats.
 *
 * Pure: every function takes a layout and returns another.
 */

/** Columns of the grid. */
export const COLUMNS = 12;
export const PANELS_MAX = 24;
const ROWS_MAX = 400;
const SMALLEST_WIDTH = 2;
const SMALLEST_HEIGHT = 3;
const TALLEST = 40;
const TEXT_MAX = 64;

/**
 * @typedef {object} Placed a panel and its place, in cells
 * @property {string} id unlike all others of the layout
 * @property {string} kind which panel it is
 * @property {number} x @property {number} y @property {number} w @property {number} h
 * @property {Readonly<Record<string, string>>} settings
 */

/** @typedef {readonly Placed[]} Layout */

/** @param {number} value @param {number} least @param {number} most */
const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** @param {Placed} a @param {Placed} b */
function overlap(a, b) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** @param {Placed} a @param {Placed} b reading order */
const inOrder = (a, b) => a.y - b.y || a.x - b.x;

/** @param {Placed} panel */
function fitted(panel) {
  const w = within(panel.w, SMALLEST_WIDTH, COLUMNS);
  const h = within(panel.h, SMALLEST_HEIGHT, TALLEST);
  const x = within(panel.x, 0, COLUMNS - w);
  return { ...panel, w, h, x, y: within(panel.y, 0, ROWS_MAX) };
}

/**
 * Pushes panels down until none overlap, then lets them rise as far as they can.
 * @param {Layout} panels
 * @param {string} [first] id of the panel that keeps its place before the others
 * @returns {Placed[]} in reading order
 */
export function settled(panels, first) {
  const order = panels.map(fitted).sort((a, b) => {
    if (a.id === first) return -1;
    return b.id === first ? 1 : inOrder(a, b);
  });
  /** @type {Placed[]} */
  const placed = [];
  for (const panel of order) {
    let next = panel;
    while (placed.some((other) => overlap(other, next))) next = { ...next, y: next.y + 1 };
    placed.push(next);
  }
  /** @type {Placed[]} */
  const risen = [];
  for (const panel of placed.sort(inOrder)) {
    let next = panel;
    while (next.y > 0) {
      const above = { ...next, y: next.y - 1 };
      if (risen.some((other) => overlap(other, above))) break;
      next = above;
    }
    risen.push(next);
  }
  return risen.sort(inOrder);
}

/** @param {Layout} layout @param {string} id @param {number} x @param {number} y */
export function moved(layout, id, x, y) {
  return settled(
    layout.map((panel) => (panel.id === id ? { ...panel, x, y } : panel)),
    id,
  );
}

/** @param {Layout} layout @param {string} id @param {number} w @param {number} h */
export function resized(layout, id, w, h) {
  return settled(
    layout.map((panel) => (panel.id === id ? { ...panel, w, h } : panel)),
    id,
  );
}

/** @param {Layout} layout @param {string} id */
export function without(layout, id) {
  return settled(layout.filter((panel) => panel.id !== id));
}

/**
 * The layout with one more panel below the others, unless it is full.
 * @param {Layout} layout @param {string} kind @param {{w: number, h: number}} size
 */
export function withPanel(layout, kind, size) {
  if (layout.length >= PANELS_MAX) return [...layout];
  const bottom = Math.max(0, ...layout.map((panel) => panel.y + panel.h));
  const ids = new Set(layout.map((panel) => panel.id));
  let number = 1;
  while (ids.has(`${kind}-${number}`)) number += 1;
  const panel = { id: `${kind}-${number}`, kind, x: 0, y: bottom, ...size, settings: {} };
  return settled([...layout, panel]);
}

/** @param {Layout} layout @param {string} id @param {string} name @param {string} value */
export function withSetting(layout, id, name, value) {
  return layout.map((panel) =>
    panel.id === id ? { ...panel, settings: { ...panel.settings, [name]: value } } : panel,
  );
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {unknown} value @returns {value is string} */
const isName = (value) => typeof value === "string" && value.length > 0 && value.length <= TEXT_MAX;

/** @param {unknown} value @returns {Record<string, string>} */
function settingsOf(value) {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, one]) => isName(name) && isName(one))
      .slice(0, 32)
      .map(([name, one]) => [name, String(one)]),
  );
}

/**
 * Reads a layout that came from outside: a file, an address, the browser's memory.
 * @param {unknown} value decoded JSON: a list of panels
 * @param {ReadonlySet<string>} kinds that there are
 * @returns {Placed[]}
 * @throws {Error} what is wrong, for people
 */
export function readLayout(value, kinds) {
  if (!Array.isArray(value)) throw new Error("a layout is a list of panels");
  if (value.length > PANELS_MAX) throw new Error(`a layout has at most ${PANELS_MAX} panels`);
  /** @type {Placed[]} */
  const panels = value.map((one, index) => {
    const place = `panel ${index + 1}`;
    if (!isRecord(one)) throw new Error(`${place} is not an object`);
    if (!isName(one.kind) || !kinds.has(one.kind)) {
      throw new Error(`${place}: kind must be one of ${[...kinds].join(", ")}`);
    }
    const [x, y, w, h] = [one.x, one.y, one.w, one.h].map((cell) => {
      if (!Number.isInteger(cell)) throw new Error(`${place}: x, y, w, h must be whole numbers`);
      return Number(cell);
    });
    return {
      id: `${one.kind}-${index + 1}`,
      kind: one.kind,
      x,
      y,
      w,
      h,
      settings: settingsOf(one.settings),
    };
  });
  return settled(panels);
}

/** A layout as it is written into files and addresses: without ids, which it makes anew.
 * @param {Layout} layout
 */
export function writtenLayout(layout) {
  return layout.map(({ kind, x, y, w, h, settings }) => ({ kind, x, y, w, h, settings }));
}
