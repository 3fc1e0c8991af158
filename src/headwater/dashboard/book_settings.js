/** @file What can be chosen of every panel of order books; the first choice is the default. */

/** @typedef {import("./panel.js").Setting} Setting */

/** Whose book. @type {Setting} */
export const SOURCE = {
  name: "source",
  label: "Book of",
  choices: [
    { value: "view", label: "the venue" },
    { value: "merged", label: "all venues, merged" },
  ],
};

/** What amounts are counted in. @param {string} label @returns {Setting} */
export const unitSetting = (label) => ({
  name: "unit",
  label,
  choices: [
    { value: "coin", label: "coins" },
    { value: "usd", label: "USD" },
  ],
});
