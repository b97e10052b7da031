/** Medians and zones of one summary, in little room: a page keeps ten minutes of every runner. */

import { SIDES } from "../js/zonebar.js";
import { METRICS } from "./metrics.js";

const FIELDS = ["median", "low", "high"];
const PLACES = new Map(
  METRICS.flatMap(({ name }) => SIDES.map((side) => `${name} ${side}`))
    .map((key, i) => [key, i * FIELDS.length]),
);

export class KeptReadings {
  #values = new Float32Array(PLACES.size * FIELDS.length).fill(NaN);

  /** Of a summary: a Map by metric of a Map by side. */
  constructor(metrics) {
    for (const [name, bySide] of metrics) {
      for (const [side, reading] of bySide) {
        const place = PLACES.get(`${name} ${side}`);
        if (place === undefined) continue;
        FIELDS.forEach((field, i) => (this.#values[place + i] = reading[field] ?? NaN));
      }
    }
  }

  /** @returns {{median: number | null, low: number | null, high: number | null}} */
  of(name, side) {
    const place = PLACES.get(`${name} ${side}`);
    const [median, low, high] = FIELDS.map((_, i) => known(this.#values[place + i]));
    return { median, low, high };
  }
}

const known = (value) => (Number.isNaN(value) ? null : value);
