/** Bounds of a zone at the pace of now. */

import { el } from "../js/dom.js";
import { SIDES } from "../js/zonebar.js";
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
      input.step = `${10 ** -decimals}`;
      input.value = value === null || value === undefined ? "" : plain(value, decimals);
    }
    this.#trouble.textContent = "";
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
    const args = { metric: this.#metric.value };
    for (const [name, input] of [["low", this.#low], ["high", this.#high]]) {
      if (input.value !== "") args[name] = Number(input.value);
    }
    this.#trouble.textContent = trouble(args);
    if (this.#trouble.textContent !== "") return;
    const metric = metricOf(args.metric);
    const zone = { low: args.low ?? null, high: args.high ?? null };
    this.#send(args, `${metric.title} ${zoneText(zone, (value) => withUnit(metric, value))}`);
  }

  #tellSettings() {
    const metric = this.#metric.value;
    this.#trouble.textContent = "";
    this.#send({ metric }, `${metricOf(metric).title} as in the settings`);
  }
}

function trouble({ metric, low, high }) {
  if (metric === "") return "The hub has told no zones yet.";
  if (low === undefined && high === undefined) return "Give a low bound, a high one, or both.";
  if (low !== undefined && high !== undefined && low >= high) return "Low is not below high.";
  return "";
}

function bound(label) {
  return el("input", { type: "number", inputmode: "decimal", step: "any", "aria-label": label });
}
