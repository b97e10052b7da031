/**
 * The broker, over WebSockets: connects, tells how that goes, and connects again by itself.
 * What comes in is read by the subscribers' readers; bad messages are counted and dropped.
 */

import mqtt from "../vendor/mqtt.esm.js";
import { BadMessage } from "./shape.js";
import { takes } from "./topics.js";

const FIRST_PAUSE_MS = 500; // a broker that restarts is back within a second or two
const LONGEST_PAUSE_MS = 8000; // a coach who waits looks at the page about that often
const REFUSED_PAUSE_MS = 10000; // rights and passwords change rarely
const CONNECT_MS = 6000; // over weak Wi-Fi; afterwards it is tried again anyway
// From the open socket to the broker's answer: brokers that know only 3.1.1 may say nothing at all.
const ANSWER_MS = 2000;
const KEEPALIVE_S = 5; // a link that died without a word is known after 1.5 times this
const MOST_BYTES = 128 * 1024; // the largest honest message, meta, has some 20 kB

const V5 = 5;
const V311 = 4;
const UNSUPPORTED_VERSION = new Set([1, 132]);
const BAD_CREDENTIALS = new Set([4, 134]);
const NOT_AUTHORIZED = new Set([5, 135]);

/**
 * @typedef {object} ConnectionState
 * @property {"idle"|"connecting"|"online"|"waiting"|"refused"} phase
 * @property {string|null} reason   For people, where it does not work.
 * @property {boolean} isAboutUser  The broker does not take the user or the password.
 * @property {string|null} url
 */

export class Connection {
  /** @type {ConnectionState} */
  state = { phase: "idle", reason: null, isAboutUser: false, url: null };
  counts = { messages: 0, bad: 0 };

  #onState;
  #target = null; // {url, user, password}
  #client = null;
  #version = V5;
  #pauseMs = FIRST_PAUSE_MS;
  #timer = 0; // until the next try
  #answerTimer = 0;
  #subscriptions = new Set();

  constructor(onState = () => {}) {
    this.#onState = onState;
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  /** Leaves any other broker. `user` may be "". */
  open(url, user, password) {
    this.close();
    this.#target = { url, user, password };
    this.#version = V5;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#connect();
  }

  close() {
    clearTimeout(this.#timer);
    this.#target = null;
    this.#drop();
    this.#tell("idle");
  }

  get hasUser() {
    return Boolean(this.#target?.user);
  }

  subscribe(filter, read, handler) {
    const subscription = { filter, levels: filter.split("/"), read, handler };
    this.#subscriptions.add(subscription);
    this.#ask([filter]);
    return () => {
      this.#subscriptions.delete(subscription);
      const isWanted = [...this.#subscriptions].some((other) => other.filter === filter);
      if (!isWanted && this.state.phase === "online") this.#client.unsubscribe(filter);
    };
  }

  /** Resolves once the broker has it; rejects with a reason for people. */
  publish(topic, payload) {
    return new Promise((resolve, reject) => {
      if (this.state.phase !== "online") {
        reject(new Error("not connected"));
        return;
      }
      this.#client.publish(topic, payload, { qos: 1 }, (error, packet) => {
        const code = error?.code ?? packet?.reasonCode ?? 0;
        if (NOT_AUTHORIZED.has(code)) {
          reject(Object.assign(new Error("the broker does not let this user command"), { code }));
        } else if (error) {
          reject(new Error(error.message));
        } else {
          resolve();
        }
      });
    });
  }

  #connect() {
    const { url, user, password } = this.#target;
    this.#tell("connecting", this.state.reason, this.state.isAboutUser);
    let client;
    try {
      client = mqtt.connect(url, {
        protocolVersion: this.#version,
        clientId: `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`,
        username: user || undefined,
        password: user ? password : undefined,
        keepalive: KEEPALIVE_S,
        connectTimeout: CONNECT_MS,
        reconnectPeriod: 0,
        resubscribe: false,
        queueQoSZero: false,
        timerVariant: "native",
        createWebsocket: (address, protocols) => this.#socket(address, protocols),
        properties: this.#version === V5 ? { maximumPacketSize: MOST_BYTES } : undefined,
      });
    } catch (error) {
      this.#fail(`${url}: ${error.message}`);
      return;
    }
    this.#client = client;
    const ifCurrent =
      (call) =>
      (...given) =>
        client === this.#client && call(...given);
    let refusal = null;
    client.on(
      "connect",
      ifCurrent(() => this.#connected()),
    );
    client.on(
      "message",
      ifCurrent((...given) => this.#receive(...given)),
    );
    client.on(
      "error",
      ifCurrent((error) => {
        refusal = error;
        if (typeof error.code === "number") this.#refused(error.code);
      }),
    );
    client.on(
      "disconnect",
      ifCurrent((packet) => {
        if (NOT_AUTHORIZED.has(packet?.reasonCode)) this.#refused(packet.reasonCode);
      }),
    );
    client.on(
      "close",
      ifCurrent(() => this.#fail(this.#whyClosed(refusal))),
    );
  }

  #socket(address, protocols) {
    const socket = new WebSocket(address, protocols);
    socket.addEventListener("open", () => {
      if (this.state.phase !== "connecting") return;
      this.#answerTimer = setTimeout(() => this.#tryOtherVersion(), ANSWER_MS);
    });
    return socket;
  }

  #tryOtherVersion() {
    this.#version = this.#version === V5 ? V311 : V5;
    this.#drop();
    this.#connect();
  }

  #connected() {
    clearTimeout(this.#answerTimer);
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#tell("online");
    this.#ask([...new Set([...this.#subscriptions].map(({ filter }) => filter))]);
  }

  #ask(filters) {
    if (this.state.phase !== "online" || filters.length === 0) return;
    this.#client.subscribe(filters, { qos: 1 }, (error, granted) => {
      const isRefused = error || granted?.some(({ qos }) => qos >= 128);
      if (isRefused && this.state.phase === "online") {
        this.#tell("online", "The broker does not let this user read everything.", true);
      }
    });
  }

  #receive(topic, payload, packet) {
    this.counts.messages += 1;
    const levels = topic.split("/");
    const wanted = [...this.#subscriptions].filter((each) => takes(each.levels, levels));
    if (wanted.length === 0 || payload.length === 0) return; // empty: nothing is retained any more
    const about = { topic, levels, isRetained: packet.retain };
    for (const { read, handler } of wanted) this.#hand(payload, read, handler, about);
  }

  #hand(payload, read, handler, about) {
    let message;
    try {
      if (payload.length > MOST_BYTES) throw new BadMessage("too long");
      message = read(JSON.parse(payload.toString()));
    } catch (error) {
      if (!(error instanceof BadMessage || error instanceof SyntaxError)) throw error;
      this.counts.bad += 1;
      return;
    }
    handler(message, about);
  }

  #refused(code) {
    if (UNSUPPORTED_VERSION.has(code) && this.#version === V5) {
      this.#tryOtherVersion();
    } else if (BAD_CREDENTIALS.has(code) || NOT_AUTHORIZED.has(code)) {
      const reason = this.#target.user
        ? `The broker does not take this user or password.`
        : "The broker wants a user and a password.";
      this.#fail(reason, true);
    } else {
      this.#fail(`The broker refused the connection (code ${code}).`);
    }
  }

  #whyClosed(error) {
    const wasOnline = this.state.phase === "online";
    if (wasOnline) return "Connection lost.";
    return error ? `No connection: ${error.message}` : "No answer from the broker.";
  }

  #fail(reason, isAboutUser = false) {
    this.#drop();
    this.#tell(isAboutUser ? "refused" : "waiting", reason, isAboutUser);
    const pauseMs = isAboutUser ? REFUSED_PAUSE_MS : this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => this.#connect(), pauseMs);
  }

  /** The network is back, or somebody looks at the page again. */
  #hurry() {
    if (this.state.phase !== "waiting") return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #drop() {
    clearTimeout(this.#answerTimer);
    const client = this.#client;
    this.#client = null;
    client?.end(true);
  }

  #tell(phase, reason = null, isAboutUser = false) {
    this.state = { phase, reason, isAboutUser, url: this.#target?.url ?? null };
    this.#onState(this.state);
  }
}
