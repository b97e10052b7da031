/** Cues of one runner, with what came of them; bounded. */

const MOST = 50;
const UNTOLD = {
  due_s: null, metric: null, value: null, zone: null, why_withheld: null, latency_ms: null, change: null,
};

/**
 * A cue, its answer, or what a summary tells of it (then `due_s` is null), merged as far as known.
 * @typedef {{t: number, due_s: number | null, kind: string, side: string, metric: string | null,
 *   value: number | null, zone: object | null, withheld: boolean, why_withheld: string | null,
 *   latency_ms: number | null, response: string | null, change: number | null}} Cue
 */
export class Cues {
  /** @type {Cue[]} the oldest first */
  all = [];

  /** A cue that comes twice counts once. An answer stands for a cue that nobody heard. */
  add(message) {
    this.#merge({ ...UNTOLD, ...message }, (one) => isOf(one, message));
  }

  /** The last cue, as summaries tell it. */
  addLast(last) {
    this.#merge({ ...UNTOLD, ...last }, ({ t, kind }) => t === last.t && kind === last.kind);
  }

  #merge(cue, isSame) {
    const place = this.all.findIndex(isSame);
    if (place < 0) this.all = [...this.all, cue].toSorted((a, b) => a.t - b.t).slice(-MOST);
    else this.all = this.all.with(place, merged(this.all[place], cue));
  }
}

function isOf(one, { due_s, t, kind, side, response }) {
  if (one.due_s !== null) return one.due_s === due_s;
  if (one.t === t) return true;
  return response !== null && one.response === null && one.kind === kind && one.side === side;
}

/** The cue comes before its answer. */
function merged(one, other) {
  const [cue, answer] = one.t <= other.t ? [one, other] : [other, one];
  const known = Object.entries(cue).filter(([, value]) => value !== null);
  return { ...answer, ...Object.fromEntries(known) };
}
