/** The group board: a row per runner of all hubs. */

import { COLUMNS } from "./columns.js";
import { arrange, el, setAttribute } from "./dom.js";
import { recall, remember } from "./memory.js";
import { STALE_MS } from "./state.js";

const SORT_EVERY_MS = 5000; // rows that jump all the time cannot be read
const AGES_MS = 500;

/** What a view is and gets: context.js. */
export function mount(element, { state }) {
  const board = new Board(state);
  element.append(board.root);
  return state.subscribe(() => board.draw());
}

class Board {
  constructor(state) {
    this.#state = state;
    this.#order = sortOf(recall("sort"));
    this.#headers = COLUMNS.map((column) => this.#header(column));
    this.#head = el("div", { class: "row head", role: "row" }, ...this.#headers);
    this.#body = el("div", { class: "rows", role: "rowgroup" });
    this.#empty = el(
      "p",
      { class: "empty" },
      "No runners yet. They appear with their first strides.",
    );
    const table = el(
      "div",
      { class: "board", role: "table", "aria-label": "Runners" },
      el("div", { class: "heads", role: "rowgroup" }, this.#head),
      this.#body,
    );
    this.root = el("section", { class: "board-section" }, this.#picker(), table, this.#empty);
    this.#showOrder();
  }

  draw() {
    const runners = [...this.#state.runners()];
    const hasManyHubs = new Set(runners.map(({ hub }) => hub)).size > 1;
    const seen = new Set();
    for (const runner of runners) {
      const key = `${runner.hub}/${runner.runner}`;
      seen.add(key);
      if (!this.#rows.has(key)) this.#rows.set(key, new Row());
      this.#rows.get(key).draw(runner, this.#surroundings(runner, hasManyHubs));
    }
    const before = this.#rows.size;
    for (const key of this.#rows.keys()) if (!seen.has(key)) this.#rows.delete(key);
    this.#empty.hidden = seen.size > 0;
    const isNew = seen.size !== this.#body.childElementCount || before !== this.#rows.size;
    if (isNew || performance.now() - this.#sortedMs > SORT_EVERY_MS) this.#sort();
  }

  #state;
  #order;
  #headers;
  #head;
  #body;
  #empty;
  #select;
  #rows = new Map();
  #sortedMs = 0;

  #surroundings(runner, hasManyHubs) {
    const ageMs = this.#state.ageMs(runner);
    return {
      ageMs,
      isStale: !(ageMs <= STALE_MS),
      now: this.#state.hubNow(runner.hub),
      hasManyHubs,
    };
  }

  #header(column) {
    const button = el(
      "button",
      { type: "button", class: "sort", "data-column": column.name },
      el("span", { class: "sort-title" }, column.title),
      el("span", { class: "sort-unit" }, column.unit ?? ""),
    );
    button.addEventListener("click", () => this.#sortBy(column));
    return el("div", { class: `cell ${column.name}`, role: "columnheader" }, button);
  }

  /** For narrow screens, where rows are cards without a head. */
  #picker() {
    this.#select = el(
      "select",
      { id: "sort-by" },
      ...COLUMNS.map(({ name, title }) => el("option", { value: name }, title)),
    );
    this.#select.addEventListener("change", () =>
      this.#sortBy(COLUMNS.find(({ name }) => name === this.#select.value)),
    );
    return el(
      "p",
      { class: "sort-picker" },
      el("label", { for: "sort-by" }, "Sorted by"),
      this.#select,
    );
  }

  /** Again by the same column: the other way round. */
  #sortBy(column) {
    const isSame = this.#order.column === column;
    this.#order = { column, isDown: isSame ? !this.#order.isDown : column.isDown === true };
    remember("sort", `${column.name} ${this.#order.isDown ? "down" : "up"}`);
    this.#showOrder();
    this.#sort();
  }

  #showOrder() {
    const { column, isDown } = this.#order;
    COLUMNS.forEach((each, place) =>
      setAttribute(
        this.#headers[place],
        "aria-sort",
        each !== column ? "none" : isDown ? "descending" : "ascending",
      ),
    );
    this.#select.value = column.name;
  }

  #sort() {
    this.#sortedMs = performance.now();
    const compare = comparison(this.#order);
    const rows = [...this.#rows.values()].sort((one, other) => compare(one.runner, other.runner));
    arrange(
      this.#body,
      rows.map(({ root }) => root),
    );
  }
}

class Row {
  runner = null;

  constructor() {
    this.#cells = COLUMNS.map((column) => column.make());
    this.root = el(
      "div",
      { class: "row", role: "row" },
      ...COLUMNS.map(({ name, title }, place) =>
        el(
          "div",
          { class: `cell ${name}`, role: place === 0 ? "rowheader" : "cell", "data-title": title },
          ...this.#cells[place].nodes,
        ),
      ),
    );
  }

  /** Where there is no news, only ages grow. */
  draw(runner, surroundings) {
    const now = performance.now();
    if (runner === this.runner && now - this.#drawnMs < AGES_MS) return;
    this.runner = runner;
    this.#drawnMs = now;
    setAttribute(this.root, "data-stale", surroundings.isStale);
    setAttribute(this.root, "data-gait", runner.summary?.gait ?? "unknown");
    for (const cell of this.#cells) cell.show(runner, surroundings);
  }

  #cells;
  #drawnMs = -Infinity;
}

/** What is not known comes last, either way; equals by name. */
function comparison({ column, isDown }) {
  const byName = COLUMNS[0].by;
  const order = (a, b) =>
    typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
  return (one, other) => {
    const [a, b] = [column.by(one), column.by(other)];
    if ((a === null) !== (b === null)) return a === null ? 1 : -1;
    const ranked = a === null ? 0 : order(a, b) * (isDown ? -1 : 1);
    return ranked || order(byName(one), byName(other));
  };
}

function sortOf(remembered) {
  const [name, way] = (remembered ?? "").split(" ");
  const column = COLUMNS.find((each) => each.name === name) ?? COLUMNS[0];
  return { column, isDown: way === "down" };
}
