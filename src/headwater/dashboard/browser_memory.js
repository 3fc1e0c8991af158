/** @file What the browser remembers for the page; a browser that remembers nothing is no error. */

const PREFIX = "headwater.";

/** @param {string} name @returns {unknown} decoded, undefined when nothing sound is there */
export function recall(name) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {string} name @param {unknown} value that JSON can carry */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Full or forbidden: the page works, and starts anew the next time.
  }
}
