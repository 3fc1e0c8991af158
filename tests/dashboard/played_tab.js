/** @file A tab that a test hides and shows, for what waits until somebody looks. */

/** @returns {{hide: () => void, show: () => void, whenSeen: (work: () => void) => () => void}} */
export function playedTab() {
  let isHidden = false;
  const waiting = new Set();
  return {
    hide: () => {
      isHidden = true;
    },
    show: () => {
      isHidden = false;
      const due = [...waiting];
      waiting.clear();
      for (const work of due) work();
    },
    whenSeen: (work) => {
      if (isHidden) waiting.add(work);
      else work();
      return () => waiting.delete(work);
    },
  };
}
