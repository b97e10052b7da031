/** What stands in a row of the board. A cell has `nodes`, and shows a RunnerState (context.js). */

import { el, setAttribute, setProperty, setText } from "./dom.js";
import { NOTHING, ago, fixed, mean, pace, percent, strikeWords, words } from "./format.js";
import { podsInShort } from "./pods.js";
import { SIDES, ZoneBar, positionOf } from "./zonebar.js";

const PODS_LINES = 3;
const NEARLY = 0.8; // of a cap: time to think of the way home

// Scales stand still; all that runners do is well within.
export const OVERSTRIDE = { from: 0.05, to: 0.5, decimals: 2, title: "Overstride", unit: "of leg" };
export const KICKBACK = { from: 40, to: 125, decimals: 0, title: "Kickback", unit: "degrees" };

export const readingsOf = (runner, metric) => runner.summary?.metrics.get(metric);

export function meanOf(runner, metric) {
  const readings = readingsOf(runner, metric);
  return mean(SIDES.map((side) => readings?.get(side)?.median ?? null));
}

/** A number, and whether it is below or above its zone. */
export class FigureCell {
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
    const positions = SIDES.map((side) => readings?.get(side))
      .filter(Boolean)
      .map(positionOf);
    const out = positions.find((position) => position === "above" || position === "below") ?? null;
    setText(this.#where, out ?? "");
    setAttribute(this.#where, "data-position", out);
  }

  #metric;
  #decimals;
  #number;
  #where;
}

export class PaceCell {
  #pace = el("span", { class: "number" });
  nodes = [el("div", { class: "figure" }, this.#pace)];

  show({ summary }) {
    setText(this.#pace, pace(summary?.speed_mps ?? null));
  }
}

/** Contact time, and how it is shared by the legs. */
export class ContactCell {
  #figure = new FigureCell("contact_time_ms", 0);
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
  const most = Math.max(leftPct, 100 - leftPct).toFixed(1);
  if (most === "50.0") return "even";
  return `${leftPct > 50 ? "L" : "R"} ${most}\u00a0%`;
}

export class ZoneCell {
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
export class OverstrideCell extends ZoneCell {
  #lands = el("span", { class: "cell-lands" });

  constructor() {
    super("overstride_ratio", OVERSTRIDE);
    this.nodes.push(this.#lands);
  }

  show(runner) {
    super.show(runner);
    const strike = runner.summary?.strike ?? new Map();
    const [left, right] = SIDES.map((side) => strike.get(side) ?? null).map(
      (one) => one && strikeWords(one),
    );
    if (left === null && right === null) setText(this.#lands, "");
    else if (left === right) setText(this.#lands, `lands ${left}`);
    else setText(this.#lands, `lands L ${left ?? NOTHING}, R ${right ?? NOTHING}`);
  }
}

export class LeanCell {
  #figure = new FigureCell("lean_deg", 0);
  #sign = el("span", { class: "flag", "data-level": "warning" }, "over-lean");
  nodes = [...this.#figure.nodes, this.#sign];

  show(runner) {
    this.#figure.show(runner);
    this.#sign.hidden = runner.summary?.is_over_leaning !== true;
  }
}

/** Load of the calves against its cap, and form that fades. */
export class LoadCell {
  #used = el("span", { class: "load-used" });
  #share = el("span", { class: "load-share" });
  #load = el(
    "div",
    { class: "load-of-cap", role: "img" },
    el("span", { class: "load-bar" }, this.#used),
    this.#share,
  );
  #fading = el("span", { class: "flag", "data-level": "warning" }, "fading");
  nodes = [this.#load, this.#fading];

  show({ summary }) {
    const load = summary?.load ?? null;
    const share = load?.share ?? null;
    const isReached = load?.is_reached === true;
    setText(this.#share, load !== null && share === null ? "no cap" : percent(share));
    setProperty(this.#used, "--share", Math.min(Math.max(share ?? 0, 0), 1));
    setAttribute(this.#load, "data-level", isReached ? "error" : share > NEARLY ? "warning" : null);
    setAttribute(
      this.#load,
      "aria-label",
      `calf load ${percent(share)} of its cap${isReached ? ", enough" : ""}`,
    );
    this.#fading.hidden = summary?.drift?.is_fading !== true;
    setAttribute(this.#fading, "title", summary?.drift?.text ?? null);
  }
}

export class PodsCell {
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

export class RunnerCell {
  #link = el("a", { class: "runner-name" });
  #state = el("span", { class: "runner-state" });
  nodes = [this.#link, this.#state];

  show({ hub, runner, summary }, { ageMs, isStale, hasManyHubs }) {
    setText(this.#link, runner);
    setAttribute(this.#link, "data-length", lengthOf(runner));
    setAttribute(
      this.#link,
      "href",
      `#/runner/${encodeURIComponent(hub)}/${encodeURIComponent(runner)}`,
    );
    setText(
      this.#state,
      [hasManyHubs ? hub : "", stateWords(summary, ageMs, isStale)].filter(Boolean).join(" · "),
    );
  }
}

/** Big type is for short names; others are whole rather than big. */
function lengthOf(name) {
  if (name.length > 8) return "very-long";
  return name.length > 5 ? "long" : null;
}

function stateWords(summary, ageMs, isStale) {
  if (summary === null) return "no strides yet";
  if (isStale) return Number.isFinite(ageMs) ? `${ago(ageMs)} old` : "old";
  return summary.gait === "running" ? "" : words(summary.gait);
}
