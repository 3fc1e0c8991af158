/** @file The skill of a model in words; never better than what was measured. */

/**
 * @typedef {object} Badge
 * @property {boolean} isSkill the interval lies above 0: the only case that is shown as good
 * @property {string} verdict in words
 * @property {string} line gain, interval, days, forecasts; or why there are none
 */

/**
 * The row of a model, of its newest version.
 * @param {any} answer of `/liquidations/skill` @param {string} model
 * @param {string} venues a venue, or `all`
 */
export function rowOf(answer, model, venues) {
  /** @type {any[]} */
  const rows = answer.data.filter(
    (/** @type {any} */ row) => row.model === model && row.venues === venues,
  );
  return rows.reduce(
    (best, row) => (best === null || row.last_issued > best.last_issued ? row : best),
    null,
  );
}

/**
 * What can be claimed.
 * @param {any} answer of `/liquidations/skill`; null when there is none
 * @param {string} model @param {string} venues a venue, or `all`
 * @returns {Badge}
 */
export function badgeOf(answer, model, venues) {
  if (answer === null) return { isSkill: false, verdict: "not known", line: "" };
  const row = rowOf(answer, model, venues);
  const nothing = answer.meta.note || `no forecast of this map (${venues}) is scored`;
  if (row === null || row.score === null) {
    return { isSkill: false, verdict: "not enough data", line: row?.line ?? nothing };
  }
  const gain = row.judged_by === "blended" ? row.score.blended : row.score.per_usd;
  const isUnsure = gain.low === null || gain.high === null;
  if (isUnsure) return { isSkill: false, verdict: "not enough data", line: row.line };
  // Controls that came out wrong make every number of the score one not to be believed.
  if (row.controls?.is_sound === false) {
    return { isSkill: false, verdict: "the score's own controls failed", line: row.line };
  }
  const isSkill = row.verdict === "skill" && gain.low > 0;
  return { isSkill, verdict: row.verdict, line: row.line };
}

/** @param {number} bits */
const signed = (bits) => `${bits < 0 ? "−" : "+"}${Math.abs(bits).toFixed(2)}`;

/** A gain with its 95 % interval. @param {{bits: number | null, low: number | null,
 *   high: number | null} | undefined} gain
 */
export function gainText(gain) {
  if (gain === undefined || gain.bits === null) return "–";
  if (gain.low === null || gain.high === null) return `${signed(gain.bits)} [no interval]`;
  return `${signed(gain.bits)} [${signed(gain.low)}, ${signed(gain.high)}]`;
}
