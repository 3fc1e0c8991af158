/** @file The strip of the venues' states, and the table behind it. */

import { ageText } from "./format.js";
import { Dialog, openDialog } from "./dialogs.js";
import { html } from "./html.js";
import { channelRows, shownLatency } from "./venue_state.js";
import { venues } from "./venues.js";

/** A sign besides the colour, for whoever does not see that. */
const SIGNS = { receiving: "●", partly: "◐", stale: "▲", down: "■", unknown: "?" };
const WORDS = {
  receiving: "receiving",
  partly: "partly receiving",
  stale: "stale",
  down: "not connected",
  unknown: "no news",
};
const ROWS_MAX = 200;

/** What tells a row from all others. @param {Record<string, unknown>} row */
const keyOf = (row) =>
  ["exchange", "channel", "symbol", "interval", "state"].map((name) => row[name]).join(" ");

/** Half and nineteen of twenty messages were at most so late. @param {any} latency */
function latencyText(latency) {
  if (latency === undefined) return "";
  const [half, most] = [msText(latency.p50_ms), msText(latency.p95_ms)];
  return half === most ? `${half} ms` : `${half}/${most} ms`;
}

/** @param {number} ms */
const msText = (ms) => (ms < 1 ? "<1" : ms < 10 ? ms.toFixed(1) : ms.toFixed(0));

/** One entry for each venue; opens the table. */
export function FeedStrip() {
  return html`
    <ul class="feeds" aria-label="Venues">
      ${venues.value.map(
        (venue) => html`
          <li key=${venue.exchange}>
            <button type="button" class=${`feed ${venue.state}`}
              title=${`${venue.exchange}: ${WORDS[venue.state]}; latency p50/p95`}
              onClick=${() => {
                openDialog.value = "feeds";
              }}>
              <i aria-hidden="true">${SIGNS[venue.state]}</i>
              <span>${venue.exchange}</span><span class="unseen">${` ${WORDS[venue.state]} `}</span>
              <small>${venue.ageMs === null ? "" : ageText(venue.ageMs)}</small>
              <small class="late">${
                venue.state === "unknown" ? "" : latencyText(shownLatency(venue.health))
              }</small>
            </button>
          </li>`,
      )}
    </ul>`;
}

/** One row for each channel of each venue. */
function ChannelsTable() {
  const rows = venues.value.flatMap((venue) =>
    channelRows(venue.health, venue.sinceMs).map((row) => ({ exchange: venue.exchange, row })),
  );
  const heads = ["venue", "channel", "state", "streams", "age", "p50 ms", "p95 ms"];
  const isGood = (/** @type {string} */ state) => state === "receiving" || state === "connected";
  return html`
    <div class="scroll channels" tabindex="0" role="region" aria-label="Channels">
      <table>
        <thead><tr>${heads.map((name) => html`<th scope="col" key=${name}>${name}</th>`)}</tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ exchange, row }) => html`<tr key=${`${exchange} ${row.channel}`}>
              <td>${exchange}</td><td>${row.channel}</td>
              <td class=${isGood(row.state) ? "up" : "down"}>${row.state}</td>
              <td>${row.live} of ${row.streams}</td>
              <td>${row.ageMs === null ? "" : ageText(row.ageMs)}</td>
              <td>${row.latency === undefined ? "" : msText(row.latency.p50_ms)}</td>
              <td>${row.latency === undefined ? "" : msText(row.latency.p95_ms)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** @param {import("./venue_state.js").VenueHealth} health */
function lossText({ reconnects_1h: lost, gaps_1h: gaps }) {
  const parts = [
    ...(lost === null ? [] : [`${lost} lost connections`]),
    ...(gaps === null ? [] : [`${gaps} gaps`]),
  ];
  return parts.length ? `${parts.join(", ")} in the last hour` : "";
}

/** Every stream of every venue, the troubled ones first. */
export function FeedsDialog() {
  const rows = venues.value
    .flatMap((venue) => venue.health.channels.map((one) => ({ exchange: venue.exchange, ...one })))
    .sort((a, b) => Number(a.state === "live") - Number(b.state === "live"));
  return html`
    <${Dialog} title="Feeds" wide>
      <ul class="plain">
        ${venues.value.map(
          (venue) => html`<li key=${venue.exchange}>
            <b>${venue.exchange}</b> ${WORDS[venue.state]}
            ${venue.health.reason && `: ${venue.health.reason}`}
            ${" "}<span class="dim">${lossText(venue.health)}</span>
          </li>`,
        )}
      </ul>
      <${ChannelsTable} />
      <div class="scroll" tabindex="0" role="region" aria-label="Streams">
        <table>
          <thead><tr>
            ${["venue", "stream", "symbol", "state", "age", "reason"].map(
              (name) => html`<th scope="col" key=${name}>${name}</th>`,
            )}
          </tr></thead>
          <tbody>
            ${rows.slice(0, ROWS_MAX).map(
              (row) => html`<tr key=${keyOf(row)}>
                <td>${row.exchange}</td>
                <td>${row.channel}${row.interval ? ` ${row.interval}` : ""}</td>
                <td>${row.symbol}</td>
                <td class=${row.state === "live" ? "up" : "down"}>${row.state}</td>
                <td>${row.age_s === null ? "" : ageText(row.age_s * 1000)}</td>
                <td>${row.reason}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    <//>`;
}
