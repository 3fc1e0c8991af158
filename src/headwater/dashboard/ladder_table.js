/**
 * @file The ladder's table in the page: a row for each price, which stays the same element as long
 * as the price is there, and a view that stays where it is while prices come and go.
 */

import { steadyTop } from "./book_levels.js";
import { venueColour } from "./venue_colours.js";

/**
 * @typedef {import("./ladder_rows.js").Row} Row
 * @typedef {"bid" | "ask"} Side
 * @typedef {{side: Side, price: number}} Chosen
 *
 * @typedef {object} Line a row of the table
 * @property {HTMLTableRowElement} element
 * @property {Text} price @property {Text} size @property {Text} total
 * @property {HTMLElement} shares
 */

const COLUMNS = 4;
/** Percent of a row that its bar takes at most: prices stay free of it. */
const BAR_MAX = 66;

/** @param {string} name @param {string} [className] */
function made(name, className = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  return element;
}

/** @param {Text} text @param {string} value */
function write(text, value) {
  if (text.data !== value) text.data = value;
}

/** Draws ladders into an element, and tells which row is pointed at. */
export class LadderTable {
  /** @type {{ask: Map<number, Line>, bid: Map<number, Line>}} by price */
  #lines = { ask: new Map(), bid: new Map() };
  /** @type {{asks: readonly number[], bids: readonly number[]}} prices from the top, as drawn */
  #prices = { asks: [], bids: [] };
  #setTop = 0;
  /** Height when it was scrolled last, px. */
  #setHeight = 0;
  /** Whether the middle stays in the middle. */
  isCentred = true;

  /**
   * @param {HTMLElement} host
   * @param {object} hears
   * @param {(chosen: Chosen | undefined) => void} hears.chosen the row that is pointed at, or none
   * @param {(isCentred: boolean) => void} hears.scrolled whether the view follows the middle
   */
  constructor(host, hears) {
    this.hears = hears;
    this.place = made("div", "ladder-scroll");
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "region");
    const table = made("table");
    const head = made("thead");
    const names = made("tr");
    this.heads = Array.from({ length: COLUMNS }, () => {
      const cell = made("th");
      cell.setAttribute("scope", "col");
      names.append(cell);
      return cell;
    });
    head.append(names);
    this.sides = { ask: made("tbody", "asks"), bid: made("tbody", "bids") };
    const between = made("tbody", "between");
    const row = made("tr");
    this.middle = made("td");
    this.middle.setAttribute("colspan", String(COLUMNS));
    row.append(this.middle);
    between.append(row);
    table.append(head, this.sides.ask, between, this.sides.bid);
    this.place.append(table);
    host.append(this.place);
    this.between = row;
    this.place.addEventListener("scroll", () => this.#scrolled());
    this.place.addEventListener("pointermove", (event) => this.hears.chosen(chosenBy(event)));
    this.place.addEventListener("pointerleave", () => this.hears.chosen(undefined));
    this.watch = new ResizeObserver(() => {
      if (this.isCentred) this.centre();
    });
    this.watch.observe(this.place);
  }

  /** @param {readonly string[]} names of the columns; an empty one hides the last */
  titled(names) {
    names.forEach((name, at) => {
      if (this.heads[at].textContent !== name) this.heads[at].textContent = name;
    });
    const isAlone = names[COLUMNS - 1] === "";
    this.place.classList.toggle("alone", isAlone);
    this.middle.setAttribute("colspan", String(isAlone ? COLUMNS - 1 : COLUMNS));
  }

  /** @param {import("./ladder_rows.js").Ladder} ladder @param {readonly string[]} exchanges */
  draw(ladder, exchanges) {
    const before = this.#prices;
    const top = this.place.scrollTop;
    this.#side("ask", ladder.asks, exchanges);
    this.#side("bid", ladder.bids, exchanges);
    if (this.middle.textContent !== ladder.middle) this.middle.textContent = ladder.middle;
    this.#prices = {
      asks: ladder.asks.map((one) => one.level.price),
      bids: ladder.bids.map((one) => one.level.price),
    };
    if (this.isCentred) this.centre();
    else this.#scrollTo(this.#steadyFrom(before, top));
  }

  /** Where to scroll to, so that what is read stays where it is.
   * @param {{asks: readonly number[], bids: readonly number[]}} before @param {number} top px
   */
  #steadyFrom(before, top) {
    const { rowPx } = this;
    const { asks, bids } = this.#prices;
    const bidsTop = (before.asks.length + 1) * rowPx;
    if (top < bidsTop - rowPx) return steadyTop(before.asks, asks, top, rowPx);
    const inBids = Math.max(top - bidsTop, 0);
    const moved = steadyTop(before.bids, bids, inBids, rowPx) - inBids;
    return top + moved + (asks.length - before.asks.length) * rowPx;
  }

  /** Nothing is known. @param {string} text stands where the middle is */
  clear(text) {
    this.draw({ asks: [], bids: [], middle: text }, []);
  }

  /** Puts the middle into the middle, and keeps it there. */
  centre() {
    const { clientHeight } = this.place;
    const { rowPx } = this;
    this.isCentred = true;
    this.hears.scrolled(true);
    this.#scrollTo(this.#prices.asks.length * rowPx + rowPx / 2 - (clientHeight - rowPx) / 2);
  }

  /** Height of a row. */
  get rowPx() {
    return this.between.offsetHeight || 20;
  }

  /** Marks a row, and shows it when it is out of sight. @param {Chosen | undefined} chosen */
  mark(chosen) {
    this.place.querySelector("tr.chosen")?.classList.remove("chosen");
    if (chosen === undefined) return;
    this.#lines[chosen.side].get(chosen.price)?.element.classList.add("chosen");
  }

  /** Brings a row into sight. @param {Chosen} chosen */
  show(chosen) {
    this.#lines[chosen.side].get(chosen.price)?.element.scrollIntoView({ block: "nearest" });
  }

  remove() {
    this.watch.disconnect();
  }

  #scrolled() {
    const isOurs = Math.abs(this.place.scrollTop - this.#setTop) <= 1;
    // A browser scrolls a list that grows, to keep it filled: nobody chose that.
    const isResized = this.place.clientHeight !== this.#setHeight;
    if (isOurs || isResized) return;
    this.isCentred = false;
    this.hears.scrolled(false);
  }

  /** @param {number} top px */
  #scrollTo(top) {
    if (Math.abs(this.place.scrollTop - top) >= 1) this.place.scrollTop = top;
    this.#setTop = this.place.scrollTop;
    this.#setHeight = this.place.clientHeight;
  }

  /** @param {Side} side @param {readonly Row[]} rows @param {readonly string[]} exchanges */
  #side(side, rows, exchanges) {
    const body = this.sides[side];
    const lines = this.#lines[side];
    const wanted = new Set(rows.map((row) => row.level.price));
    for (const [price, line] of lines) {
      if (wanted.has(price)) continue;
      line.element.remove();
      lines.delete(price);
    }
    let next = /** @type {Element | null} */ (body.firstElementChild);
    for (const row of rows) {
      let line = lines.get(row.level.price);
      if (line === undefined) {
        line = madeLine(side, row.level.price);
        lines.set(row.level.price, line);
      }
      if (line.element === next) next = next.nextElementSibling;
      else body.insertBefore(line.element, next);
      fill(line, row, exchanges);
    }
  }
}

/** @param {Side} side @param {number} price @returns {Line} */
function madeLine(side, price) {
  const element = /** @type {HTMLTableRowElement} */ (made("tr"));
  element.dataset.side = side;
  element.dataset.price = String(price);
  const texts = Array.from({ length: 3 }, () => {
    const cell = made("td");
    const text = document.createTextNode("");
    cell.append(text);
    element.append(cell);
    return text;
  });
  const last = made("td", "shares");
  const shares = made("i");
  last.append(shares);
  element.append(last);
  return { element, price: texts[0], size: texts[1], total: texts[2], shares };
}

/** @param {Line} line @param {Row} row @param {readonly string[]} exchanges */
function fill(line, row, exchanges) {
  write(line.price, row.price);
  write(line.size, row.size);
  write(line.total, row.total);
  const width = (row.depth * BAR_MAX).toFixed(1);
  line.element.style.backgroundSize = `${width}% 100%`;
  const shares = exchanges.length > 1 ? stacked(row.level.shares, exchanges) : "none";
  if (line.shares.style.backgroundImage !== shares) line.shares.style.backgroundImage = shares;
}

/** A bar of the venues' colours, as wide as their shares. @param {readonly number[]} shares
 * @param {readonly string[]} exchanges
 */
function stacked(shares, exchanges) {
  const sum = shares.reduce((total, one) => total + one, 0);
  let from = 0;
  const parts = exchanges.map((exchange, at) => {
    const to = from + (sum > 0 ? (shares[at] / sum) * 100 : 0);
    const part = `${venueColour(exchange)} ${from.toFixed(1)}% ${to.toFixed(1)}%`;
    from = to;
    return part;
  });
  return `linear-gradient(to right, ${parts.join(", ")})`;
}

/** The row of an event. @param {Event} event @returns {Chosen | undefined} */
function chosenBy(event) {
  const row = event.target instanceof Element ? event.target.closest("tr") : null;
  if (row?.dataset.side === undefined) return undefined;
  return { side: row.dataset.side === "ask" ? "ask" : "bid", price: Number(row.dataset.price) };
}
