/** Colours of the page's theme as a canvas takes them: a custom property alone is not resolved. */

import { el } from "../js/dom.js";

const NAMES = [
  "left", "right", "left-faint", "right-faint", "surface", "text", "muted", "line", "zone",
  "zone-edge", "cue-fill",
];

export class Palette {
  #probes = new Map(NAMES.map((name) => [name, el("span", { class: `probe-${name}` })]));
  #colours = new Map();

  /** Within an element that has the theme. */
  constructor(parent) {
    parent.append(el("span", { class: "probes", hidden: true }, ...this.#probes.values()));
  }

  /** Themes change with the device's, or by the settings. */
  refresh() {
    for (const [name, probe] of this.#probes) {
      this.#colours.set(name, getComputedStyle(probe).color);
    }
  }

  /** As a function, which is what uPlot asks anew for each drawing. */
  of(name) {
    return () => this.#colours.get(name) ?? "gray";
  }
}
