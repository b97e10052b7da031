/** Pods of a runner in few words: the worst of them, since all are needed. */

import { NOTHING, ago, fixed, words } from "./format.js";

// As the hub's checklist sees them.
const LOW_BATTERY_PCT = 15;
const MUCH_LOSS_PCT = 2;
const OLD_MS = 1000; // a pod sends several packets a second
const SILENT_MS = 12_000; // the hub tells of each pod every 5 s

const worst = (pods, field, pick) => {
  const known = pods.map((pod) => pod[field]).filter((value) => value !== null);
  return known.length === 0 ? null : pick(...known);
};

/** {text, title, level, trouble}: `trouble` grows with it. */
export function podsInShort(byName) {
  const pods = [...byName.values()];
  if (pods.length === 0) return { text: NOTHING, title: "No pod has been heard of.", level: null, trouble: 0 };
  const now = performance.now();
  const away = pods.filter(({ state, at_ms }) => state !== "streaming" || now - at_ms > SILENT_MS);
  const battery = worst(pods, "battery_pct", Math.min);
  const loss = worst(pods, "loss_pct", Math.max);
  const age = worst(pods, "age_ms", Math.max);
  const figures = `${fixed(battery)} % · ${fixed(loss, 1)} % · ${fixed(age)} ms`;
  const title = pods.map(inWords).join("\n");
  if (away.length > 0) {
    const names = away.map(({ placement }) => words(placement)).join(", ");
    return { text: `${names} away`, title, level: "error", trouble: 100 * away.length };
  }
  const isBad = (battery ?? 100) < LOW_BATTERY_PCT || (loss ?? 0) > MUCH_LOSS_PCT || (age ?? 0) > OLD_MS;
  const trouble = Math.max((100 - (battery ?? 100)) / 2, loss ?? 0);
  return { text: figures, title, level: isBad ? "warning" : null, trouble: trouble + (isBad ? 50 : 0) };
}

function inWords({ name, placement, state, reason, battery_pct, loss_pct, age_ms }) {
  const figures = `battery ${fixed(battery_pct)} %, ${fixed(loss_pct, 1)} % lost, newest ${ago(age_ms ?? NaN) || NOTHING} old`;
  return `${words(placement)} (${name}): ${words(state)}, ${figures}${reason === null ? "" : `; ${reason}`}`;
}
