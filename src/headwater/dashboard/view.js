/**
 * @file What is looked at: venue, symbol, time frame, layout. All of it stands in the address.
 *
 * The address's part after `#` is `binance/BTCUSDT/5m`, and `?layout=…` when the layout is not the
 * one that a newcomer gets. It never reaches a server.
 */

import { batch, effect, signal } from "@preact/signals";
import { recall, remember } from "./browser_memory.js";
import { readLayout, writtenLayout } from "./layout.js";

/** Time frames by the key that chooses them. */
export const INTERVALS = ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"];

const VENUE = /^[a-z0-9_]{1,32}$/;
/** Venues list contracts in any script. */
const SYMBOL = /^[\p{L}\p{N}][\p{L}\p{N}/:_.\-]{0,63}$/u;

export const exchange = signal("binance");
export const symbol = signal("BTCUSDT");
export const interval = signal("1m");
/** @type {import("@preact/signals").Signal<import("./layout.js").Layout>} */
export const layout = signal([]);

let defaultLayout = "[]";
/** @type {ReadonlySet<string>} */
let kinds = new Set();
let isRead = false;

/** @param {import("./layout.js").Layout} panels */
const written = (panels) => JSON.stringify(writtenLayout(panels));

/** @param {string} text */
const encoded = (text) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** @param {string} text */
function decoded(text) {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)));
}

/** @param {unknown} value @returns {import("./layout.js").Layout | undefined} */
function soundLayout(value) {
  try {
    return readLayout(value, kinds);
  } catch {
    return undefined;
  }
}

/** @param {string | null} text @returns {import("./layout.js").Layout | undefined} */
function layoutInAddress(text) {
  if (text === null) return undefined;
  try {
    return soundLayout(JSON.parse(decoded(text)));
  } catch {
    return undefined;
  }
}

/** @param {string} text */
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** Takes over what the address says; what it does not say, or says wrongly, stays as it is. */
function readAddress() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const [venue = "", name = "", length = ""] = path.split("/").map(unescaped);
  batch(() => {
    if (VENUE.test(venue)) exchange.value = venue;
    if (SYMBOL.test(name)) symbol.value = name;
    if (INTERVALS.includes(length)) interval.value = length;
    const panels = layoutInAddress(new URLSearchParams(query).get("layout"));
    if (panels !== undefined) layout.value = panels;
  });
}

/** The part of the address after `#` for what is looked at now. */
function address() {
  const panels = written(layout.value);
  const path = marketPath();
  return panels === defaultLayout ? `#${path}` : `#${path}?layout=${encoded(panels)}`;
}

const marketPath = () =>
  [exchange.value, symbol.value, interval.value].map(encodeURIComponent).join("/");

/** An address that shows the same to whoever opens it, also to one with a layout of his own. */
export function sharedAddress() {
  const url = new URL(location.href);
  url.hash = `${marketPath()}?layout=${encoded(written(layout.value))}`;
  return url.href;
}

/**
 * Reads the address and the browser's memory, and keeps both true from then on.
 * @param {import("./layout.js").Layout} first the layout that a newcomer gets
 * @param {ReadonlySet<string>} known kinds of panels
 */
export function startView(first, known) {
  kinds = known;
  defaultLayout = written(first);
  layout.value = soundLayout(recall("layout")) ?? first;
  readAddress();
  const cameAs = layout.peek();
  isRead = true;
  addEventListener("popstate", readAddress);
  addEventListener("hashchange", readAddress);
  let lastPath = location.hash.split("?")[0];
  effect(() => {
    const wanted = address();
    document.title = `${symbol.value} · ${exchange.value} · Headwater`;
    if (wanted === location.hash) return;
    const path = wanted.split("?")[0];
    // Another market is a step that "back" undoes; another layout is not.
    if (lastPath === path || lastPath === "") history.replaceState(null, "", wanted);
    else history.pushState(null, "", wanted);
    lastPath = path;
  });
  effect(() => {
    // A layout that came with a link is not kept until it is changed here.
    if (layout.value !== cameAs) remember("layout", writtenLayout(layout.value));
  });
}

/** Puts another layout into the place of the present one. @param {unknown} value decoded JSON
 * @throws {Error} it is none; the message is for people
 */
export function importLayout(value) {
  if (!isRead) throw new Error("the page is not ready");
  layout.value = readLayout(value, kinds);
}

/** The layout that a newcomer gets. */
export function resetLayout() {
  importLayout(JSON.parse(defaultLayout));
}
