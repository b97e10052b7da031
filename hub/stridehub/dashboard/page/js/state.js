/** Everything known so far, by hub and runner; views draw it, ten times a second at most. */

import { Past } from "../runner/past.js";
import * as messages from "./messages.js";
import { topics } from "./topics.js";

export const STALE_MS = 3000; // older figures are greyed
const FORGET_MS = 15 * 60 * 1000; // who has been silent for so long has gone home
const TICK_MS = 1000;
const DRAW_MS = 100; // figures of thirty runners come one by one; nobody reads faster
// Nobody coaches more; whoever floods the broker does not fill the page.
const MOST_HUBS = 16;
const MOST_RUNNERS = 128;
const MOST_PODS = 12; // of a runner
const MOST_ALERTS = 20; // of a hub

const isId = (level) => /^[A-Za-z0-9_-]{1,64}$/.test(level);
const keyOf = (hub, runner) => `${hub}/${runner}`;

export class Store {
  #hubs = new Map();
  #runners = new Map();
  #pasts = new Map(); // by runner
  #clocks = new Map(); // by hub: its time, and when it told it
  #heardMs = new Map(); // by hub
  #listeners = new Set();
  #isDirty = false;
  #drawnMs = -Infinity;

  /** `connection`: a Connection. */
  constructor(connection) {
    const take = (filter, read, handler) =>
      connection.subscribe(filter, read, (message, about) => {
        const [, , hub, , subject = hub] = about.levels;
        if (!isId(hub) || !isId(subject) || !this.#knows(hub)) return;
        this.#heardMs.set(hub, performance.now());
        handler(message, hub, about);
        this.#touch();
      });
    take(topics.status(), messages.status, (message, hub, about) => {
      this.#learnTime(hub, message, about);
      this.#changeHub(hub, { status: message });
    });
    take(topics.meta(), messages.meta, (meta, hub) => this.#changeHub(hub, { meta }));
    take(topics.checklist(), messages.checklist, (message, hub) =>
      this.#changeHub(hub, { checklist: message.items }),
    );
    take(topics.alert(), messages.alert, (message, hub) =>
      this.#changeHub(hub, ({ alerts }) => ({
        alerts: [message, ...alerts].slice(0, MOST_ALERTS),
      })),
    );
    take(topics.health(), messages.health, (message, hub, about) =>
      this.#changePod(hub, about.levels[4], message),
    );
    take(topics.ofRunner("summary"), messages.summary, (message, hub, about) => {
      this.#learnTime(hub, message, about);
      this.#changeRunner(hub, about.levels[4], { summary: message });
      this.#knownPast(hub, about.levels[4])?.addSummary(message, this.hubNow(hub));
    });
    take(topics.ofRunner("cue"), messages.cue, (message, hub, about) => {
      this.#changeRunner(hub, about.levels[4], ({ cue }) => ({ cue: withCue(cue, message) }));
      this.#knownPast(hub, about.levels[4])?.cues.add(message);
    });
    setInterval(() => this.#tick(), TICK_MS);
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    this.#touch();
    return () => this.#listeners.delete(listener);
  }

  hub(hub) {
    return this.#hubs.get(hub);
  }

  runner(hub, runner) {
    return this.#runners.get(keyOf(hub, runner));
  }

  hubs() {
    return this.#hubs.values();
  }

  runners() {
    return this.#runners.values();
  }

  /** The last minutes. Of a runner who is not known it is empty, and lasts until the next tick. */
  past(hub, runner) {
    const key = keyOf(hub, runner);
    if (!this.#pasts.has(key)) this.#pasts.set(key, new Past());
    return this.#pasts.get(key);
  }

  hubNow(hub) {
    const clock = this.#clocks.get(hub);
    return clock === undefined ? null : clock.utcMs + performance.now() - clock.atMs;
  }

  ageMs({ hub, summary }) {
    const now = this.hubNow(hub);
    if (summary === null || now === null) return Infinity;
    const strideMs = summary.stride_t === null ? 0 : summary.t - summary.stride_t;
    return Math.max(now - summary.t, strideMs);
  }

  /** Since anything came from the hub. */
  silenceMs(hub) {
    return performance.now() - (this.#heardMs.get(hub) ?? -Infinity);
  }

  /** Another broker. */
  clear() {
    this.#hubs.clear();
    this.#runners.clear();
    this.#pasts.clear();
    this.#clocks.clear();
    this.#heardMs.clear();
    this.#touch();
  }

  /** A view wants to be drawn, for a reason of its own. */
  touch() {
    this.#touch();
  }

  #knownPast(hub, runner) {
    return this.#runners.has(keyOf(hub, runner)) ? this.past(hub, runner) : null;
  }

  /** Gets to know it, unless there are too many. */
  #knows(hub) {
    if (!this.#hubs.has(hub) && this.#hubs.size < MOST_HUBS) this.#hubs.set(hub, newHub(hub));
    return this.#hubs.has(hub);
  }

  #learnTime(hub, message, about) {
    if (!about.isRetained && (message.state ?? "online") !== "offline") {
      this.#clocks.set(hub, { utcMs: message.t, atMs: performance.now() });
    }
  }

  #changeHub(hub, change) {
    this.#hubs.set(hub, changed(this.#hubs.get(hub), change));
  }

  #changeRunner(hub, runner, change) {
    const key = keyOf(hub, runner);
    const before = this.#runners.get(key) ?? newRunner(hub, runner);
    if (!this.#runners.has(key) && this.#runners.size >= MOST_RUNNERS) return;
    this.#runners.set(key, { ...changed(before, change), heardMs: performance.now() });
  }

  #changePod(hub, pod, message) {
    this.#changeRunner(hub, message.runner, ({ pods }) => {
      if (!pods.has(pod) && pods.size >= MOST_PODS) return {};
      const at_ms = performance.now();
      return { pods: new Map(pods).set(pod, Object.assign(message, { at_ms })) };
    });
  }

  #tick() {
    const since = performance.now() - FORGET_MS;
    for (const [key, { heardMs }] of this.#runners) {
      if (heardMs < since) this.#runners.delete(key);
    }
    for (const key of this.#pasts.keys()) if (!this.#runners.has(key)) this.#pasts.delete(key);
    this.#touch();
  }

  #touch() {
    if (this.#isDirty) return;
    this.#isDirty = true;
    const sinceMs = performance.now() - this.#drawnMs;
    setTimeout(() => requestAnimationFrame(() => this.#draw()), Math.max(DRAW_MS - sinceMs, 0));
  }

  #draw() {
    this.#isDirty = false;
    this.#drawnMs = performance.now();
    for (const listener of [...this.#listeners]) listener();
  }
}

const newHub = (hub) => ({ hub, status: null, meta: null, checklist: null, alerts: [] });

const newRunner = (hub, runner) => ({ hub, runner, summary: null, pods: new Map(), cue: null });

function changed(before, change) {
  return { ...before, ...(typeof change === "function" ? change(before) : change) };
}

/** An answer belongs to the cue with the same due_s. */
function withCue(before, message) {
  if (message.response === null) return message;
  return before?.due_s === message.due_s ? { ...before, response: message.response } : before;
}
