/** Cues of one runner, with what came of them; bounded. */

const MOST = 50;

/**
 * A CueMessage or CueResponseMessage as read, both of them merged by `due_s`.
 * @typedef {{t: number, due_s: number, kind: string, side: string, metric: string,
 *   value: number | null, zone: object | null, withheld: boolean, why_withheld: string | null,
 *   latency_ms: number | null, response: string | null, change: number | null}} Cue
 */
export class Cues {
  /** @type {Cue[]} the oldest first */
  all = [];

  /** A cue that comes twice counts once. */
  add(message) {
    const place = this.all.findIndex(({ due_s }) => due_s === message.due_s);
    if (place < 0) this.all = [...this.all, message].toSorted((a, b) => a.t - b.t).slice(-MOST);
    else this.all = this.all.with(place, merged(this.all[place], message));
  }
}

/** The newest cue, as the store has it, from before this view was opened. @returns {Cue} */
export function ofStore({ value = null, latency_ms = null, change = null, ...cue }) {
  return { ...cue, value, latency_ms, change, zone: null };
}

/** What is known of either: the cue itself has the value, its answer the response. */
function merged(one, other) {
  const [cue, answer] = one.value === null ? [other, one] : [one, other];
  return {
    ...cue,
    response: cue.response ?? answer.response,
    change: cue.change ?? answer.change,
  };
}
