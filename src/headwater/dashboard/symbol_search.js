/** @file Search over the symbols of all venues. */

import { batch, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { address, getJson } from "./api.js";
import { Dialog } from "./dialogs.js";
import { html } from "./html.js";
import { Picker, matches } from "./picker.js";
import { platform } from "./venues.js";
import { exchange, symbol } from "./view.js";

/** Lists are asked for anew after this long. */
const FRESH_MS = 300_000;

/** @typedef {{exchange: string, symbol: string, name: string}} Listed */

/** @type {import("@preact/signals").Signal<readonly Listed[]>} */
const listed = signal([]);
const problem = signal("");
let askedMs = -Infinity;

async function learn() {
  if (performance.now() - askedMs < FRESH_MS) return;
  askedMs = performance.now();
  problem.value = "";
  const venues = platform.peek()?.exchanges ?? [exchange.peek()];
  const lists = await Promise.allSettled(
    venues.map(async (venue) => {
      const rows = await getJson(address([venue, "symbols"]));
      return rows.map((/** @type {any} */ row) => ({
        exchange: venue,
        symbol: row.symbol,
        name: `${row.base_asset ?? ""} ${row.quote_asset ?? ""} ${row.kind ?? ""}`,
      }));
    }),
  );
  listed.value = lists.flatMap((list) => (list.status === "fulfilled" ? list.value : []));
  const failed = lists.filter((list) => list.status === "rejected").length;
  if (failed > 0) {
    problem.value = `${failed} of ${lists.length} venues did not tell their symbols`;
    askedMs = -Infinity;
  }
}

/** @param {Listed} row @param {string} query smaller comes first */
function rank(row, query) {
  const name = row.symbol.toLowerCase();
  const words = query.toLowerCase().split(/\s+/);
  const place = name === words[0] ? 0 : name.startsWith(words[0]) ? 1 : 2;
  return place * 2 + Number(row.exchange !== exchange.peek());
}

/** @param {string} query */
function picks(query) {
  return listed.value
    .filter((row) => matches(`${row.symbol} ${row.exchange} ${row.name}`, query))
    .map((row) => ({ row, rank: rank(row, query) }))
    .sort((a, b) => a.rank - b.rank || (a.row.symbol < b.row.symbol ? -1 : 1))
    .map(({ row }) => ({
      id: `${row.exchange} ${row.symbol}`,
      label: row.symbol,
      detail: row.exchange,
      run: () =>
        batch(() => {
          exchange.value = row.exchange;
          symbol.value = row.symbol;
        }),
    }));
}

/** The dialog of the search. */
export function SymbolSearch() {
  useEffect(() => void learn(), []);
  return html`
    <${Dialog} title="Symbol">
      <${Picker} label="Symbol" hint="BTC, ETH bybit, …" picks=${picks}
        empty=${listed.value.length ? "no such symbol" : "asking the venues …"} />
      ${problem.value && html`<p class="down">${problem.value}</p>`}
    <//>`;
}
