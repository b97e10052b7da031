/** Who it is, how fast, and what the coach is at. */

import { el, setText } from "../js/dom.js";
import { ago, fixed, mean, NOTHING, pace, percent, words } from "../js/format.js";
import { STALE_MS } from "../js/state.js";

const FIGURES = [
  { title: "pace", unit: " min/km", of: ({ speed_mps: speedMps }) => pace(speedMps) },
  { title: "cadence", unit: " steps/min", of: (summary) => fixed(cadence(summary)) },
  { title: "contact, left", unit: " %", of: ({ balance }) => fixed(balance?.left_pct ?? null, 1) },
  { title: "calf load", unit: " of its cap", of: ({ load }) => percent(load.share) },
];

export class Head {
  #figures = FIGURES.map((figure) => ({ ...figure, value: el("span"), suffix: el("small") }));
  #coach = el("p", { class: "coach" });
  #name;
  #flags = el("ul", { class: "flags" });

  constructor(runner) {
    const list = el("dl", { class: "figures" },
      ...this.#figures.map(({ title, value, suffix }) =>
        el("div", {}, el("dt", {}, title), el("dd", {}, value, suffix))));
    this.#name = el("h1", { tabindex: "-1" },
      el("a", { href: "#/", "aria-label": "All runners" }, "‹"), runner);
    this.root = el("header", { class: "runner-head" }, this.#name, list, this.#coach, this.#flags);
  }

  /** Keyboards and screen readers begin at the name. */
  focus() {
    this.#name.focus({ preventScroll: true });
  }

  show(summary, ageMs) {
    setText(this.#coach, summary === null ? "Nothing heard of this runner yet." : summary.coach);
    for (const { value, suffix, unit, of } of this.#figures) {
      const text = summary === null ? NOTHING : of(summary);
      setText(value, text);
      setText(suffix, text === NOTHING ? "" : unit);
    }
    const told = flags(summary, ageMs);
    if (told.join("\n") === [...this.#flags.children].map((flag) => flag.textContent).join("\n")) return;
    this.#flags.replaceChildren(...told.map((text) => el("li", {}, text)));
  }
}

function cadence({ metrics }) {
  return mean([...(metrics.get("cadence_spm")?.values() ?? [])].map(({ median }) => median));
}

function flags(summary, ageMs) {
  if (summary === null) return [];
  const age = Number.isFinite(ageMs) ? `${ago(ageMs)} old` : "not live";
  return [
    ...(ageMs > STALE_MS ? [age] : []),
    ...(summary.gait === "running" ? [] : [words(summary.gait)]),
    ...(summary.is_muted ? ["muted"] : []),
    ...(summary.is_over_leaning ? ["over-lean"] : []),
    ...(summary.drift?.is_fading ? [`form is fading: ${summary.drift.text}`] : []),
    ...(summary.load.is_reached ? ["calf load: enough"] : []),
    ...summary.drill,
  ];
}
