/** Numbers and words as people read them. */

export const NOTHING = "–";
const WALK_MPS = 0.5; // slower has no pace that anybody runs by

const CUES = new Map([
  ["overstride", "Overstride"],
  ["heel_lift", "Low heels"],
  ["flick", "Flick"],
  ["sitting_back", "Sitting back"],
]);
const RESPONSES = new Map([
  ["responded", "it changed"],
  ["no_change", "no change"],
  ["worse", "worse"],
  ["unknown", "not known"],
]);
const STRIKES = new Map([
  ["rearfoot", "heel"],
  ["midfoot", "midfoot"],
  ["forefoot", "forefoot"],
]);

export const words = (code) => code.replaceAll("_", " ");
export const cueWords = (kind) => CUES.get(kind) ?? words(kind);
export const responseWords = (response) => RESPONSES.get(response) ?? words(response);
export const strikeWords = (strike) => STRIKES.get(strike) ?? words(strike);

export function fixed(value, decimals = 0) {
  if (value === null) return NOTHING;
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text; // no "-0"
}

/** Minutes and seconds of a kilometre. */
export function pace(speedMps) {
  if (speedMps === null || speedMps < WALK_MPS) return NOTHING;
  const seconds = Math.round(1000 / speedMps);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function percent(share) {
  return share === null ? NOTHING : `${Math.round(share * 100)} %`;
}

/** How long ago. */
export function ago(ms) {
  if (!Number.isFinite(ms)) return "";
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

export function mean(values) {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
