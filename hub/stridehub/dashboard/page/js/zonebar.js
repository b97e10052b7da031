/**
 * A zone, drawn where it is at the pace of the moment, and where each leg is: below, in or above.
 * Never a score. The scale stands still, so that the zone is seen to move with the pace.
 */

import { el, setAttribute, setProperty, setText } from "./dom.js";
import { fixed } from "./format.js";

export const SIDES = ["left", "right"];
const LETTERS = { left: "L", right: "R" };
const FULL = 100; // percent of the bar

/** How far outside, as one number to sort by: 0 in the zone, and shares of the scale beyond it. */
export function outside(readings, { from, to }) {
  const far = SIDES.map((side) => {
    const { median, low, high } = readings?.get(side) ?? { median: null };
    if (median === null) return 0;
    return Math.max(low === null ? 0 : low - median, high === null ? 0 : median - high, 0);
  });
  return Math.max(...far) / (to - from);
}

export class ZoneBar {
  /** `scale`: {from, to, decimals, title, unit} in the metric's unit. */
  constructor(scale) {
    this.#scale = scale;
    this.#zones = SIDES.map((side) => el("div", { class: `zonebar-zone ${side}` }));
    this.#marks = SIDES.map((side) => el("span", { class: `zonebar-mark ${side}` }, LETTERS[side]));
    this.#track = el("div", { class: "zonebar-track" }, ...this.#zones, ...this.#marks);
    this.#verdict = el("span", { class: "zonebar-verdict" });
    this.root = el("div", { class: "zonebar", role: "img" }, this.#track, this.#verdict);
  }

  /** `readings`: a Map by side, or undefined where nothing is known. */
  show(readings) {
    if (readings === this.#shown) return;
    this.#shown = readings;
    const known = SIDES.map((side) => readings?.get(side) ?? null);
    this.#showZones(known.map((reading) => (reading !== null && hasZone(reading) ? reading : null)));
    known.forEach((reading, number) => this.#showMark(this.#marks[number], reading));
    const verdict = inWords(known);
    setText(this.#verdict, verdict);
    setAttribute(this.root, "data-verdict", worst(known));
    setAttribute(this.root, "aria-label", this.#label(known, verdict));
  }

  #scale;
  #zones;
  #marks;
  #track;
  #verdict;
  #shown = null;

  /** One for both legs where they have the same; else a band each, the left one above. */
  #showZones([left, right]) {
    const isOne = left === null || right === null || isSameZone(left, right);
    setAttribute(this.#track, "data-zones", isOne ? "one" : "two");
    this.#showZone(this.#zones[0], isOne ? (left ?? right) : left);
    this.#showZone(this.#zones[1], isOne ? null : right);
  }

  #showZone(zone, reading) {
    zone.hidden = reading === null;
    if (reading === null) return;
    const low = reading.low === null ? 0 : this.#place(reading.low);
    const high = reading.high === null ? FULL : this.#place(reading.high);
    setProperty(zone, "--low", low);
    setProperty(zone, "--width", Math.max(high - low, 0));
    setAttribute(
      zone,
      "data-open",
      reading.low === null ? "low" : reading.high === null ? "high" : null,
    );
  }

  #showMark(mark, reading) {
    mark.hidden = reading === null || reading.median === null;
    if (mark.hidden) return;
    setProperty(mark, "--at", this.#place(reading.median));
    setAttribute(mark, "data-position", positionOf(reading));
  }

  #place(value) {
    const { from, to } = this.#scale;
    const share = (value - from) / (to - from);
    return Math.round(Math.min(Math.max(share, 0), 1) * FULL * 10) / 10;
  }

  #label(known, verdict) {
    const { title, unit, decimals } = this.#scale;
    const legs = known.flatMap((reading, number) =>
      reading === null || reading.median === null
        ? []
        : [`${SIDES[number]} ${fixed(reading.median, decimals)} ${unit}`],
    );
    if (legs.length === 0) return `${title} not known`;
    const zones = known.flatMap((reading, number) =>
      reading === null || !hasZone(reading)
        ? []
        : [[SIDES[number], `${fixed(reading.low, decimals)} to ${fixed(reading.high, decimals)}`]],
    );
    const texts = new Set(zones.map(([, text]) => text));
    const zone =
      texts.size > 1 ? zones.map(([side, text]) => `${side} ${text}`).join(", ") : [...texts][0];
    return `${title}: ${verdict}; ${legs.join(", ")}; ${zone ? `zone ${zone}` : "no zone"}`;
  }
}

const isSameZone = (one, other) => one.low === other.low && one.high === other.high;
const hasZone = ({ low, high }) => low !== null || high !== null;

/** "amber": outside, and no fault yet. */
export function positionOf({ position, is_amber }) {
  if (position === null || position === "in") return position ?? "none";
  return is_amber ? "amber" : position;
}

function worst(known) {
  const all = known.filter((reading) => reading !== null).map(positionOf);
  for (const position of ["above", "below", "amber", "in"]) {
    if (all.includes(position)) return position;
  }
  return "none";
}

/** "in", "above", or "L above" where only one leg is. */
function inWords(known) {
  const out = known.map((reading) =>
    reading === null || reading.position === null || reading.position === "in"
      ? null
      : reading.position,
  );
  if (out.every((position) => position === null)) {
    return known.some((reading) => reading?.position === "in") ? "in" : "";
  }
  const [left, right] = out;
  if (left === right) return left;
  if (left !== null && right !== null) return `L ${left}, R ${right}`;
  return left === null ? `R ${right}` : `L ${left}`;
}
