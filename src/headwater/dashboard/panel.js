/**
 * @file What a panel is: a kind that can be mounted into an element, and what the frame around it
 * needs from it. A new panel is one module with a `PanelKind`, and one line in panels.js.
 */

/**
 * @template T
 * @typedef {import("@preact/signals").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * @typedef {object} Setting what can be chosen in a panel; its value is part of the layout
 * @property {string} name
 * @property {string} label
 * @property {readonly import("./preferences.js").Choice[]} choices the first one is the default
 * @property {boolean} [isInPanel] the panel itself has a control for it, so that the form of its
 *   settings needs none
 * @property {(value: string) => boolean} [accepts] what is right besides the choices
 *
 * @typedef {object} PanelStatus how fresh the numbers are
 * @property {"good" | "waiting" | "stale" | "bad"} tone
 * @property {string} text for people; says the age when the numbers are old
 *
 * @typedef {object} MountedPanel a panel at work
 * @property {ReadonlySignal<string>} title what it shows now
 * @property {ReadonlySignal<PanelStatus>} status
 * @property {ReadonlySignal<number>} revision rises when the table would be another
 * @property {() => import("./csv.js").Table} table everything it shows: the table twin and the CSV
 * @property {() => HTMLCanvasElement} image a picture of it, for the PNG
 * @property {() => void} unmount ends all its work
 *
 * @typedef {object} PanelContext what a panel works with
 * @property {import("./stream.js").Stream} stream
 * @property {(name: string) => string} setting the value now; signals it reads are subscribed to
 * @property {(name: string, value: string) => void} choose changes a setting, in the layout
 *
 * @typedef {object} PanelKind
 * @property {string} kind as layouts name it
 * @property {string} label as menus name it
 * @property {{w: number, h: number}} size in cells, when it is added
 * @property {readonly Setting[]} settings
 * @property {(host: HTMLElement, context: PanelContext) => MountedPanel} mount
 */

/**
 * The value of a setting in a panel's place, its default when there is none or a wrong one.
 * @param {PanelKind} kind @param {Readonly<Record<string, string>>} settings @param {string} name
 */
export function settingOf(kind, settings, name) {
  const setting = kind.settings.find((one) => one.name === name);
  if (setting === undefined) throw new Error(`${kind.kind} has no setting ${name}`);
  const value = settings[name];
  const isRight =
    setting.choices.some((choice) => choice.value === value) ||
    (typeof value === "string" && setting.accepts?.(value));
  return isRight ? value : setting.choices[0].value;
}
