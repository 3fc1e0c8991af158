/**
 * @file Rules of alerts that a person made: which spikes of the monitor they let through, and how
 * often they would have. Pure: no clock, no storage, no page.
 *
 * A rule is a filter over what the monitor tells; a preview filters what it would have told by the
 * same function, so the two cannot differ.
 */

export const RULES_MAX = 50;
export const NAME_MAX = 80;
/** Least time between two notices of one rule. */
export const NOTICE_EVERY_MS = 60_000;
/** Previews of a rule that stands for more venues and symbols are refused. */
export const MARKETS_MAX = 12;

/**
 * @typedef {object} Spike what the monitor tells, as the API writes it
 * @property {string} exchange @property {string} symbol @property {string} timeframe
 * @property {string} timestamp end of the bar
 * @property {number} threshold the monitor's own
 * @property {number | null} z_oi @property {number | null} z_vol standard deviations, signed
 * @property {boolean} confirmed both are beyond the monitor's threshold
 * @property {number} open_interest_value @property {number} quote_volume in USD
 *
 * @typedef {"either" | "oi" | "volume" | "both"} Metric
 *
 * @typedef {object} Rule
 * @property {string} id unlike all others
 * @property {string} name for people
 * @property {string} exchange @property {string} symbol @property {string} timeframe
 *   empty for any
 * @property {Metric} metric whose score must reach the threshold
 * @property {number} threshold standard deviations, in either direction
 * @property {boolean} confirmed only spikes of both series
 * @property {boolean} isOn
 *
 * @typedef {object} SpikeRule how the monitor tests bars, as the API writes it
 * @property {string} timeframe @property {number} threshold @property {number} cooldown_bars
 *
 * @typedef {object} Market of a preview
 * @property {string} exchange @property {string} symbol @property {string} timeframe
 *
 * @typedef {object} Preview how often a rule would have fired
 * @property {number} day in the last 24 hours
 * @property {number} week in the last 7 days
 * @property {number} tested bars @property {number} due bars that there should be
 */

/** @type {Readonly<Record<Metric, string>>} */
export const METRICS = {
  either: "OI or volume",
  oi: "open interest",
  volume: "volume",
  both: "OI and volume",
};

/** Whether a rule lets a spike through. @param {Rule} rule @param {Spike} spike */
export function lets(rule, spike) {
  if (rule.exchange !== "" && rule.exchange !== spike.exchange) return false;
  if (rule.symbol !== "" && rule.symbol !== spike.symbol) return false;
  if (rule.timeframe !== "" && rule.timeframe !== spike.timeframe) return false;
  if (rule.confirmed && !spike.confirmed) return false;
  const isOi = spike.z_oi !== null && Math.abs(spike.z_oi) >= rule.threshold;
  const isVolume = spike.z_vol !== null && Math.abs(spike.z_vol) >= rule.threshold;
  if (rule.metric === "oi") return isOi;
  if (rule.metric === "volume") return isVolume;
  return rule.metric === "both" ? isOi && isVolume : isOi || isVolume;
}

const DAY_MS = 86_400_000;

/**
 * How often a rule would have fired, of the answers about its markets.
 * @param {Rule} rule
 * @param {readonly {spikes: readonly Spike[], end: string, bars: number, bars_tested: number}[]}
 *   answers over the last week
 * @returns {Preview}
 */
export function previewOf(rule, answers) {
  const found = { day: 0, week: 0, tested: 0, due: 0 };
  for (const answer of answers) {
    const dayMs = Date.parse(answer.end) - DAY_MS;
    for (const spike of answer.spikes) {
      if (!lets(rule, spike)) continue;
      found.week += 1;
      if (Date.parse(spike.timestamp) > dayMs) found.day += 1;
    }
    found.tested += answer.bars_tested;
    found.due += answer.bars;
  }
  return found;
}

/**
 * The markets that a rule stands for.
 * @param {Rule} rule
 * @param {{exchanges: readonly string[], symbols: readonly string[],
 *   timeframes: readonly string[]}} watched
 * @returns {Market[]}
 */
export function marketsOf(rule, watched) {
  const each = (/** @type {string} */ one, /** @type {readonly string[]} */ all) =>
    one === "" ? all : [one];
  return each(rule.exchange, watched.exchanges).flatMap((exchange) =>
    each(rule.symbol, watched.symbols).flatMap((symbol) =>
      each(rule.timeframe, watched.timeframes).map((timeframe) => ({
        exchange,
        symbol,
        timeframe,
      })),
    ),
  );
}

/** @param {unknown} value @param {number} most */
const textOf = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");

/** @param {any} value @param {number} index @returns {Rule | undefined} */
function readRule(value, index) {
  if (typeof value !== "object" || value === null) return undefined;
  const threshold = Number(value.threshold);
  if (!(threshold > 0 && threshold <= 1000)) return undefined;
  const metric = Object.hasOwn(METRICS, value.metric) ? value.metric : "either";
  return {
    id: textOf(value.id, NAME_MAX) || `rule-${index + 1}`,
    name: textOf(value.name, NAME_MAX) || "unnamed",
    exchange: textOf(value.exchange, 32),
    symbol: textOf(value.symbol, 64),
    timeframe: textOf(value.timeframe, 4),
    metric,
    threshold,
    confirmed: value.confirmed === true,
    isOn: value.isOn !== false,
  };
}

/** The rules that the browser remembers; what is unsound is left out.
 * @param {unknown} value decoded JSON @returns {Rule[]}
 */
export function readRules(value) {
  if (!Array.isArray(value)) return [];
  /** @type {Map<string, Rule>} */
  const found = new Map();
  for (const [index, one] of value.slice(0, RULES_MAX).entries()) {
    const rule = readRule(one, index);
    if (rule !== undefined && !found.has(rule.id)) found.set(rule.id, rule);
  }
  return [...found.values()];
}

/** Lets one notice of a rule pass in so much time. */
export class NoticeGate {
  /** @type {Map<string, number>} */
  #lastMs = new Map();

  /** Whether a notice of the rule may go out now; then none may for a while.
   * @param {string} id of the rule @param {number} nowMs
   */
  passes(id, nowMs) {
    for (const [other, at] of this.#lastMs) {
      if (nowMs - at >= NOTICE_EVERY_MS) this.#lastMs.delete(other);
    }
    if (this.#lastMs.has(id)) return false;
    this.#lastMs.set(id, nowMs);
    return true;
  }
}

/** A score as people read it. @param {number | null} z */
export const scoreText = (z) =>
  z === null ? "–" : `${z < 0 ? "−" : "+"}${Math.abs(z).toFixed(2)}`;

/** A spike in one line. @param {Spike} spike */
export const spikeText = (spike) =>
  `${spike.symbol} ${spike.exchange} ${spike.timeframe}: OI ${scoreText(spike.z_oi)} σ, ` +
  `volume ${scoreText(spike.z_vol)} σ`;
