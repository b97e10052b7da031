/** When it buzzed, when it would have, and what came of it. */

import { el } from "../js/dom.js";
import { cueWords, fixed, responseWords } from "../js/format.js";
import { metricOf, plain, withUnit } from "./metrics.js";
import { zoneText } from "./reading.js";

const TIMELINE_MS = 10 * 60_000;
const LISTED = 8;
const ANSWER_MS = 60_000; // a response takes some ten strides; after this it has been missed

const WITHHELD = new Map([
  ["control", "not buzzed, to compare"],
  ["schedule", "not buzzed: cues fade over the sessions"],
  ["no_motor", "not felt: no motor"],
]);
const SIGNS = new Map([["responded", "✓"], ["no_change", "="], ["worse", "✕"], ["unknown", "?"]]);
const LANES = [["left", "L"], ["both", "L+R"], ["right", "R"]];

export class Timeline {
  #lanes = new Map(LANES.map(([side]) => [side, el("div", { class: "lane" })]));
  #list = el("ol", { class: "cue-list" });
  #none = el("p", { class: "quiet" }, "No cue since this page was opened.");
  #told = null;

  constructor(parent) {
    parent.append(
      el("div", { class: "track", "aria-hidden": "true" },
        ...LANES.flatMap(([side, label]) => [el("span", {}, label), this.#lanes.get(side)]),
        el("span"),
        el("div", { class: "track-ends" }, el("span", {}, "-10 min"), el("span", {}, "now"))),
      this.#none,
      this.#list,
    );
  }

  /** @param {import("./cues.js").Cue[]} cues the oldest first */
  show(cues, nowMs) {
    const recent = cues.filter(({ t }) => t > nowMs - TIMELINE_MS);
    for (const [side, lane] of this.#lanes) {
      lane.replaceChildren(
        ...recent.filter((cue) => cue.side === side).map((cue) => mark(cue, nowMs)));
    }
    const listed = cues.slice(-LISTED).toReversed();
    const told = listed.map((cue) => `${cue.due_s ?? cue.t} ${outcome(cue, nowMs).word}`).join();
    if (told === this.#told) return;
    this.#told = told;
    this.#none.hidden = listed.length > 0;
    this.#list.replaceChildren(...listed.map((cue) => item(cue, nowMs)));
  }
}

function mark(cue, nowMs) {
  const node = el("span", { class: `mark ${cue.withheld ? "withheld" : "given"}` },
    outcome(cue, nowMs).sign);
  node.style.left = `${100 * (1 - Math.max(nowMs - cue.t, 0) / TIMELINE_MS)}%`;
  return node;
}

function item(cue, nowMs) {
  const { sign, word } = outcome(cue, nowMs);
  return el("li", { class: cue.withheld ? "withheld" : "given" },
    el("time", {}, new Date(cue.t).toLocaleTimeString()),
    el("strong", {}, `${cueWords(cue.kind)}, ${cue.side}`,
      ...(cue.withheld ? [el("span", { class: "tag" }, "withheld")] : [])),
    el("span", { class: "response" }, `${sign} ${word}${change(cue)}`),
    el("span", { class: "because" }, [why(cue), how(cue)].filter(Boolean).join("; ")));
}

function outcome({ t, response }, nowMs) {
  if (response !== null) return { sign: SIGNS.get(response) ?? "?", word: responseWords(response) };
  return nowMs - t < ANSWER_MS
    ? { sign: "…", word: "watching" }
    : { sign: "?", word: "no answer seen" };
}

function how(cue) {
  if (cue.withheld) return WITHHELD.get(cue.why_withheld) ?? "not buzzed";
  return cue.latency_ms === null ? "given" : `given, felt after ${fixed(cue.latency_ms)} ms`;
}

function why({ metric: name, value, zone }) {
  if (value === null) return "";
  const metric = metricOf(name);
  const bounds = zone === null ? "" : zoneText(zone, (bound) => withUnit(metric, bound));
  return `${metric.title} ${withUnit(metric, value)}${bounds && `, zone ${bounds}`}`;
}

function change({ metric, change: by }) {
  if (by === null) return "";
  return ` (${by > 0 ? "+" : ""}${plain(by, metricOf(metric).decimals)})`;
}
