/**
 * @file The person's rules of alerts, and how a rule makes itself heard: a notification of the
 * browser, a tone. Both are off until they are switched on, and permission is asked by that alone.
 */

import { effect, signal } from "@preact/signals";
import { NoticeGate, lets, readRules, spikeText } from "./alert_rules.js";
import { recall, remember } from "./browser_memory.js";
import { announcement, complaint } from "./dialogs.js";

/** @typedef {import("./alert_rules.js").Rule} Rule */
/** @typedef {import("./alert_rules.js").Spike} Spike */

const TONE_HZ = 880;
const TONE_S = 0.18;

/** @type {import("@preact/signals").Signal<readonly Rule[]>} */
export const rules = signal(readRules(recall("alert-rules")));
effect(() => remember("alert-rules", rules.value));

/** Another tab may have changed them: what is stored is true. */
addEventListener("storage", (event) => {
  if (event.key?.endsWith(".alert-rules")) rules.value = readRules(recall("alert-rules"));
});

/** Whether the browser may be asked to notify: only what this person switched on here. */
export const notifies = signal(recall("alert-notifies") === true && isAllowed());
export const sounds = signal(recall("alert-sounds") === true);
effect(() => remember("alert-notifies", notifies.value));
effect(() => remember("alert-sounds", sounds.value));

let gate = new NoticeGate();
/** @type {AudioContext | null} */
let audio = null;

function isAllowed() {
  return typeof Notification !== "undefined" && Notification.permission === "granted";
}

/** Switches notifications; asks the browser's permission when they are switched on. */
export async function switchNotifies() {
  if (notifies.peek()) {
    notifies.value = false;
    return;
  }
  if (typeof Notification === "undefined") {
    complaint.value = "this browser has no notifications here (they need https or localhost)";
    return;
  }
  const answer = await Notification.requestPermission();
  notifies.value = answer === "granted";
  gate = new NoticeGate();
  if (answer !== "granted") complaint.value = "the browser does not allow notifications here";
}

/** Switches tones; the click that does is what the browser wants to hear them. */
export function switchSounds() {
  sounds.value = !sounds.peek();
  gate = new NoticeGate();
  if (sounds.peek()) tone();
}

function tone() {
  audio ??= new AudioContext();
  void audio.resume();
  const source = audio.createOscillator();
  const volume = audio.createGain();
  const now = audio.currentTime;
  source.frequency.value = TONE_HZ;
  volume.gain.setValueAtTime(0.15, now);
  volume.gain.exponentialRampToValueAtTime(0.001, now + TONE_S);
  source.connect(volume).connect(audio.destination);
  source.start(now);
  source.stop(now + TONE_S);
}

/** The rules that are on and let a spike through. @param {Spike} spike */
export const rulesOf = (spike) => rules.value.filter((rule) => rule.isOn && lets(rule, spike));

/**
 * Makes the rules that a new spike fires heard, each at most once a minute.
 * @param {Spike} spike
 */
export function tell(spike) {
  for (const rule of rulesOf(spike)) {
    if (!gate.passes(rule.id, performance.now())) continue;
    announcement.value = `${rule.name}: ${spikeText(spike)}`;
    if (sounds.peek()) tone();
    if (!notifies.peek()) continue;
    try {
      new Notification(rule.name, { body: spikeText(spike), tag: `headwater ${rule.id}` });
    } catch {
      // Some phones allow them to service workers alone; the list still says it.
    }
  }
}
