/** Commands to whole hubs: sessions, laps, silence for all; and their answers. */

import { byId, el, setAttribute, setText } from "./dom.js";

const BUTTONS = [
  {
    label: "Start",
    title: "Start a session",
    name: "session_start",
    isWanted: ({ session }) => session === null,
  },
  {
    label: "End",
    title: "End the session",
    name: "session_stop",
    isWanted: ({ session }) => session !== null,
    asks: true,
  },
  {
    label: "Lap",
    title: "Mark a lap for all runners",
    name: "mark",
    args: { kind: "lap" },
    isWanted: ({ session }) => session !== null,
  },
  { label: "Mute all", title: "No cues for anybody", name: "mute" },
  { label: "Unmute all", title: "Cues for all again", name: "unmute" },
];
const SURE_MS = 4000; // a second touch within it ends the session

export class SessionBar {
  #bar = byId("hubs");
  #answer = byId("answer");
  #commands;
  #hubs = new Map();

  constructor(commands) {
    this.#commands = commands;
  }

  show(hubs) {
    const seen = new Set();
    for (const hub of hubs) {
      if (hub.status === null) continue;
      seen.add(hub.hub);
      if (!this.#hubs.has(hub.hub)) this.#add(hub.hub);
      this.#hubs.get(hub.hub).show(hub.status, this.#commands.whyNot(hub.hub));
    }
    for (const [hub, controls] of this.#hubs) {
      if (seen.has(hub)) continue;
      controls.root.remove();
      this.#hubs.delete(hub);
    }
    this.#bar.hidden = this.#hubs.size === 0;
  }

  #add(hub) {
    const controls = new HubControls(hub, (label, name, args) =>
      this.#send(hub, label, name, args),
    );
    this.#hubs.set(hub, controls);
    this.#bar.append(controls.root);
  }

  async #send(hub, label, name, args) {
    this.#tell("waiting", `${label} …`);
    const { state, reason } = await this.#commands.send(hub, name, args);
    this.#tell(state, state === "done" ? `${label}: done` : `${label}: ${reason ?? "refused"}`);
  }

  #tell(state, text) {
    setAttribute(this.#answer, "data-state", state);
    setText(this.#answer, text);
  }
}

class HubControls {
  #state = el("span", { class: "hub-state" });
  #why = el("span", { class: "hub-why" });
  #buttons;

  constructor(hub, send) {
    this.#buttons = BUTTONS.map((button) => ({ ...button, element: pressable(button, send) }));
    this.root = el(
      "div",
      { class: "hub", role: "group", "aria-label": `Hub ${hub}` },
      el("span", { class: "hub-name" }, hub),
      this.#state,
      el("span", { class: "hub-buttons" }, ...this.#buttons.map(({ element }) => element)),
      this.#why,
    );
  }

  show(status, why) {
    const isOffline = status.state === "offline";
    const reason = isOffline ? "The hub is offline." : why;
    setText(
      this.#state,
      isOffline ? "offline" : status.session === null ? "no session" : "session under way",
    );
    setAttribute(
      this.#state,
      "data-state",
      isOffline ? "offline" : status.session === null ? "none" : "under-way",
    );
    setText(this.#why, reason ?? "");
    for (const { element, title, isWanted } of this.#buttons) {
      element.hidden = isWanted !== undefined && !isWanted(status);
      element.disabled = reason !== null;
      setAttribute(element, "title", reason ?? title);
    }
  }
}

/** Where it `asks`, only a second touch does it. */
function pressable({ label, name, args, asks }, send) {
  const button = el("button", { type: "button" }, label);
  let sureUntilMs = asks ? 0 : Infinity;
  button.addEventListener("click", () => {
    if (performance.now() < sureUntilMs) {
      setText(button, label);
      if (asks) sureUntilMs = 0;
      send(label, name, args);
      return;
    }
    sureUntilMs = performance.now() + SURE_MS;
    setText(button, "Really?");
    setTimeout(() => setText(button, label), SURE_MS);
  });
  return button;
}
