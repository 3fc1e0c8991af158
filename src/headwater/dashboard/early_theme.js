// Runs before the first paint, so that a page in the other theme does not flash. Not a module:
// modules wait for the document.
(() => {
  /** @param {string} name @param {string} otherwise */
  const recalled = (name, otherwise) => {
    try {
      return String(JSON.parse(localStorage.getItem(`headwater.${name}`) ?? "null") ?? otherwise);
    } catch {
      return otherwise;
    }
  };
  const theme = recalled("theme", "system");
  const isLight =
    theme === "light" ||
    (theme === "system" && matchMedia("(prefers-color-scheme: light)").matches);
  document.documentElement.dataset.theme = isLight ? "light" : "dark";
  document.documentElement.dataset.colours = recalled("colours", "classic");
})();
