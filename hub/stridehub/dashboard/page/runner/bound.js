/** Numbers that people type as bounds of a zone; pure. */

const DECIMAL = /^-?(\d+\.?\d*|\.\d+)$/;

/** What a bound can be, as the hub takes it (commands.py): by the end of a metric's name. */
export const RANGES = new Map([
  ["ratio", [-1, 2]],
  ["deg", [-90, 180]],
  ["ms", [50, 1000]],
  ["spm", [50, 300]],
]);

/** null: none is given. NaN: that is no number. A comma is a point, as many keyboards have it. */
export function readBound(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  if (plain === "") return null;
  return DECIMAL.test(plain) ? Number(plain) : NaN;
}

/** In words, what is wrong with bounds as read; empty: nothing. */
export function troubleOf(metric, low, high) {
  const given = [["Low", low], ["High", high]].filter(([, value]) => value !== null);
  if (given.length === 0) return "Give a low bound, a high one, or both.";
  const [least, most] = RANGES.get(metric.split("_").at(-1)) ?? [-Infinity, Infinity];
  for (const [name, value] of given) {
    if (Number.isNaN(value)) return `${name} is no number.`;
    if (value < least || value > most) return `${name} is not within ${least} to ${most}.`;
  }
  return given.length === 2 && low >= high ? "Low is not below high." : "";
}
