/** @file A tab that nobody looks at asks nothing, and gives its connections up after a while. */

/** A tab that nobody looked at for so long gives its connections up until it is seen. */
const HIDDEN_MAX_MS = 60_000;

/**
 * Pauses something while the tab is hidden for long, and starts it when the tab is seen again.
 * @param {{start: () => void, pause: () => void}} connection
 */
export function whileSeen(connection) {
  let timer = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => connection.pause(), HIDDEN_MAX_MS);
    else connection.start();
  });
}

/**
 * Does something as soon as somebody looks: at once in a tab that is seen, else when it is again.
 * What is asked for again and again waits here, so that a hidden tab asks nothing and shows the
 * newest the moment it is seen.
 * @param {() => void} work
 * @returns {() => void} prevents it
 */
export function whenSeen(work) {
  if (!document.hidden) {
    work();
    return () => {};
  }
  // The next change of a hidden tab is that it is seen.
  document.addEventListener("visibilitychange", work, { once: true });
  return () => document.removeEventListener("visibilitychange", work);
}
