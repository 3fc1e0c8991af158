/**
 * @file How fresh a panel of events is. Events come when they come, so their silence says nothing:
 * what is judged is the connection, and the venues' feeds as the platform measures them.
 */

import { ageText } from "./format.js";
import { nowMs } from "./ticks.js";
import { venues } from "./venues.js";

/**
 * @param {import("./stream.js").Stream} stream
 * @param {readonly string[]} topics
 * @param {string} venue empty for all
 * @param {string} problem of the topics, for people; empty when there is none
 * @returns {import("./panel.js").PanelStatus}
 */
export function linkStatus(stream, topics, venue, problem) {
  if (problem !== "") return { tone: "bad", text: problem };
  const now = nowMs.value;
  const heard = topics.flatMap((topic) => stream.heardMs(topic) ?? []);
  if (stream.link.value.phase !== "open") {
    const sinceMs = Math.max(0, ...heard);
    if (heard.length === 0) return { tone: "stale", text: "connecting" };
    return { tone: "stale", text: `no connection · ${ageText(now - sinceMs)} old` };
  }
  if (heard.length < topics.length) return { tone: "waiting", text: "loading" };
  const silent = venues.value.filter(
    (one) =>
      (venue === "" || one.exchange === venue) && (one.state === "stale" || one.state === "down"),
  );
  if (silent.length === 0) return { tone: "good", text: "live" };
  const words = silent.map((one) =>
    one.ageMs === null
      ? `${one.exchange} ${one.state}`
      : `${one.exchange} ${ageText(one.ageMs)} old`,
  );
  return { tone: "stale", text: words.join(", ") };
}
