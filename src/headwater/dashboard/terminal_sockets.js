/** @file The page's terminal stream: real sockets, the browser's clock, the tab that is seen. */

import { address } from "./api.js";
import { whileSeen } from "./hidden_tab.js";
import { TerminalStream } from "./terminal_stream.js";

/** @param {import("./terminal_line.js").TerminalView} view */
function open({ socket, query }) {
  const url = address(["api", "v1", "ws", socket], query);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url.href);
}

/** What panels watch; it pauses as the page's one socket does. */
export const terminal = new TerminalStream({
  open,
  nowMs: () => performance.now(),
  random: Math.random,
  later: (work, ms) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
});
whileSeen(terminal);
