/** Where a metric stands in its zone: by a sign and a word, never a score. */

const WORDS = new Map([
  ["below", { sign: "▼", word: "below" }],
  ["in", { sign: "●", word: "in" }],
  ["above", { sign: "▲", word: "above" }],
]);
const UNKNOWN = { sign: "", word: "" };

/** @returns {{sign: string, word: string}} of a Reading; empty where there is no zone */
export function standing(reading) {
  const { sign, word } = WORDS.get(reading?.position) ?? UNKNOWN;
  return { sign, word: reading?.is_amber ? `just ${word}` : word };
}

/** Such as "68 – 92", "up to 0.30", "from 0.00"; empty where there is none. */
export function zoneText({ low, high }, format) {
  if (low === null && high === null) return "";
  if (low === null) return `up to ${format(high)}`;
  return high === null ? `from ${format(low)}` : `${format(low)} – ${format(high)}`;
}
