/** The last cue of a runner on the board. */

import { el, setAttribute, setText } from "./dom.js";
import { ago, cueWords, responseWords } from "./format.js";

const CUE_SHOWN_MS = 60_000; // then it is history, see the runner's own page
const CUE_NEW_MS = 4_000;

/** What buzzed last, and what came of it. */
export class CueCell {
  #what = el("span", { class: "cue-what" });
  #how = el("span", { class: "cue-how" });
  nodes = [el("div", { class: "cue" }, this.#what, this.#how)];

  show(runner, { now }) {
    const { state, what, how } = told(runner, now);
    setAttribute(this.nodes[0], "data-state", state);
    setText(this.#what, what);
    setText(this.#how, how);
  }
}

function told(runner, now) {
  if (runner.summary?.is_muted === true) return { state: "muted", what: "muted", how: "" };
  const cue = newestCue(runner);
  const ageMs = cue === null || now === null ? Infinity : now - cue.t;
  if (ageMs > CUE_SHOWN_MS) return { state: "none", what: "", how: "" };
  const what = `${cueWords(cue.kind)}${sideOf(cue)}`;
  return { state: stateOf(cue, ageMs), what, how: outcomeOf(cue, ageMs) };
}

/** The summary tells it each second, the cue itself at once. */
export function newestCue({ cue, summary }) {
  const told = summary?.cue ?? null;
  if (cue === null || told === null) return cue ?? told;
  if (told.t === cue.t && told.response !== null) return told;
  return told.t > cue.t ? told : cue;
}

function stateOf({ withheld, response }, ageMs) {
  if (withheld) return "withheld";
  if (response !== null) return response;
  return ageMs < CUE_NEW_MS ? "new" : "waiting";
}

function sideOf({ side }) {
  return side === "left" ? "\u00a0L" : side === "right" ? "\u00a0R" : "";
}

function outcomeOf({ withheld, response }, ageMs) {
  if (withheld) return `not buzzed · ${ago(ageMs)}`;
  return `${response === null ? "buzzed" : responseWords(response)} · ${ago(ageMs)}`;
}
