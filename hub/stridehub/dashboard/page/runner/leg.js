/** Both legs from the hip down as they move: one over the other, with the zones around them. */

import { SIDES } from "../js/zonebar.js";
import { anklePath, isStance, keyMoments, poseAt, swingPath, wrap } from "./gait.js";
import { Gauge } from "./gauge.js";
import { MODES } from "./playback.js";
import { lineThrough, moveTo, svg } from "./svg.js";

const LEG = 220; // hip to ankle, units of the picture
const BOX = { x: -215, y: -92, width: 400, height: 366 };
const FOOT = 16; // below the ankle: the sole
const TORSO = 78;
const TICK = 9;
const CLEAR = 16; // of a zone from the joint that passes it
const HIP = { x: 0, y: 0 };

export class LegPicture {
  lag = 0.5; // of the right leg behind the left, share of a stride
  #cycle = null;
  #moments = new Map();
  #groundY = LEG + FOOT;
  #kickback;
  #kneeLift;
  #trails;
  #legs;
  #ground;
  #torso;
  #plumb;

  /** @param {Element} parent */
  constructor(parent) {
    this.root = svg("svg", {
      class: "leg-picture",
      viewBox: `${BOX.x} ${BOX.y} ${BOX.width} ${BOX.height}`,
      role: "img",
      "aria-label": "Both legs, seen from the side, running to the right",
    });
    this.#scenery();
    this.#kickback = new Gauge(this.root, { title: "kickback", sign: -1, least: 0, most: 150 });
    this.#kneeLift = new Gauge(this.root, { title: "knee lift", sign: 1, least: -30, most: 100 });
    this.#trails = new Map(SIDES.map((side) => [side, this.#trail(side)]));
    this.#legs = new Map(SIDES.map((side) => [side, this.#leg(side)]));
    this.root.append(this.#kickback.labels, this.#kneeLift.labels); // over the legs
    parent.append(this.root);
  }

  #scenery() {
    this.#ground = svg("path", { class: "ground" });
    this.#torso = svg("path", { class: "torso" });
    const direction = svg("g", { class: "direction" });
    direction.append(
      svg("path", { d: "M96 -78 h40 m-9 -6 l9 6 l-9 6" }),
      svg("text", { x: 90, y: -74 }, "forward"),
    );
    this.#plumb = svg("path", { class: "plumb" });
    this.root.append(this.#plumb, this.#ground, this.#torso, direction);
    this.lean(null);
    this.#placeGround();
  }

  #trail(side) {
    const path = svg("path", { class: `trail ${side} absent` });
    const landing = svg("g", { class: `landing ${side} absent` });
    landing.append(
      svg("path", { d: `M0 0 l-5 ${TICK} h10 z` }),
      svg("text", { x: side === "left" ? -2 : 2, y: TICK + 12 }, side === "left" ? "L" : "R"),
    );
    const top = svg("path", { class: `heel-top ${side} absent`, d: "M-5 0 H5 M0 -5 V5" });
    this.root.append(path, landing, top);
    return { path, landing, top };
  }

  #leg(side) {
    const parts = {
      sole: svg("path", { class: "sole", d: "M-15 0 H15" }),
      outer: svg("path", { class: "bone" }),
      inner: svg("path", { class: "marrow" }),
      unknown: svg("path", { class: "unknown-thigh" }),
      knee: svg("circle", { class: "knee", r: 5.5 }),
      ankle: svg("circle", { class: "ankle", r: 7.5 }),
    };
    const group = svg("g", { class: `leg ${side} absent` }, ...Object.values(parts));
    this.root.append(group);
    return { ...parts, group };
  }

  /** Pelvis lean in degrees; null: not known. */
  lean(degrees) {
    const angle = ((degrees ?? 0) * Math.PI) / 180;
    const top = { x: TORSO * Math.sin(angle), y: -TORSO * Math.cos(angle) };
    this.#torso.setAttribute("d", lineThrough([HIP, top]));
    this.#torso.classList.toggle("unknown", degrees === null);
  }

  /** @param {{sides: Map<string, import("./gait.js").SideCycle>, thighOfLeg: number}} cycle */
  show(cycle) {
    this.#cycle = cycle;
    const lowest = [];
    for (const side of SIDES) {
      const own = cycle.sides.get(side);
      this.#legs.get(side).group.classList.toggle("absent", !own);
      for (const part of Object.values(this.#trails.get(side))) {
        part.classList.toggle("absent", !own?.thighDeg); // the ankle's place is not known without
      }
      if (!own) continue;
      this.#moments.set(side, keyMoments(own, cycle.thighOfLeg));
      lowest.push(Math.max(...anklePath(own, cycle.thighOfLeg).map(({ y }) => y)));
    }
    if (lowest.length > 0) this.#groundY = LEG * Math.max(...lowest) + FOOT;
    this.#placeGround();
    for (const side of SIDES) if (cycle.sides.has(side)) this.#drawTrail(side);
  }

  #placeGround() {
    const y = this.#groundY;
    this.#ground.setAttribute("d", `M${BOX.x + 8} ${y} H${BOX.x + BOX.width - 8}`);
    this.#plumb.setAttribute("d", `M0 0 V${y}`);
  }

  #drawTrail(side) {
    const own = this.#cycle.sides.get(side);
    const { path, landing, top } = this.#trails.get(side);
    path.setAttribute("d", lineThrough(swingPath(own, this.#cycle.thighOfLeg).map(scaled)));
    const { ankle } = this.#poseAt(side, 0);
    moveTo(landing, { x: ankle.x, y: this.#groundY + 2 });
    moveTo(top, this.#poseAt(side, this.#moments.get(side).heelUp).ankle);
  }

  /** Zones around the legs: Maps by side, of Reading. */
  zones(kickback, kneeLift) {
    if (this.#cycle === null || this.#cycle.sides.size === 0) return;
    const thigh = LEG * this.#cycle.thighOfLeg;
    this.#kickback.show(this.#kneeAtKickback(), LEG - thigh + CLEAR, kickback);
    this.#kneeLift.show(HIP, thigh + CLEAR, kneeLift);
  }

  /** Where the knees are, in the mean of both sides, when the heels are furthest back. */
  #kneeAtKickback() {
    const knees = [...this.#cycle.sides.keys()].map(
      (side) => this.#poseAt(side, this.#moments.get(side).kickback).knee,
    );
    const mean = (key) => knees.reduce((sum, knee) => sum + knee[key], 0) / knees.length;
    return { x: mean("x"), y: mean("y") };
  }

  /** `phase` of the left leg. At a moment each leg stands at its own. */
  draw(phase, mode) {
    if (this.#cycle === null) return;
    const isMoving = MODES.find(({ name }) => name === mode).speed > 0;
    for (const side of this.#cycle.sides.keys()) {
      const own = side === "left" ? phase : wrap(phase - this.lag);
      this.#drawLeg(side, isMoving ? own : this.#moments.get(side)[mode]);
    }
  }

  #drawLeg(side, phase) {
    const own = this.#cycle.sides.get(side);
    const parts = this.#legs.get(side);
    const { knee, ankle } = this.#poseAt(side, phase);
    const known = lineThrough(own.thighDeg ? [HIP, knee, ankle] : [knee, ankle]);
    parts.outer.setAttribute("d", known);
    parts.inner.setAttribute("d", known);
    parts.unknown.setAttribute("d", own.thighDeg ? "" : lineThrough([HIP, knee]));
    moveTo(parts.knee, knee);
    moveTo(parts.ankle, ankle);
    moveTo(parts.sole, { x: ankle.x, y: this.#groundY });
    parts.group.classList.toggle("stance", isStance(own, phase));
  }

  #poseAt(side, phase) {
    const { knee, ankle } = poseAt(this.#cycle.sides.get(side), this.#cycle.thighOfLeg, phase);
    return { knee: scaled(knee), ankle: scaled(ankle) };
  }
}

function scaled({ x, y }) {
  return { x: x * LEG, y: y * LEG };
}
