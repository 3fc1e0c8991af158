/** @file Layouts as files: how they travel from one browser to another. */

import { save } from "./csv.js";
import { announcement, complaint } from "./dialogs.js";
import { kept, joinLayouts } from "./kept_layouts.js";
import { writtenLayout } from "./layout.js";
import { importLayout, layout } from "./view.js";

/** Files of layouts are small; more is something else. */
const FILE_BYTES_MAX = 1024 * 1024;

/** @param {object} content @param {string} name of the file */
function saveJson(content, name) {
  const text = JSON.stringify(content, null, 2);
  save(new Blob([text], { type: "application/json" }), name);
}

/** Saves a layout as a file. @param {readonly unknown[]} panels */
export function saveLayout(panels) {
  saveJson({ headwater: "layout", panels }, "headwater-layout.json");
}

/** Saves the present layout as a file. */
export const exportLayout = () => saveLayout(writtenLayout(layout.peek()));

/** Saves all layouts that are kept by name as one file. */
export const exportLayouts = () =>
  saveJson({ headwater: "layouts", layouts: kept.peek() }, "headwater-layouts.json");

/** Takes in what a file says: one layout to show, or several to keep. @param {any} content */
function take(content) {
  if (content?.layouts === undefined) {
    importLayout(content?.panels);
    announcement.value = "layout opened";
  } else {
    joinLayouts(content.layouts);
    announcement.value = "layouts taken in";
  }
}

/** Lets the person choose a file, and takes in what it holds; says what is wrong with another. */
export function chooseLayout() {
  const field = document.createElement("input");
  field.type = "file";
  field.accept = "application/json,.json";
  // In the document while the person chooses: what nobody holds may be cleared away meanwhile.
  field.hidden = true;
  document.body.append(field);
  field.addEventListener("cancel", () => field.remove());
  field.addEventListener("change", async () => {
    field.remove();
    const file = field.files?.[0];
    if (file === undefined) return;
    try {
      if (file.size > FILE_BYTES_MAX) throw new Error("the file is too large for a layout");
      take(JSON.parse(await file.text()));
    } catch (error) {
      complaint.value = `${file.name}: ${error instanceof Error ? error.message : error}`;
    }
  });
  field.click();
}
