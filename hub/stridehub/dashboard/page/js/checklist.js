/** What is still missing before a session is good, and what hubs warned of lately. */

import { byId, el, setAttribute, setText } from "./dom.js";
import { ago, words } from "./format.js";

const ALERTS_SHOWN = 5;
const ALERT_MS = 10 * 60 * 1000;

export class Checklist {
  #panel = byId("checklist");
  #title = byId("checklist-title");
  #todo = byId("checklist-todo");
  #alerts = byId("checklist-alerts");
  #drawn = "";

  /** Open while there is something to do, until somebody closes it. */
  show(hubs, store) {
    const all = [...hubs];
    const known = all.filter(({ checklist }) => checklist !== null);
    const items = known.flatMap(({ hub, checklist }) => checklist.map((item) => ({ hub, item })));
    const recent = all
      .flatMap(({ hub, alerts: own }) =>
        own.map((alert) => ({ alert, ageMs: ageOf(store, hub, alert) })),
      )
      .filter(({ ageMs }) => ageMs < ALERT_MS)
      .sort((one, other) => one.ageMs - other.ageMs);
    const alerts = recent.slice(0, ALERTS_SHOWN);
    const isBefore = known.some(({ status }) => status?.session === null);
    const isWell =
      known.every(({ status }) => status?.state === "online") &&
      recent.every(({ alert }) => alert.level !== "error");
    setText(this.#title, titleOf(items.length, isBefore, isBefore && isWell));
    this.#panel.hidden = items.length === 0 && alerts.length === 0 && !isBefore;
    const isGood =
      isWell && items.length === 0 && alerts.every(({ alert }) => alert.level === "notice");
    setAttribute(this.#panel, "data-level", isGood ? "good" : "warning");
    const hasManyHubs = all.length > 1;
    this.#draw(
      items.map(({ hub, item }) => (hasManyHubs ? `${hub}: ${item.text}` : item.text)),
      alerts.map(({ alert, ageMs }) => ({
        level: alert.level,
        text: `${alert.text} (${ago(ageMs)} ago)`,
      })),
    );
  }

  #draw(todo, alerts) {
    const drawn = JSON.stringify([todo, alerts]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#todo.replaceChildren(...todo.map((text) => el("li", {}, text)));
    this.#alerts.replaceChildren(
      ...alerts.map(({ level, text }) =>
        el("li", { "data-level": level }, el("b", {}, words(level)), ` ${text}`),
      ),
    );
  }
}

function ageOf(store, hub, { t }) {
  const now = store.hubNow(hub);
  return now === null ? Infinity : Math.max(now - t, 0);
}

function titleOf(count, isBefore, isReady) {
  if (count === 0) return isReady ? "Ready" : isBefore ? "Not ready" : "Alerts";
  return `${isBefore ? "Before the start" : "To do"}: ${count} ${count === 1 ? "thing" : "things"}`;
}
