/** What a coach can tell the hub about this runner, each with the hub's answer. */

import { el, setAttribute, setText } from "../js/dom.js";
import { SIDES } from "../js/zonebar.js";
import { ZoneForm } from "./zone_form.js";

const ANSWERS = 4; // shown
const MOST_TEXT = 500; // of a note, as the hub takes it
const MOST_PAIN = 10;
const BUZZES = [["left", "Left"], ["both", "Both"], ["right", "Right"]];

export class Controls {
  #send;
  #isMuted = false;
  #reason = el("p", { class: "reason", role: "status" });
  #answers = el("ol", { class: "answers", role: "log", "aria-label": "The hub's answers" });
  #noMotor = el("p", { class: "quiet" }, "No motor of this runner is known.");
  #zone = new ZoneForm((args, words) => this.#tell("set_zone", args, words));
  #fields;
  #mute;
  #lap;
  #buzzes;

  /** `send(name, args)` gives the hub's answer. */
  constructor(parent, send) {
    this.#send = send;
    this.#fields = el("fieldset", { class: "commands" },
      this.#cues(), this.#buzz(), this.#pain(), this.#note(), this.#zone.root);
    parent.append(this.#reason, this.#fields, this.#answers);
  }

  /** `why`: no command can be given, for people; null: they can. */
  show(why, summary) {
    this.#fields.disabled = why !== null;
    this.#reason.hidden = why === null;
    setText(this.#reason, why ?? "");
    this.#isMuted = summary?.is_muted ?? false;
    setText(this.#mute, this.#isMuted ? "Unmute cues" : "Mute cues");
    this.#lap.disabled = (summary?.session ?? null) === null;
    setAttribute(this.#lap, "title", this.#lap.disabled ? "No session is under way." : null);
    const canBuzz = summary?.can_buzz ?? false;
    this.#noMotor.hidden = canBuzz || summary === null;
    for (const button of this.#buzzes) button.disabled = !canBuzz;
  }

  zones(message) {
    this.#zone.show(message);
  }

  #cues() {
    this.#mute = button("Mute cues", () => {
      if (this.#isMuted) this.#tell("unmute", {}, "Unmute cues");
      else this.#tell("mute", {}, "Mute cues");
    });
    this.#lap = button("Mark a lap", () => this.#tell("mark", { kind: "lap" }, "Lap"));
    return el("div", { class: "control" }, this.#mute, this.#lap);
  }

  #buzz() {
    this.#buzzes = BUZZES.map(([side, label]) =>
      button(label, () => this.#tell("test_buzz", { side }, `Test buzz ${side}`)));
    return el("div", { class: "control" },
      el("div", { class: "joined", role: "group", "aria-label": "Test buzz" },
        el("span", { class: "lead" }, "Test buzz"), ...this.#buzzes),
      this.#noMotor);
  }

  #pain() {
    const shown = el("output", {}, "0");
    const level = el("input", {
      type: "range", min: "0", max: `${MOST_PAIN}`, step: "1", value: "0", "aria-label": "Pain",
    });
    level.addEventListener("input", () => (shown.textContent = level.value));
    const side = el("select", { "aria-label": "Side of the pain" },
      el("option", { value: "" }, "either side"),
      ...SIDES.map((one) => el("option", { value: one }, one)));
    const mark = button("Mark pain", () => {
      const where = side.value === "" ? {} : { side: side.value };
      const args = { kind: "pain", level: Number(level.value), ...where };
      this.#tell("mark", args, `Pain ${level.value} of ${MOST_PAIN} ${side.value}`.trim());
    });
    return el("div", { class: "control" },
      el("label", { class: "lead pain" }, "Pain in the calf ", shown, level), side, mark);
  }

  #note() {
    const text = el("input", {
      type: "text", maxlength: `${MOST_TEXT}`, placeholder: "Note", "aria-label": "Note",
    });
    const add = () => {
      const note = text.value.trim();
      if (note === "") return text.focus();
      text.value = "";
      return this.#tell("mark", { kind: "note", text: note }, "Note");
    };
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter") add();
    });
    return el("div", { class: "control note" }, text, button("Add note", add));
  }

  async #tell(name, args, words) {
    const answer = el("li", { class: "asked" }, `${words}: asking the hub…`);
    this.#answers.prepend(answer);
    while (this.#answers.children.length > ANSWERS) this.#answers.lastChild.remove();
    const ack = await this.#send(name, args);
    const isDone = ack.state === "done";
    answer.className = isDone ? "done" : "refused";
    answer.textContent = isDone
      ? `✓ ${words}: done`
      : `✕ ${words}: ${ack.reason ?? "refused, the hub does not say why"}`;
  }
}

function button(label, onClick) {
  const node = el("button", { type: "button" }, label);
  node.addEventListener("click", onClick);
  return node;
}
