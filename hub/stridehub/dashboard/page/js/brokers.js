/**
 * Which broker the page talks to. The hub's own is known from config.json; another one is named in
 * the page's address (`?broker=wss://...`), where the server reads it too: browsers keep the page
 * from all others. A link may name any: nothing is sent there before somebody has agreed.
 */

import { credentialsFor, recall, remember } from "./memory.js";

const PORT = 9001;

/** What the server says of itself; the defaults where another web server hands out the page. */
export async function loadConfig() {
  const none = {
    broker: null,
    ws_port: PORT,
    hub: "",
    version: "",
    commands: false,
    user: null,
    password: null,
  };
  try {
    const answer = await fetch("config.json", { cache: "no-store" });
    return answer.ok ? { ...none, ...(await answer.json()) } : none;
  } catch {
    return none;
  }
}

export class Brokers {
  #login;

  constructor(config) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#login = config.user ? { user: config.user, password: config.password ?? "" } : null;
    this.own = cleaned(config.broker) ?? `${scheme}://${location.hostname}:${config.ws_port}`;
  }

  /** {user, password} that somebody gave, or that the hub gave this page for its own broker. */
  credentials(url) {
    const given = credentialsFor(url);
    return given.user === "" && url === this.own && this.#login !== null ? this.#login : given;
  }

  /** {url, isAgreed}; null: a stored choice that the address does not name, the page is reloaded. */
  chosen() {
    const stored = recall("broker");
    const named = new URLSearchParams(location.search).get("broker");
    if (named === null) {
      if (stored === null || cleaned(stored) !== stored || stored === this.own) {
        return { url: this.own, isAgreed: true };
      }
      this.#goTo(stored);
      return null;
    }
    const url = cleaned(named);
    return { url: url ?? named, isAgreed: url !== null && (url === stored || url === this.own) };
  }

  /** Somebody agreed to it. True: the page is loaded anew, as the address has to name it. */
  agree(url) {
    remember("broker", url === this.own ? null : url);
    const named = cleaned(new URLSearchParams(location.search).get("broker"));
    if (url === (named ?? this.own)) return false;
    this.#goTo(url);
    return true;
  }

  #goTo(url) {
    const query = url === this.own ? "" : `?broker=${encodeURIComponent(url)}`;
    location.replace(`${location.pathname}${query}${location.hash}`);
  }
}

/** As a ws:// or wss:// URL without user, password and fragment; null: it is none. */
export function cleaned(text) {
  if (typeof text !== "string" || text.length > 500) return null;
  let url;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") return null;
  const path = url.pathname === "/" ? "" : url.pathname;
  return `${url.protocol}//${url.host}${path}${url.search}`;
}
