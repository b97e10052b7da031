/** A zone of an angle as an arc where the leg passes it: a ring a side, the left one inside. */

import { SIDES } from "../js/zonebar.js";
import { along, arc } from "./gait.js";
import { lineThrough, moveTo, svg } from "./svg.js";

const RING_GAP = 13; // between the rings of both sides, units of the picture
const REACH_DEG = 26; // of the arc beyond the zone
const OPEN_DEG = 30; // of a zone that is open on one side
const LABEL_GAP = 27; // of numbers from the outer ring, clear of its marker
const TITLE_DEG = 9; // beyond the arc

export class Gauge {
  #sign;
  #least;
  #most;
  #rings;
  #title;
  #lowText;
  #highText;
  #group;

  /** `sign`: of the segment's angle where the metric is positive. `least`, `most`: that are drawn. */
  constructor(parent, { title, sign, least, most }) {
    this.#sign = sign;
    this.#least = least;
    this.#most = most;
    this.#rings = new Map(SIDES.map((side, i) => [side, this.#ring(side, i * RING_GAP)]));
    this.#title = svg("text", { class: "gauge-title" }, title);
    this.#lowText = svg("text", { class: "gauge-bound" });
    this.#highText = svg("text", { class: "gauge-bound" });
    this.#group = svg("g", { class: "gauge absent" });
    for (const { group } of this.#rings.values()) this.#group.append(group);
    this.labels = svg("g", { class: "absent" }, this.#title, this.#lowText, this.#highText);
    parent.append(this.#group);
  }

  #ring(side, further) {
    const parts = {
      below: svg("path", { class: "ring below" }),
      zone: svg("path", { class: "ring zone" }),
      above: svg("path", { class: "ring above" }),
      marker: svg("g", { class: `marker ${side}` }),
    };
    parts.marker.append(
      svg("circle", { r: 9.5 }),
      svg("text", { dy: "0.36em" }, side === "left" ? "L" : "R"),
    );
    const group = svg("g", { class: side }, ...Object.values(parts));
    return { ...parts, further, group };
  }

  /** `centre` in the picture, `radius` of the inner ring; `readings`: a Map by side, of Reading. */
  show(centre, radius, readings) {
    const bounds = [];
    for (const [side, ring] of this.#rings) {
      const extent = this.#extent(readings?.get(side));
      ring.group.classList.toggle("absent", extent === null);
      if (extent !== null) {
        this.#draw(ring, centre, radius + ring.further, extent, readings.get(side).median);
        bounds.push(extent);
      }
    }
    for (const part of [this.#group, this.labels]) part.classList.toggle("absent", bounds.length === 0);
    if (bounds.length > 0) this.#label(centre, radius + RING_GAP + LABEL_GAP, bounds);
  }

  /** null: there is no zone. */
  #extent(reading) {
    if (!reading || (reading.low === null && reading.high === null)) return null;
    const low = this.#clamp(reading.low ?? reading.high - OPEN_DEG);
    const high = this.#clamp(reading.high ?? reading.low + OPEN_DEG);
    return { low, high, from: this.#clamp(low - REACH_DEG), to: this.#clamp(high + REACH_DEG) };
  }

  #clamp(value) {
    return Math.min(Math.max(value, this.#least), this.#most);
  }

  #draw(ring, centre, radius, { low, high, from, to }, median) {
    const path = (a, b) => lineThrough(arc(centre, radius, this.#sign * a, this.#sign * b));
    ring.below.setAttribute("d", path(from, low));
    ring.zone.setAttribute("d", path(low, high));
    ring.above.setAttribute("d", path(high, to));
    ring.marker.classList.toggle("absent", median === null);
    if (median !== null) {
      const shown = Math.min(Math.max(median, from), to);
      moveTo(ring.marker, along(centre, radius, this.#sign * shown));
    }
  }

  #label(centre, radius, bounds) {
    const at = (degrees) => along(centre, radius, this.#sign * degrees);
    const mean = (key) => bounds.reduce((sum, b) => sum + b[key], 0) / bounds.length;
    const words = (key) =>
      [...new Set(bounds.map((b) => `${Math.round(b[key])}°`))].join(" / ");
    this.#lowText.textContent = words("low");
    this.#highText.textContent = words("high");
    moveTo(this.#lowText, at(mean("low")));
    moveTo(this.#highText, at(mean("high")));
    moveTo(this.#title, along(centre, radius - LABEL_GAP, this.#sign * (mean("to") + TITLE_DEG)));
  }
}
