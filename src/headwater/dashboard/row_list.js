/**
 * @file A table of many short rows of equal height, of which only those in sight are elements.
 *
 * Rows are asked for by their place when they are drawn, so that a list that changes many times in
 * a frame costs what is seen of it once. Cells are only touched when their text is another one.
 */

/** Rows drawn beyond both edges of what is in sight. */
const MARGIN_ROWS = 3;
/** Most rows that are elements at a time, whatever the height of the screen. */
export const DRAWN_MAX = 120;

/**
 * @typedef {object} Column
 * @property {string} name what sorting is called by
 * @property {string} label
 * @property {number} width of the column in em; spare room is shared in proportion
 * @property {"left" | "right"} [align] right when left out
 * @property {"sort" | "plain"} [head] whether it can be sorted by; it cannot when left out
 * @property {"button"} [cell] whether its cells are to be pressed
 * @property {number} [rank] the greater, the sooner it is left out for want of room; never for none
 *
 * @typedef {object} Row what is written into a row
 * @property {readonly string[]} cells one text a column
 * @property {string} [look] classes of the row
 * @property {readonly (string | undefined)[]} [looks] classes of the cells
 * @property {readonly (string | undefined)[]} [titles] what explains cells
 *
 * @typedef {object} Sorting
 * @property {string} name of the column
 * @property {boolean} isDown greatest first
 *
 * @typedef {object} ListWishes
 * @property {string} label what the table is, for screen readers
 * @property {readonly Column[]} columns
 * @property {(name: string) => void} [sort] a heading was pressed
 * @property {(index: number) => void} [press] a row's button was pressed
 * @property {() => void} scrolled other rows may be in sight now: draw again
 */

/** @param {string} tag @param {string} [look] @param {string} [text] */
export function element(tag, look = "", text = "") {
  const made = document.createElement(tag);
  made.className = look;
  made.textContent = text;
  return made;
}

/**
 * The columns for which there is room.
 * @template {{width: number, rank?: number}} T
 * @param {readonly T[]} columns @param {number} room in em
 * @returns {T[]} at least those without a rank
 */
export function columnsThatFit(columns, room) {
  let shown = [...columns];
  for (;;) {
    const sum = shown.reduce((all, column) => all + column.width, 0);
    const worst = Math.max(...shown.map((column) => column.rank ?? 0));
    if (sum <= room || worst <= 0) return shown;
    shown = shown.filter((column) => (column.rank ?? 0) < worst);
  }
}

/** Writes only what is another text: what stays the same costs no layout.
 * @param {Element} cell @param {string} text
 */
function write(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}

/** The table, in an element that scrolls. */
export class RowList {
  /** @type {HTMLTableRowElement[]} */
  #pool = [];
  #first = 0;
  #rowPx = 22;
  #shownKey = "";
  /** @type {boolean[]} */
  #isShown = [];
  /** @type {Map<string, HTMLElement>} */
  #heads = new Map();

  /** @param {HTMLElement} host @param {ListWishes} wishes */
  constructor(host, wishes) {
    this.wishes = wishes;
    this.place = element("div", "rows");
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "region");
    this.place.setAttribute("aria-label", wishes.label);
    this.table = element("table");
    this.widths = document.createElement("colgroup");
    this.head = document.createElement("tr");
    for (const column of wishes.columns) {
      this.widths.append(element("col"));
      this.head.append(this.#heading(column));
    }
    const top = document.createElement("thead");
    top.append(this.head);
    this.body = document.createElement("tbody");
    this.above = this.#spacer();
    this.below = this.#spacer();
    this.body.append(this.above, this.below);
    this.table.append(this.widths, top, this.body);
    this.place.append(this.table);
    host.append(this.place);
    this.place.addEventListener("scroll", () => wishes.scrolled(), { passive: true });
    this.sized = new ResizeObserver(() => wishes.scrolled());
    this.sized.observe(this.place);
  }

  /** Whether the beginning is in sight. */
  get isAtTop() {
    return this.place.scrollTop < this.#rowPx;
  }

  remove() {
    this.sized.disconnect();
    this.place.remove();
  }

  /** Says in the headings what the rows are sorted by. @param {Sorting} sorting */
  sorted(sorting) {
    for (const [name, heading] of this.#heads) {
      const isIt = name === sorting.name;
      if (!isIt) heading.removeAttribute("aria-sort");
      else heading.setAttribute("aria-sort", sorting.isDown ? "descending" : "ascending");
    }
  }

  /**
   * Writes the rows that are in sight.
   * @param {number} count of all rows
   * @param {(index: number) => Row} rowAt what stands in one
   */
  draw(count, rowAt) {
    this.#shareWidth();
    const height = this.place.clientHeight;
    this.#rowPx = parseFloat(getComputedStyle(this.place).getPropertyValue("--row-px")) || 22;
    const seen = Math.ceil(height / this.#rowPx) + 2 * MARGIN_ROWS;
    const drawn = Math.min(count, seen, DRAWN_MAX);
    const from = Math.floor(this.place.scrollTop / this.#rowPx) - MARGIN_ROWS;
    this.#first = Math.max(0, Math.min(from, count - drawn));
    this.#stretch(this.above, this.#first);
    this.#stretch(this.below, count - drawn - this.#first);
    while (this.#pool.length < drawn) this.#pool.push(this.#newRow(this.#pool.length));
    while (this.#pool.length > drawn) this.#pool.pop()?.remove();
    this.table.setAttribute("aria-rowcount", String(count + 1));
    this.#pool.forEach((line, at) => this.#fill(line, this.#first + at, rowAt));
  }

  /** Shares the width out; columns are left out by their rank while there is no room for all. */
  #shareWidth() {
    const { columns } = this.wishes;
    const emPx = parseFloat(getComputedStyle(this.place).fontSize);
    const shown = columnsThatFit(columns, this.place.clientWidth / emPx);
    const key = shown.map((column) => column.name).join(" ");
    if (key === this.#shownKey) return;
    this.#shownKey = key;
    const sum = shown.reduce((all, column) => all + column.width, 0);
    this.#isShown = columns.map((column) => shown.includes(column));
    columns.forEach((column, at) => {
      const width = /** @type {HTMLElement} */ (this.widths.children[at]);
      const heading = /** @type {HTMLElement} */ (this.head.children[at]);
      width.hidden = heading.hidden = !this.#isShown[at];
      width.style.width = `${(column.width / sum) * 100}%`;
    });
  }

  /** @param {HTMLTableRowElement} line @param {number} index
   * @param {(index: number) => Row} rowAt
   */
  #fill(line, index, rowAt) {
    const row = rowAt(index);
    const stripe = index % 2 ? " odd" : "";
    const look = (row.look ?? "") + stripe;
    if (line.className !== look) line.className = look;
    line.setAttribute("aria-rowindex", String(index + 2));
    this.wishes.columns.forEach((column, at) => {
      const cell = line.cells[at];
      const text = column.cell === "button" ? cell.firstElementChild : cell;
      if (text !== null) write(text, row.cells[at]);
      const isOff = !this.#isShown[at];
      if (cell.hidden !== isOff) cell.hidden = isOff;
      const cellLook = `${column.align ?? "right"} ${row.looks?.[at] ?? ""}`;
      if (cell.className !== cellLook) cell.className = cellLook;
      const title = row.titles?.[at] ?? "";
      if (cell.title !== title) cell.title = title;
    });
  }

  /** @param {number} at place in the pool */
  #newRow(at) {
    const line = document.createElement("tr");
    for (const column of this.wishes.columns) {
      const cell = document.createElement("td");
      if (column.cell === "button") {
        const button = document.createElement("button");
        button.type = "button";
        button.addEventListener("click", () => this.wishes.press?.(this.#first + at));
        cell.append(button);
      }
      line.append(cell);
    }
    this.body.insertBefore(line, this.below);
    return line;
  }

  /** @param {Column} column */
  #heading(column) {
    const heading = element("th", column.align ?? "right");
    heading.setAttribute("scope", "col");
    if (column.head !== "sort") {
      heading.textContent = column.label;
      return heading;
    }
    const button = element("button", "", column.label);
    button.setAttribute("type", "button");
    button.addEventListener("click", () => this.wishes.sort?.(column.name));
    heading.append(button);
    this.#heads.set(column.name, heading);
    return heading;
  }

  #spacer() {
    const line = document.createElement("tr");
    line.setAttribute("aria-hidden", "true");
    return line;
  }

  /** @param {HTMLElement} line @param {number} rows */
  #stretch(line, rows) {
    line.hidden = rows <= 0;
    const height = `${Math.max(0, rows) * this.#rowPx}px`;
    if (line.style.height !== height) line.style.height = height;
  }
}
