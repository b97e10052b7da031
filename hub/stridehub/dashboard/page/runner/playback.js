/** Time of the leg picture: running as the runner does, slowly, or held at a moment. */

import { wrap } from "./gait.js";

export const MODES = [
  { name: "real", label: "Live speed", speed: 1 },
  { name: "slow", label: "Slow ¼", speed: 0.25 },
  { name: "landing", label: "Landing", speed: 0 },
  { name: "midStance", label: "Mid-stance", speed: 0 },
  { name: "toeOff", label: "Toe-off", speed: 0 },
  { name: "heelUp", label: "Heel up", speed: 0 },
];
const MOVING = "real";
const STILL = "heelUp"; // what the picture is about
const USUAL_STRIDE_S = 0.72; // until a stride has told
const LONGEST_FRAME_S = 0.1; // a page that was hidden goes on where it was

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Playback {
  mode = calm.matches ? STILL : MOVING;
  strideS = USUAL_STRIDE_S;
  #draw;
  #phase = 0;
  #frame = null;
  #lastMs = null;

  /** `draw(phase, mode)` once a frame while it moves, and after each change. */
  constructor(draw) {
    this.#draw = draw;
  }

  choose(name) {
    this.mode = name;
    this.refresh();
  }

  /** Once something else has changed. */
  refresh() {
    this.#frame ??= requestAnimationFrame((nowMs) => this.#step(nowMs));
  }

  stop() {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  #step(nowMs) {
    const { speed } = MODES.find(({ name }) => name === this.mode);
    const passedS = Math.min((nowMs - (this.#lastMs ?? nowMs)) / 1000, LONGEST_FRAME_S);
    this.#lastMs = nowMs;
    this.#phase = wrap(this.#phase + (passedS * speed) / this.strideS);
    this.#draw(this.#phase, this.mode);
    this.#frame = null;
    if (speed > 0) this.refresh();
  }
}
