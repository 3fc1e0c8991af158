/** @file Panels whose scripts are fetched when a layout has them, not before. */

import { computed, signal } from "@preact/signals";

/**
 * @typedef {import("./panel.js").MountedPanel} MountedPanel
 * @typedef {import("./panel.js").PanelKind} PanelKind
 */

/**
 * A kind of panel that is fetched with its first use.
 * @param {Omit<PanelKind, "mount">} kind
 * @param {() => Promise<PanelKind["mount"]>} load fetches what mounts it
 * @returns {PanelKind}
 */
export const lazyKind = (kind, load) => ({
  ...kind,
  mount: (host, context) => new LazyPanel(kind.label, load, (mount) => mount(host, context)),
});

/**
 * A panel of lines over time that is fetched with its first use.
 * @param {Omit<PanelKind, "mount">} kind
 * @param {() => Promise<import("./line_view.js").LineKind>} load fetches what its lines are
 */
export const lazyLines = (kind, load) =>
  lazyKind(kind, async () => {
    const [{ LinePanel }, lines] = await Promise.all([import("./line_view.js"), load()]);
    return (host, context) => new LinePanel(host, context, lines);
  });

/** Stands for a panel until that is there, and hands everything on to it then.
 * @implements {MountedPanel}
 */
class LazyPanel {
  #panel = signal(/** @type {MountedPanel | null} */ (null));
  #problem = signal("");
  #isGone = false;

  /**
   * @param {string} label @param {() => Promise<PanelKind["mount"]>} load
   * @param {(mount: PanelKind["mount"]) => MountedPanel} begin
   */
  constructor(label, load, begin) {
    this.label = label;
    this.title = computed(() => this.#panel.value?.title.value ?? label);
    this.revision = computed(() => this.#panel.value?.revision.value ?? 0);
    this.status = computed(() => {
      if (this.#problem.value)
        return { tone: /** @type {const} */ ("bad"), text: this.#problem.value };
      const waiting = { tone: /** @type {const} */ ("waiting"), text: "loading" };
      return this.#panel.value?.status.value ?? waiting;
    });
    void this.#load(load, begin);
  }

  table() {
    return this.#panel.peek()?.table() ?? { caption: this.label, columns: [], rows: [] };
  }

  image() {
    return this.#panel.peek()?.image() ?? document.createElement("canvas");
  }

  unmount() {
    this.#isGone = true;
    this.#panel.peek()?.unmount();
  }

  /**
   * @param {() => Promise<PanelKind["mount"]>} load
   * @param {(mount: PanelKind["mount"]) => MountedPanel} begin
   */
  async #load(load, begin) {
    try {
      const mount = await load();
      if (!this.#isGone) this.#panel.value = begin(mount);
    } catch (error) {
      this.#problem.value = "this panel could not be fetched; load the page again";
      console.error(error);
    }
  }
}
