/** @file A person's rules of alerts as a list, the form that makes one, and its preview. */

import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { MARKETS_MAX, METRICS, NAME_MAX, RULES_MAX, marketsOf, previewOf } from "./alert_rules.js";
import { notifies, rules, sounds, switchNotifies, switchSounds } from "./alert_notices.js";
import { address, getJson } from "./api.js";
import { html } from "./html.js";
import { platform } from "./venues.js";
import { exchange, symbol } from "./view.js";

/** @typedef {import("./alert_rules.js").Rule} Rule */

const WEEK_HOURS = 168;
const DEFAULT_THRESHOLD = 3;

/**
 * @typedef {object} Watched
 * @property {readonly import("./alert_rules.js").SpikeRule[]} rules
 * @property {readonly string[]} symbols @property {number | null} alerts_per_day
 */

/** What the monitor watches; null before it has answered. */
export const watched = signal(/** @type {Watched | null} */ (null));
const problem = signal("");

/** Asks what the monitor watches. @param {AbortSignal} aborted */
export async function learnWatched(aborted) {
  problem.value = "";
  try {
    watched.value = await getJson(address(["oi-vol", "rules"]), aborted);
  } catch (error) {
    if (!aborted.aborted) problem.value = String(/** @type {Error} */ (error).message);
  }
}

/**
 * The answers about a rule's markets over the last week, one question after the other.
 * @param {Rule} rule @param {AbortSignal} aborted
 */
async function askPreview(rule, aborted) {
  const markets = marketsOf(rule, {
    exchanges: platform.peek()?.exchanges ?? [],
    symbols: watched.peek()?.symbols ?? [],
    timeframes: watched.peek()?.rules.map((one) => one.timeframe) ?? [],
  });
  if (markets.length === 0) throw new Error("the monitor watches nothing");
  if (markets.length > MARKETS_MAX) {
    throw new Error(`choose a venue, a symbol or a time frame: these are ${markets.length} series`);
  }
  const answers = [];
  const problems = [];
  for (const market of markets) {
    try {
      const url = address(["oi-vol", "preview"], { ...market, hours: WEEK_HOURS });
      answers.push(await getJson(url, aborted));
    } catch (error) {
      if (aborted.aborted) throw error;
      problems.push(/** @type {Error} */ (error).message);
    }
  }
  if (answers.length === 0) throw new Error(problems[0]);
  return { answers, problems };
}

/** @param {readonly string[]} values @param {string} any */
const options = (values, any) => [
  html`<option key="" value="">${any}</option>`,
  ...values.map((one) => html`<option key=${one} value=${one}>${one}</option>`),
];

/** @param {{draft: import("@preact/signals").Signal<Rule>}} props the fields of a rule */
function Fields({ draft }) {
  const rule = draft.value;
  const set = (/** @type {keyof Rule} */ name) => (/** @type {any} */ event) => {
    const field = event.currentTarget;
    const value = field.type === "checkbox" ? field.checked : field.value;
    draft.value = { ...draft.peek(), [name]: name === "threshold" ? Number(value) : value };
  };
  const frames = watched.value?.rules ?? [];
  const least = Math.min(
    ...frames
      .filter((one) => rule.timeframe === "" || one.timeframe === rule.timeframe)
      .map((one) => one.threshold),
  );
  return html`
    <label><span>Name</span>
      <input type="text" required maxlength=${NAME_MAX} value=${rule.name}
        onInput=${set("name")} /></label>
    <label><span>Venue</span><select value=${rule.exchange} onChange=${set("exchange")}>
      ${options(platform.value?.exchanges ?? [], "any")}</select></label>
    <label><span>Symbol</span><select value=${rule.symbol} onChange=${set("symbol")}>
      ${options(watched.value?.symbols ?? [], "any")}</select></label>
    <label><span>Time frame</span><select value=${rule.timeframe} onChange=${set("timeframe")}>
      ${options(
        frames.map((one) => one.timeframe),
        "any",
      )}</select></label>
    <label><span>Of</span><select value=${rule.metric} onChange=${set("metric")}>
      ${Object.entries(METRICS).map(
        ([name, label]) => html`<option key=${name} value=${name}>${label}</option>`,
      )}</select></label>
    <label><span>From</span>
      <input type="number" class="sigma" required min=${Number.isFinite(least) ? least : 0.5}
        max="1000" step="0.1" value=${rule.threshold} onInput=${set("threshold")} />
      <span>σ</span></label>
    <label><input type="checkbox" checked=${rule.confirmed} onChange=${set("confirmed")} />
      <span>confirmed only</span></label>`;
}

/** @returns {Rule} of what is looked at */
const freshRule = () => ({
  id: crypto.randomUUID?.() ?? `rule-${Date.now()}`,
  name: `${symbol.peek()} ${exchange.peek()}`,
  exchange: exchange.peek(),
  symbol: watched.peek()?.symbols.includes(symbol.peek()) ? symbol.peek() : "",
  timeframe: watched.peek()?.rules[0]?.timeframe ?? "",
  metric: "either",
  threshold: watched.peek()?.rules[0]?.threshold ?? DEFAULT_THRESHOLD,
  confirmed: false,
  isOn: true,
});

/** @param {{rule: Rule}} props */
function PreviewOf({ rule }) {
  const state = useSignal(/** @type {{text: string, isBad?: boolean} | null} */ (null));
  const turn = useSignal(0);
  const asked = JSON.stringify({ ...rule, name: "", isOn: true });
  useEffect(() => {
    // What was counted, or is being counted, is another rule's.
    state.value = null;
    turn.value = 0;
  }, [asked]);
  useEffect(() => {
    if (turn.value === 0) return;
    const ending = new AbortController();
    state.value = { text: "counting …" };
    askPreview(rule, ending.signal).then(
      ({ answers, problems }) => {
        const found = previewOf(rule, answers);
        const left = found.due - found.tested;
        state.value = {
          text:
            `would have fired ${found.day} × in 24 h, ${found.week} × in 7 d` +
            (left > 0 ? ` (${left} of ${found.due} bars without data)` : "") +
            (problems.length > 0 ? `; ${problems.join("; ")}` : ""),
        };
      },
      (error) => {
        if (!ending.signal.aborted) state.value = { text: error.message, isBad: true };
      },
    );
    return () => ending.abort();
  }, [turn.value, asked]);
  const label = state.value?.isBad ? "try again" : "preview";
  return html`
    <button type="button" class="quiet" aria-label=${`${label}: ${rule.name}`}
      onClick=${() => {
        turn.value += 1;
      }}>${label}</button>
    <span class=${`preview ${state.value?.isBad ? "down" : "dim"}`} role="status">
      ${state.value?.text ?? ""}</span>`;
}

/** @param {Rule} rule */
const summary = (rule) =>
  [
    rule.exchange || "any venue",
    rule.symbol || "any symbol",
    rule.timeframe || "any time frame",
    `${METRICS[rule.metric]} ≥ ${rule.threshold} σ`,
    ...(rule.confirmed ? ["confirmed"] : []),
  ].join(" · ");

/** @param {{rule: Rule}} props one rule of the list */
function RuleRow({ rule }) {
  const change = (/** @type {Partial<Rule>} */ to) => {
    rules.value = rules.peek().map((one) => (one.id === rule.id ? { ...one, ...to } : one));
  };
  return html`
    <li>
      <label><input type="checkbox" checked=${rule.isOn}
        onChange=${() => change({ isOn: !rule.isOn })} /><b>${rule.name}</b></label>
      <span class="dim">${summary(rule)}</span>
      <${PreviewOf} rule=${rule} />
      <button type="button" class="icon" aria-label=${`delete ${rule.name}`} title="Delete"
        onClick=${() => {
          rules.value = rules.peek().filter((one) => one.id !== rule.id);
        }}>✕</button>
    </li>`;
}

/** The form of a new rule. */
function NewRule() {
  const draft = useSignal(freshRule());
  useEffect(() => {
    draft.value = freshRule();
  }, [watched.value]);
  const add = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    rules.value = [...rules.peek(), draft.peek()].slice(0, RULES_MAX);
    draft.value = freshRule();
  };
  // Before it is known what is watched, the rule would not be the one that the form is to offer.
  const isOff = watched.value === null || rules.value.length >= RULES_MAX;
  return html`
    <form class="form new-rule" aria-label="New rule" onSubmit=${add}>
      <${Fields} draft=${draft} />
      <button type="submit" class="framed" disabled=${isOff}>Add rule</button>
      <${PreviewOf} rule=${draft.value} />
    </form>`;
}

/** @param {{label: string, isOn: boolean, flip: () => void}} props */
const Switch = ({ label, isOn, flip }) => html`
  <button type="button" role="switch" class="quiet" aria-checked=${isOn} onClick=${() => flip()}>
    <span aria-hidden="true">${isOn ? "● " : "○ "}</span>${label}</button>`;

/** Switches, rules, and the form of a new one. @param {{learn: () => void}} props */
export function RulesPart({ learn }) {
  const isOff = watched.value?.rules.length === 0;
  return html`
    <div class="rules">
      <div class="form">
        <${Switch} label="notifications" isOn=${notifies.value} flip=${switchNotifies} />
        <${Switch} label="sound" isOn=${sounds.value} flip=${switchSounds} />
      </div>
      ${
        problem.value &&
        html`<p class="down">${problem.value}
        <button type="button" class="quiet" onClick=${learn}>try again</button></p>`
      }
      ${isOff && html`<p class="dim">The monitor is turned off (oi_volume_timeframes).</p>`}
      <ul class="plain" aria-label="Rules">
        ${rules.value.map((rule) => html`<${RuleRow} key=${rule.id} rule=${rule} />`)}
      </ul>
      <${NewRule} />
    </div>`;
}
