/** @file How a venue is, in one word, from what the platform measured of its streams. */

/**
 * @typedef {object} Channel
 * @property {string} channel @property {string} symbol @property {string | null} interval
 * @property {"connecting" | "live" | "stale" | "resyncing" | "down"} state
 * @property {number | null} age_s @property {string} reason @property {number} streams
 *
 * @typedef {object} VenueHealth
 * @property {string} exchange @property {boolean} is_connected @property {boolean} healthy
 * @property {string} reason @property {string | null} last_heartbeat
 * @property {number} message_count @property {number} error_count
 * @property {readonly Channel[]} channels
 * @property {readonly Latency[]} latencies
 * @property {number | null} reconnects_1h @property {number | null} gaps_1h
 *
 * @typedef {object} Latency of the last minute, from the venue's time to the platform's receiving
 * @property {string} channel @property {number} p50_ms @property {number} p95_ms
 * @property {number} readings
 */

/**
 * @typedef {object} ChannelRow all streams of one channel of a venue
 * @property {string} channel
 * @property {"receiving" | "connected" | "partly" | Channel["state"]} state
 * @property {number} live streams @property {number} streams
 * @property {number | null} ageMs since the newest data
 * @property {Latency | undefined} latency
 * @property {string} reason of the first stream that is not live
 *
 * @typedef {object} VenueState
 * @property {string} exchange
 * @property {"receiving" | "partly" | "stale" | "down" | "unknown"} state
 * @property {number | null} ageMs since the newest data of a steady stream
 * @property {VenueHealth} health
 */

/** A venue from which nothing steady came for so long is silent, whatever its streams may do. */
export const QUIET_MAX_MS = 6_000;

/**
 * The streams by which a venue is judged: liquidations come when they come, and one that comes
 * says nothing of the prices.
 * @param {VenueHealth} venue
 */
function steadyOf(venue) {
  const steady = venue.channels.filter((one) => one.channel !== "liquidations");
  return steady.length ? steady : venue.channels;
}

/** @param {readonly Channel[]} channels that may stand for several streams each */
const count = (channels) => channels.reduce((sum, one) => sum + one.streams, 0);

/**
 * What a venue's streams come to in a word.
 * @param {VenueHealth} venue
 * @param {number | null} ageMs of its newest steady data now
 * @returns {VenueState["state"]}
 */
export function venueState(venue, ageMs) {
  if (!venue.is_connected) return "down";
  const steady = steadyOf(venue);
  const isLive = count(steady.filter((one) => one.state === "live")) > 0;
  const isQuiet = ageMs === null || ageMs > QUIET_MAX_MS;
  if (count(steady) > 0 && (!isLive || isQuiet)) return "stale";
  const isWhole = venue.channels.every((one) => one.state === "live" || one.streams === 0);
  return isWhole && venue.healthy ? "receiving" : "partly";
}

/**
 * Age of the newest data of the venue's steady streams.
 * @param {VenueHealth} venue
 * @returns {number | null} seconds
 */
export function youngestS(venue) {
  const ages = steadyOf(venue).flatMap((one) => (one.age_s === null ? [] : [one.age_s]));
  return ages.length ? Math.min(...ages) : null;
}

/** A live channel from which nothing came for so long is connected, and no more can be said. */
export const RECEIVING_MAX_MS = 60_000;

/**
 * A venue's channels, each in one row.
 * @param {VenueHealth} venue
 * @param {number} sinceMs how long ago it was measured
 * @returns {ChannelRow[]}
 */
export function channelRows(venue, sinceMs) {
  const names = [...new Set(venue.channels.map((one) => one.channel))];
  return names.map((channel) => {
    const streams = venue.channels.filter((one) => one.channel === channel);
    const live = streams.filter((one) => one.state === "live");
    const troubled = streams.find((one) => one.state !== "live");
    const ages = streams.flatMap((one) => (one.age_s === null ? [] : [one.age_s]));
    const ageMs = ages.length ? Math.min(...ages) * 1000 + sinceMs : null;
    const isHeard = ageMs !== null && ageMs <= RECEIVING_MAX_MS;
    const whole = isHeard ? "receiving" : "connected";
    return {
      channel,
      state: troubled === undefined ? whole : live.length ? "partly" : troubled.state,
      live: count(live),
      streams: count(streams),
      ageMs,
      latency: venue.latencies.find((one) => one.channel === channel),
      reason: troubled?.reason ?? "",
    };
  });
}

/** The latency by which a venue is shown in short: of its trades, else of what there is.
 * @param {VenueHealth} venue
 */
export const shownLatency = (venue) =>
  venue.latencies.find((one) => one.channel === "trades") ?? venue.latencies[0];
