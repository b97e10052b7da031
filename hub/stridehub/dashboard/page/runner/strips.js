/** The strips that a coach has chosen, one above or beside the other. */

import { el } from "../js/dom.js";
import { recall, remember } from "../js/memory.js";
import { SIDES } from "../js/zonebar.js";
import { METRICS, metricOf, plain, USUAL_ON_A_PHONE, USUAL_STRIPS, withUnit } from "./metrics.js";
import { Palette } from "./palette.js";
import { standing, zoneText } from "./reading.js";
import { Strip } from "./strip.js";

const WINDOWS = [{ label: "3 min", seconds: 180 }, { label: "10 min", seconds: 600 }];
const PHONE = "(max-width: 34rem)";
const KEPT = "strips"; // their names, in this browser

export class Strips {
  #windowS = WINDOWS[0].seconds;
  #readings = null;
  /** @type {Map<string, {root: Element, strip: Strip, texts: Map<string, Element>}>} */
  #shown = new Map();
  #grid = el("div", { class: "strips" });
  #palette;
  #boxes;

  constructor(parent) {
    this.#palette = new Palette(parent);
    parent.append(this.#windows(), this.#chooser(), this.#grid, legend());
    this.#choose(chosenBefore());
  }

  destroy() {
    for (const { strip } of this.#shown.values()) strip.destroy();
  }

  /** @param {import("./history.js").Row[]} rows */
  show(rows, cues, nowMs) {
    this.#palette.refresh();
    for (const { strip } of this.#shown.values()) strip.show(rows, cues, nowMs);
  }

  /** Of a summary: a Map by metric of a Map by side. */
  readings(readings) {
    this.#readings = readings;
    for (const [name, { texts }] of this.#shown) {
      for (const [side, text] of texts) tell(text, metricOf(name), readings.get(name)?.get(side));
    }
  }

  #windows() {
    const buttons = WINDOWS.map(({ label, seconds }) => {
      const button = el("button", { type: "button" }, label);
      button.addEventListener("click", () => {
        this.#windowS = seconds;
        for (const { strip } of this.#shown.values()) strip.windowS = seconds;
        press();
      });
      return { button, seconds };
    });
    const press = () => {
      for (const { button, seconds } of buttons) {
        button.setAttribute("aria-pressed", `${seconds === this.#windowS}`);
      }
    };
    press();
    return el("div", { class: "joined windows", role: "group", "aria-label": "How far back" },
      ...buttons.map(({ button }) => button));
  }

  #chooser() {
    this.#boxes = METRICS.map(({ name, title }) => {
      const box = el("input", { type: "checkbox", value: name });
      box.addEventListener("change", () => {
        this.#choose(this.#ticked());
        remember(KEPT, this.#ticked().join(" "));
      });
      return { box, label: el("label", {}, box, ` ${title}`) };
    });
    return el("details", { class: "chooser" },
      el("summary", {}, "Choose strips"),
      el("div", { class: "boxes" }, ...this.#boxes.map(({ label }) => label)));
  }

  #ticked() {
    return this.#boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
  }

  #choose(names) {
    for (const { box } of this.#boxes) box.checked = names.includes(box.value);
    for (const [name, { root, strip }] of this.#shown) {
      if (names.includes(name)) continue;
      strip.destroy();
      root.remove();
      this.#shown.delete(name);
    }
    for (const name of names) if (!this.#shown.has(name)) this.#add(name);
    this.#grid.append(...names.map((name) => this.#shown.get(name).root));
    if (this.#readings !== null) this.readings(this.#readings);
  }

  #add(name) {
    const metric = metricOf(name);
    const texts = new Map(SIDES.map((side) => [side, el("span", { class: `reading ${side}` })]));
    const chart = el("div", { class: "chart", "aria-hidden": "true" });
    const root = el("figure", { class: "strip", "data-metric": name },
      el("figcaption", {},
        el("h3", {}, metric.title, el("small", {}, metric.unit)), ...texts.values()), chart);
    this.#shown.set(name, { root, texts, strip: new Strip(chart, metric, this.#windowS, this.#palette) });
  }
}

function tell(text, metric, reading) {
  const { sign, word } = standing(reading);
  const zone = zoneText(reading ?? { low: null, high: null }, (v) => withUnit(metric, v));
  text.dataset.position = reading?.position ?? "";
  text.title = zone && `zone ${zone}`;
  text.replaceChildren(
    el("b", {}, plain(reading?.median ?? null, metric.decimals)), ` ${sign} ${word}`);
}

function legend() {
  const keys = ["left", "right", "zone", "cue", "withheld cue"];
  return el("p", { class: "legend" },
    ...keys.map((key) => el("span", { class: `key ${key.split(" ")[0]}` }, key)));
}

function chosenBefore() {
  const kept = recall(KEPT)?.split(" ");
  if (kept) return METRICS.map(({ name }) => name).filter((name) => kept.includes(name));
  return matchMedia(PHONE).matches ? USUAL_ON_A_PHONE : USUAL_STRIPS;
}
