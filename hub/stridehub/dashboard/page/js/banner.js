/** How the connection is, where it is not as it should be; and hubs that are not well. */

import { byId, setAttribute, setText } from "./dom.js";
import { ago } from "./format.js";

const SILENT_MS = 12_000; // a hub says how it is every 5 s
const MOST_TEXT = 200; // about three lines of a phone

export class Banner {
  #banner = byId("banner");
  #text = byId("banner-text");
  #button = byId("banner-settings");

  show(connection, store, blocked) {
    const told = blocked ?? ofConnection(connection) ?? ofHubs(store);
    this.#banner.hidden = told === null;
    if (told === null) return;
    setText(this.#text, told.text);
    setAttribute(this.#banner, "data-level", told.level);
    this.#button.hidden = told.isOfSettings !== true;
  }
}

function ofConnection({ phase, reason, isAboutUser }) {
  if (phase === "online") {
    return reason === null ? null : { level: "warning", text: reason, isOfSettings: isAboutUser };
  }
  if (phase === "idle") {
    return {
      level: "warning",
      text: "Not connected: no broker was agreed to yet.",
      isOfSettings: true,
    };
  }
  const next =
    phase === "connecting" && reason === null ? "Connecting …" : "Trying again by itself.";
  return {
    level: isAboutUser ? "error" : "warning",
    text: reason === null ? next : `${reason} ${next}`,
    isOfSettings: isAboutUser,
  };
}

function ofHubs(store) {
  const told = [...store.hubs()].map((hub) => ofHub(hub, store.silenceMs(hub.hub))).filter(Boolean);
  if (told.length === 0) return null;
  const worst = told.find(({ level }) => level === "error") ?? told[0];
  const others = told.length > 1 ? ` And ${told.length - 1} more.` : "";
  return { level: worst.level, text: worst.text + others };
}

/** A banner does not push the board off the screen. */
function inShort(text) {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

function ofHub({ hub, status }, silenceMs) {
  if (status === null) return null;
  if (status.state === "offline") return { level: "error", text: `Hub ${hub} is offline.` };
  if (silenceMs > SILENT_MS) {
    return { level: "error", text: `Hub ${hub} has been silent for ${ago(silenceMs)}.` };
  }
  if (status.state === "degraded") {
    const [reason = "works less well", ...others] = status.reasons;
    const more = others.length > 0 ? `; and ${others.length} more` : "";
    return { level: "warning", text: `Hub ${hub}: ${inShort(reason)}${more}` };
  }
  return null;
}
