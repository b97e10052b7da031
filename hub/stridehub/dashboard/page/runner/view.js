/** One runner: how the legs move, the last minutes, cues, what is linked, and the buttons. */

import { el } from "../js/dom.js";
import { STALE_MS } from "../js/state.js";
import { topics } from "../js/topics.js";
import { Controls } from "./controls.js";
import { ExplainPanel } from "./explain.js";
import { Head } from "./head.js";
import { LegPanel } from "./leg_panel.js";
import { readCycle, readExplain, readStride, readZones } from "./read.js";
import { Strips } from "./strips.js";
import { Timeline } from "./timeline.js";

const REDRAW_MS = 250; // a strip moves half a pixel meanwhile

/**
 * @param {HTMLElement} element  @param {import("../js/context.js").Context} context
 * @returns {import("../js/context.js").Unmount}
 */
export function mount(element, context) {
  const view = new RunnerView(element, context);
  return () => view.unmount();
}

class RunnerView {
  #context;
  #summary = null;
  #endings;
  #leg;
  #strips;
  #root;
  #head;
  #timeline;
  #explain;
  #controls;

  constructor(element, context) {
    this.#context = context;
    this.#build(element);
    this.#endings = [...this.#subscriptions(), context.state.subscribe(() => this.#update())];
    const timer = setInterval(() => this.#redraw(), REDRAW_MS);
    this.#endings.push(() => clearInterval(timer));
    this.#update();
  }

  unmount() {
    for (const end of this.#endings) end();
    this.#leg.destroy();
    this.#strips.destroy();
    this.#root.remove();
  }

  #build(element) {
    const { hub, runner, sendCommand } = this.#context;
    const leg = panel("How the legs move", "leg-panel");
    const strips = panel("Last minutes", "strips-panel");
    const cues = panel("Cues", "cues-panel");
    const explain = panel("What goes together", "explain-panel");
    const controls = panel("Tell the hub", "controls-panel");
    this.#head = new Head(runner);
    this.#leg = new LegPanel(leg);
    this.#strips = new Strips(strips);
    this.#timeline = new Timeline(cues);
    this.#explain = new ExplainPanel(explain);
    this.#controls = new Controls(controls, (name, args) =>
      sendCommand(hub, name, { runner, ...args }));
    this.#root = el("div", { class: "runner-view" },
      this.#head.root,
      el("div", { class: "columns" },
        el("div", { class: "column" }, leg, cues),
        el("div", { class: "column" }, strips, controls, explain)));
    element.append(this.#root);
    this.#head.focus();
  }

  #subscriptions() {
    const { connection, hub, runner } = this.#context;
    return [
      ["stride", readStride, (stride) => this.#onStride(stride)],
      ["cycle", readCycle, (cycle) => this.#leg.cycle(cycle)],
      ["zone", readZones, (zones) => this.#controls.zones(zones)],
      ["explain", readExplain, (explain) => this.#explain.show(explain)],
    ].map(([what, read, handler]) =>
      connection.subscribe(topics.ofRunner(what, hub, runner), read, handler));
  }

  #onStride(stride) {
    this.#past().history.addStride(stride);
    this.#leg.stride(stride);
  }

  /** Another one where the runner was forgotten meanwhile. */
  #past() {
    const { state, hub, runner } = this.#context;
    return state.past(hub, runner);
  }

  /** Something is new in the store, or a second has passed. */
  #update() {
    const { state, hub, runner, whyNoCommands } = this.#context;
    const known = state.runner(hub, runner);
    const ageMs = known ? state.ageMs(known) : Infinity;
    const summary = known?.summary ?? null;
    if (summary !== null && summary !== this.#summary) {
      this.#strips.readings(summary.metrics);
      this.#leg.summary(summary);
      this.#explain.session(summary.session);
    }
    this.#summary = summary;
    this.#root.classList.toggle("stale", ageMs > STALE_MS);
    this.#head.show(summary, ageMs);
    this.#leg.age(ageMs);
    this.#controls.show(whyNoCommands(), summary);
  }

  #redraw() {
    const nowMs = this.#context.state.hubNow(this.#context.hub);
    if (nowMs === null || document.hidden) return;
    const { history, cues } = this.#past();
    history.prune(nowMs);
    this.#strips.show(history.rows, cues.all, nowMs);
    this.#timeline.show(cues.all, nowMs);
  }
}

function panel(title, name) {
  return el("section", { class: `panel ${name}`, "aria-label": title }, el("h2", {}, title));
}
