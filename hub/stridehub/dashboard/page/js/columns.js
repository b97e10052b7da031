/** The columns of the group board: what each shows of a runner, and how rows are sorted by it. */

import { el, setAttribute, setProperty, setText } from "./dom.js";
import { NOTHING, ago, cueWords, fixed, mean, pace, percent, responseWords, strikeWords, words } from "./format.js";
import { podsInShort } from "./pods.js";
import { SIDES, ZoneBar, outside, positionOf } from "./zonebar.js";

const CUE_SHOWN_MS = 60_000; // then it is history, see the runner's own page
const CUE_NEW_MS = 4_000;
const PODS_LINES = 3;
const NEARLY = 0.8; // of a cap: time to think of the way home

export const OVERSTRIDE = { from: 0.1, to: 0.5, decimals: 2, title: "Overstride", unit: "of leg" };
export const KICKBACK = { from: 40, to: 125, decimals: 0, title: "Kickback", unit: "degrees" };

const readingsOf = (runner, metric) => runner.summary?.metrics.get(metric);

function meanOf(runner, metric) {
  const readings = readingsOf(runner, metric);
  return mean(SIDES.map((side) => readings?.get(side)?.median ?? null));
}

/** A number, and whether it is below or above its zone. */
class Figure {
  constructor(metric, decimals) {
    this.#metric = metric;
    this.#decimals = decimals;
    this.#number = el("span", { class: "number" });
    this.#where = el("span", { class: "where" });
    this.nodes = [el("div", { class: "figure" }, this.#number, this.#where)];
  }

  show(runner) {
    const readings = readingsOf(runner, this.#metric);
    setText(this.#number, fixed(meanOf(runner, this.#metric), this.#decimals));
    const positions = SIDES.map((side) => readings?.get(side)).filter(Boolean).map(positionOf);
    const out = positions.find((position) => position === "above" || position === "below") ?? null;
    setText(this.#where, out ?? "");
    setAttribute(this.#where, "data-position", out);
  }

  #metric;
  #decimals;
  #number;
  #where;
}

class Pace {
  #pace = el("span", { class: "number" });
  nodes = [el("div", { class: "figure" }, this.#pace)];

  show({ summary }) {
    setText(this.#pace, pace(summary?.speed_mps ?? null));
  }
}

/** Contact time, and how it is shared by the legs. */
class Contact {
  #figure = new Figure("contact_time_ms", 0);
  #tilt = el("span", { class: "balance-tilt" });
  #words = el("span", { class: "balance-words" });
  nodes = [
    ...this.#figure.nodes,
    el("div", { class: "balance" }, el("span", { class: "balance-bar" }, this.#tilt), this.#words),
  ];

  show(runner) {
    this.#figure.show(runner);
    const balance = runner.summary?.balance ?? null;
    setText(this.#words, balance === null ? "" : inWords(balance.left_pct));
    this.#tilt.hidden = balance === null;
    if (balance === null) return;
    // 4 % either way fill the bar
    setProperty(this.#tilt, "--tilt", Math.min(Math.max((50 - balance.left_pct) / 8, -0.5), 0.5));
    setAttribute(this.#tilt.parentElement, "data-position", positionOf(balance));
  }
}

function inWords(leftPct) {
  const more = Math.abs(leftPct - 50).toFixed(1);
  if (more === "0.0") return "even";
  return `${leftPct > 50 ? "L" : "R"} +${more}\u00a0%`;
}

class Zone {
  constructor(metric, scale) {
    this.#metric = metric;
    this.#bar = new ZoneBar(scale);
    this.nodes = [this.#bar.root];
  }

  show(runner) {
    this.#bar.show(readingsOf(runner, this.#metric));
  }

  #metric;
  #bar;
}

/** Foot strike is an outcome: told beside the overstride, never judged. */
class Overstride extends Zone {
  #lands = el("span", { class: "cell-lands" });

  constructor() {
    super("overstride_ratio", OVERSTRIDE);
    this.nodes.push(this.#lands);
  }

  show(runner) {
    super.show(runner);
    const strike = runner.summary?.strike ?? new Map();
    const [left, right] = SIDES.map((side) => strike.get(side) ?? null).map((one) => one && strikeWords(one));
    if (left === null && right === null) setText(this.#lands, "");
    else if (left === right) setText(this.#lands, `lands ${left}`);
    else setText(this.#lands, `lands L ${left ?? NOTHING}, R ${right ?? NOTHING}`);
  }
}

class Lean {
  #figure = new Figure("lean_deg", 0);
  #sign = el("span", { class: "flag", "data-level": "warning" }, "over-lean");
  nodes = [...this.#figure.nodes, this.#sign];

  show(runner) {
    this.#figure.show(runner);
    this.#sign.hidden = runner.summary?.is_over_leaning !== true;
  }
}

/** Load of the calves against its cap, and form that fades. */
class Load {
  #used = el("span", { class: "load-used" });
  #share = el("span", { class: "load-share" });
  #load = el("div", { class: "load-of-cap", role: "img" }, el("span", { class: "load-bar" }, this.#used), this.#share);
  #fading = el("span", { class: "flag", "data-level": "warning" }, "fading");
  nodes = [this.#load, this.#fading];

  show({ summary }) {
    const load = summary?.load ?? null;
    const share = load?.share ?? null;
    const isReached = load?.is_reached === true;
    setText(this.#share, load !== null && share === null ? "no cap" : percent(share));
    setProperty(this.#used, "--share", Math.min(Math.max(share ?? 0, 0), 1));
    setAttribute(this.#load, "data-level", isReached ? "error" : share > NEARLY ? "warning" : null);
    setAttribute(this.#load, "aria-label", `calf load ${percent(share)} of its cap${isReached ? ", enough" : ""}`);
    this.#fading.hidden = summary?.drift?.is_fading !== true;
    setAttribute(this.#fading, "title", summary?.drift?.text ?? null);
  }
}

/** What buzzed last, and what came of it. */
class Cue {
  #what = el("span", { class: "cue-what" });
  #how = el("span", { class: "cue-how" });
  nodes = [el("div", { class: "cue" }, this.#what, this.#how)];

  show(runner, { now }) {
    const cue = newestCue(runner);
    const ageMs = cue === null || now === null ? Infinity : now - cue.t;
    const isShown = ageMs < CUE_SHOWN_MS;
    const isMuted = runner.summary?.is_muted === true;
    setAttribute(this.nodes[0], "data-state", isShown ? stateOf(cue, ageMs) : isMuted ? "muted" : "none");
    setText(this.#what, isShown ? `${cueWords(cue.kind)}${sideOf(cue)}` : isMuted ? "muted" : "");
    setText(this.#how, isShown ? outcomeOf(cue, ageMs) : "");
  }
}

/** The summary tells it each second, the cue itself at once. */
function newestCue({ cue, summary }) {
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

class Pods {
  #lines = Array.from({ length: PODS_LINES }, () => el("span", { class: "pods-line" }));
  nodes = [el("div", { class: "pods-lines" }, ...this.#lines)];

  show({ pods }) {
    const { lines, title } = podsInShort(pods);
    this.#lines.forEach((line, place) => {
      setText(line, lines[place]?.text ?? "");
      setAttribute(line, "data-level", lines[place]?.level ?? null);
    });
    setAttribute(this.nodes[0], "title", title);
  }
}

class Runner {
  #link = el("a", { class: "runner-name" });
  #state = el("span", { class: "runner-state" });
  nodes = [this.#link, this.#state];

  show({ hub, runner, summary }, { ageMs, isStale, hasManyHubs }) {
    setText(this.#link, runner);
    setAttribute(this.#link, "href", `#/runner/${encodeURIComponent(hub)}/${encodeURIComponent(runner)}`);
    setText(this.#state, [hasManyHubs ? hub : "", stateWords(summary, ageMs, isStale)].filter(Boolean).join(" · "));
  }
}

function stateWords(summary, ageMs, isStale) {
  if (summary === null) return "no strides yet";
  if (isStale) return Number.isFinite(ageMs) ? `${ago(ageMs)} old` : "old";
  return summary.gait === "running" ? "" : words(summary.gait);
}

/** `by`: what rows are sorted by, or null; large values come first where `isDown`. */
export const COLUMNS = [
  { name: "runner", title: "Runner", unit: "name", make: () => new Runner(), by: ({ hub, runner }) => `${runner}/${hub}` },
  { name: "pace", title: "Pace", unit: "min/km", make: () => new Pace(), by: ({ summary }) => summary?.speed_mps ?? null, isDown: true },
  { name: "cadence", title: "Cadence", unit: "spm", make: () => new Figure("cadence_spm", 0), by: (runner) => meanOf(runner, "cadence_spm"), isDown: true },
  { name: "contact", title: "Contact", unit: "ms", make: () => new Contact(), by: (runner) => meanOf(runner, "contact_time_ms"), isDown: true },
  { name: "overstride", title: "Overstride", unit: "foot ahead of hip", make: () => new Overstride(), by: (runner) => outside(readingsOf(runner, "overstride_ratio"), OVERSTRIDE), isDown: true },
  { name: "kickback", title: "Kickback", unit: "heel lift behind", make: () => new Zone("kickback_deg", KICKBACK), by: (runner) => outside(readingsOf(runner, "kickback_deg"), KICKBACK), isDown: true },
  { name: "lean", title: "Lean", unit: "deg", make: () => new Lean(), by: (runner) => meanOf(runner, "lean_deg"), isDown: true },
  { name: "load", title: "Calf load", unit: "of cap, form", make: () => new Load(), by: ({ summary }) => summary?.load.share ?? null, isDown: true },
  { name: "cue", title: "Cue", unit: "and response", make: () => new Cue(), by: (runner) => newestCue(runner)?.t ?? null, isDown: true },
  { name: "pods", title: "Pods", unit: "the worst of", make: () => new Pods(), by: ({ pods }) => podsInShort(pods).trouble, isDown: true },
];
