/** Bounds of a zone at the pace of now. */

import { el } from "../js/dom.js";
import { SIDES } from "../js/zonebar.js";
import { readBound, troubleOf } from "./bound.js";
import { METRICS, metricOf, plain, withUnit } from "./metrics.js";
import { zoneText } from "./reading.js";

export class ZoneForm {
  #send;
  #message;
  #metric;
  #low;
  #high;
  #now;
  #trouble;
  #set;
  #reset;
  #asked = null; // the command that somebody is asked about: another touch sends it

  /** `send(args, words)` */
  constructor(send) {
    this.#send = send;
    this.#message = null;
    this.#metric = el("select", { "aria-label": "Metric" });
    this.#low = bound("Low");
    this.#high = bound("High");
    this.#now = el("p", { class: "quiet" });
    this.#trouble = el("p", { class: "refused", role: "alert" });
    this.#set = el("button", { type: "button" }, "Set at this pace");
    this.#reset = el("button", { type: "button" }, "Back to the settings");
    this.#metric.addEventListener("change", () => this.#fill());
    this.#set.addEventListener("click", () => this.#tell());
    this.#reset.addEventListener("click", () => this.#tellSettings());
    this.root = el("details", { class: "control zone-form" },
      el("summary", {}, "Set a zone"),
      el("div", { class: "fields" }, this.#metric,
        el("label", {}, "low ", this.#low), el("label", {}, "high ", this.#high)),
      this.#now,
      el("div", { class: "fields" }, this.#set, this.#reset),
      this.#trouble);
  }

  /** @param {{speedMps: number | null, zones: Map<string, {source: string, now: Map}>}} message */
  show(message) {
    this.#message = message;
    const offered = [...this.#metric.options].map(({ value }) => value);
    const names = METRICS.map(({ name }) => name).filter((name) => message.zones.has(name));
    if (offered.join() !== names.join()) {
      const chosen = this.#metric.value;
      this.#metric.replaceChildren(
        ...names.map((name) => el("option", { value: name }, metricOf(name).title)));
      this.#metric.value = names.includes(chosen) ? chosen : (names[0] ?? "");
    }
    if (!this.root.open) this.#fill();
    this.#describe();
  }

  /** The zone of now is where one begins. */
  #fill() {
    const { decimals } = metricOf(this.#metric.value);
    const zone = this.#zones().at(0)?.[1];
    for (const [input, value] of [[this.#low, zone?.low], [this.#high, zone?.high]]) {
      input.value = value === null || value === undefined ? "" : plain(value, decimals);
    }
    this.#trouble.textContent = "";
    this.#asked = null;
    this.#describe();
  }

  /** [side, zone] where there is one. */
  #zones() {
    const now = this.#message?.zones.get(this.#metric.value)?.now;
    return SIDES.flatMap((side) => (now?.has(side) ? [[side, now.get(side)]] : []));
  }

  #describe() {
    const metric = metricOf(this.#metric.value);
    const zones = this.#zones().map(
      ([side, zone]) => `${side} ${zoneText(zone, (value) => withUnit(metric, value))}`);
    const speed = this.#message?.speedMps ?? null;
    const pace = speed === null ? "" : ` at ${plain(speed, 1)} m/s`;
    const source = this.#message?.zones.get(this.#metric.value)?.source ?? "";
    this.#now.textContent =
      zones.length > 0 ? `Now ${zones.join(", ")}${pace}. ${source}` : "No zone without a pace.";
  }

  #tell() {
    const metric = metricOf(this.#metric.value);
    const [low, high] = [this.#low, this.#high].map((input) => readBound(input.value));
    const zone = { low, high };
    this.#trouble.textContent = this.#troubleWith(metric.name, zone);
    if (this.#trouble.textContent !== "") return;
    const given = Object.entries(zone).filter(([, value]) => value !== null);
    this.#send(
      { metric: metric.name, ...Object.fromEntries(given) },
      `${metric.title} ${zoneText(zone, (value) => withUnit(metric, value))}`);
  }

  /** A bound that exists is taken away at the second touch only. */
  #troubleWith(metric, { low, high }) {
    if (metric === "") return "The hub has told no zones yet.";
    const trouble = troubleOf(metric, low, high);
    if (trouble !== "") return trouble;
    const has = (bound) => this.#zones().some(([, zone]) => zone[bound] !== null);
    const removed = low === null && has("low") ? "lower" : high === null && has("high") ? "upper" : null;
    const command = `${metric} ${low} ${high}`;
    const isAgreed = removed === null || this.#asked === command;
    this.#asked = isAgreed ? null : command;
    return isAgreed ? "" : `Remove the ${removed} bound? Then set it once more.`;
  }

  #tellSettings() {
    const metric = this.#metric.value;
    this.#trouble.textContent = "";
    this.#send({ metric }, `${metricOf(metric).title} as in the settings`);
  }
}

function bound(label) {
  return el("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": label });
}
