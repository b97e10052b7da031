/** The leg picture with its controls, and in words what it shows. */

import { el, setText } from "../js/dom.js";
import { ago, mean } from "../js/format.js";
import { STALE_MS } from "../js/state.js";
import { SIDES } from "../js/zonebar.js";
import { rightLag } from "./gait.js";
import { LegPicture } from "./leg.js";
import { metricOf, plain, titleWithUnit } from "./metrics.js";
import { MODES, Playback } from "./playback.js";
import { standing, zoneText } from "./reading.js";

const TOLD = ["kickback_deg", "knee_lift_deg", "heel_trail_ratio"];
const LAST_STRIDES = 8; // of a side, for the rhythm

export class LegPanel {
  #strides = new Map(SIDES.map((side) => [side, []]));
  #readings = new Map();
  #cycle = null;
  #stage = el("div", { class: "stage" });
  #words = el("table", { class: "leg-words" });
  #note = el("p", { class: "quiet leg-note" });
  #picture = new LegPicture(this.#stage);
  #playback = new Playback((phase, mode) => this.#picture.draw(phase, mode));
  #buttons;

  constructor(parent) {
    parent.append(legend(), this.#stage, this.#modes(), this.#words, this.#note);
    this.#press();
  }

  destroy() {
    this.#playback.stop();
  }

  cycle(message) {
    this.#cycle = message;
    this.#picture.show(message);
    this.#zones();
    this.#playback.refresh();
  }

  /** Contacts of both sides tell the rhythm. */
  stride({ side, ic, next_ic }) {
    const own = this.#strides.get(side);
    own.push({ ic, next_ic });
    if (own.length > LAST_STRIDES) own.shift();
    const times = [...this.#strides.values()].flat().map((one) => one.next_ic - one.ic);
    this.#playback.strideS = middle(times);
    const [left, right] = SIDES.map((one) => this.#strides.get(one).map(({ ic: at }) => at));
    this.#picture.lag = rightLag(left, right, this.#playback.strideS);
  }

  summary({ metrics }) {
    this.#readings = metrics;
    const lean = [...(metrics.get("lean_deg")?.values() ?? [])];
    this.#picture.lean(mean(lean.map(({ median }) => median)));
    this.#zones();
    this.#tell();
  }

  age(ageMs) {
    setText(this.#note, this.#noteText(ageMs));
  }

  #noteText(ageMs) {
    if (this.#cycle === null || this.#cycle.sides.size === 0) {
      return "The legs show once a few strides have been measured.";
    }
    if (ageMs > STALE_MS) {
      return Number.isFinite(ageMs) ? `As of ${ago(ageMs)} ago.` : "Not live.";
    }
    const sides = [...this.#cycle.sides.values()];
    if (sides.some(({ thighDeg }) => thighDeg === null)) {
      return "A thigh has no pod: only the shank is measured, the thigh is drawn straight down.";
    }
    return `Mean of the last ${Math.max(...sides.map(({ strides }) => strides))} strides.`;
  }

  #zones() {
    const of = (name) => this.#readings.get(name) ?? new Map();
    this.#picture.zones(of("kickback_deg"), of("knee_lift_deg"));
  }

  #tell() {
    const known = TOLD.filter((name) => this.#readings.has(name));
    this.#words.replaceChildren(...known.map((name) => words(name, this.#readings.get(name))));
  }

  #modes() {
    this.#buttons = MODES.map(({ name, label }) => {
      const button = el("button", { type: "button", "data-mode": name }, label);
      button.addEventListener("click", () => {
        this.#playback.choose(name);
        this.#press();
      });
      return button;
    });
    return el("div", { class: "joined modes", role: "group", "aria-label": "How the legs are shown" },
      ...this.#buttons);
  }

  #press() {
    for (const button of this.#buttons) {
      button.setAttribute("aria-pressed", `${button.dataset.mode === this.#playback.mode}`);
    }
  }
}

function legend() {
  return el("p", { class: "legend" },
    el("span", { class: "key left" }, "left"), el("span", { class: "key right" }, "right"));
}

function words(name, readings) {
  const metric = metricOf(name);
  const cells = SIDES.map((side) => {
    const reading = readings.get(side);
    const { sign, word } = standing(reading);
    return el("td", { class: side, "data-position": reading?.position ?? "" },
      el("b", {}, plain(reading?.median ?? null, metric.decimals)), ` ${sign} ${word}`);
  });
  const any = readings.get("left") ?? readings.get("right");
  const zone = any ? zoneText(any, (value) => plain(value, metric.decimals)) : "";
  return el("tr", {},
    el("th", { scope: "row" }, titleWithUnit(metric), el("small", {}, zone && `zone ${zone}`)), ...cells);
}

function middle(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
