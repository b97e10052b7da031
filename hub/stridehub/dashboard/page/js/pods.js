/** Pods of a runner in few words: the worst of them, since all are needed. */

import { NOTHING, ago, fixed, words } from "./format.js";

// As the hub's checklist sees them.
const LOW_BATTERY_PCT = 15;
const MUCH_LOSS_PCT = 2;
const OLD_MS = 1000; // a pod sends several packets a second
const SILENT_MS = 12_000; // the hub tells of each pod every 5 s

const SHORT = new Map([
  ["thigh_l", "L thigh"],
  ["thigh_r", "R thigh"],
  ["shank_l", "L shank"],
  ["shank_r", "R shank"],
  ["foot_l", "L foot"],
  ["foot_r", "R foot"],
]);
const placeWords = (placement) => SHORT.get(placement) ?? words(placement);

function worst(pods, field, pick) {
  const known = pods.map((pod) => pod[field]).filter((value) => value !== null);
  return known.length === 0 ? null : pick(...known);
}

/** {lines: [{text, level}], title, trouble}: `trouble` grows with it. */
export function podsInShort(byName) {
  const pods = [...byName.values()];
  if (pods.length === 0)
    return {
      lines: [{ text: NOTHING, level: null }],
      title: "No pod has been heard of.",
      trouble: 0,
    };
  const title = pods.map(inWords).join("\n");
  const now = performance.now();
  const away = pods.filter(({ state, at_ms }) => state !== "streaming" || now - at_ms > SILENT_MS);
  if (away.length > 0) {
    const lines = away.map(({ placement }) => ({
      text: `${placeWords(placement)} away`,
      level: "error",
    }));
    return { lines, title, trouble: 1000 * away.length };
  }
  const lines = [
    line(
      worst(pods, "battery_pct", Math.min),
      (battery) => `${fixed(battery)} % battery`,
      (battery) => battery < LOW_BATTERY_PCT,
    ),
    line(
      worst(pods, "loss_pct", Math.max),
      (loss) => `${fixed(loss, 1)} % lost`,
      (loss) => loss > MUCH_LOSS_PCT,
    ),
    line(
      worst(pods, "age_ms", Math.max),
      (age) => `${fixed(age)} ms old`,
      (age) => age > OLD_MS,
    ),
  ];
  const bad = lines.filter(({ level }) => level !== null).length;
  return { lines, title, trouble: 100 * bad + 100 - (worst(pods, "battery_pct", Math.min) ?? 100) };
}

function line(value, inWordsOf, isBad) {
  return { text: inWordsOf(value), level: value !== null && isBad(value) ? "warning" : null };
}

function inWords({ name, placement, state, reason, battery_pct, loss_pct, age_ms }) {
  const age = age_ms === null ? NOTHING : ago(age_ms);
  const lost = `${fixed(loss_pct, 1)} % lost`;
  const figures = `battery ${fixed(battery_pct)} %, ${lost}, newest ${age} old`;
  const why = reason === null ? "" : `; ${reason}`;
  return `${placeWords(placement)} (${name}): ${words(state)}, ${figures}${why}`;
}
