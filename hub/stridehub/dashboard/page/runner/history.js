/** The last minutes of one runner, bounded: strides, and the zones and medians they were in. */

import { KeptReadings } from "./kept_readings.js";

export const KEEP_MS = 10 * 60_000;
const AHEAD_MS = 5_000; // a hub's clock that was set back, or a time that cannot be
const SILENCE_MS = 5_000; // between summaries: the line is broken
const MOST_ROWS = 6_000; // ten minutes hold about 2700

/**
 * `stride`: metrics of one stride of a side. `readings`: of a summary; null with no stride is a
 * break of the lines.
 * @typedef {{t: number, side: string | null, stride: Map<string, number> | null,
 *   readings: KeptReadings | null}} Row
 */
export class History {
  /** @type {Row[]} in the order of time */
  rows = [];
  #seen = { session: null, seq: -1 };
  #lastSummaryT = null;

  /** A stride that came twice counts once. */
  addStride({ t, session, seq, side, metrics }) {
    if (session !== this.#seen.session) this.#seen = { session, seq: -1 };
    if (seq <= this.#seen.seq) return;
    this.#seen.seq = seq;
    this.#insert({ t, side, stride: metrics, readings: null });
  }

  addSummary({ t, metrics }) {
    const last = this.#lastSummaryT;
    if (last !== null && t <= last && last - t < AHEAD_MS) return;
    if (last !== null && t - last > SILENCE_MS) {
      this.#insert({ t: last + 1, side: null, stride: null, readings: null });
    }
    this.#lastSummaryT = t;
    this.#insert({ t, side: null, stride: null, readings: new KeptReadings(metrics) });
  }

  /** Forgets what is too old, or newer than now. */
  prune(nowMs) {
    const isKept = ({ t }) => t > nowMs - KEEP_MS && t < nowMs + AHEAD_MS;
    const [first, last] = [this.rows[0], this.rows.at(-1)];
    if (first && !(isKept(first) && isKept(last))) this.rows = this.rows.filter(isKept);
  }

  /** Mostly at the end: what waited for a broken network comes a little late. */
  #insert(row) {
    let place = this.rows.length;
    while (place > 0 && this.rows[place - 1].t > row.t) place -= 1;
    this.rows.splice(place, 0, row);
    if (this.rows.length > MOST_ROWS) this.rows.shift();
  }
}
