/** What a coach tells a hub, and the hub's answer. */

import * as messages from "./messages.js";
import { topics } from "./topics.js";

const ANSWER_MS = 5000; // a hub answers within a tenth of a second; the rest is for weak Wi-Fi

export class Commands {
  #connection;
  #store;
  #mayCommand;
  #refusal = null; // the broker's, until the next connection
  #waiting = new Map(); // by id

  /** `mayCommand`: without a user. */
  constructor(connection, store, mayCommand) {
    this.#connection = connection;
    this.#store = store;
    this.#mayCommand = mayCommand;
    connection.subscribe(topics.ack(), messages.ack, (ack) => this.#waiting.get(ack.id)?.(ack));
  }

  /** Why buttons are disabled, for people; null: they work. */
  whyNot(hub) {
    if (this.#connection.state.phase !== "online") return "Not connected.";
    if (!this.#mayCommand && !this.#connection.hasUser) {
      return "Read only: commands need a user and password, see Settings.";
    }
    if (this.#refusal !== null) return this.#refusal;
    return this.#store.hubNow(hub) === null ? "The hub has not told the time yet." : null;
  }

  /** A new connection has new rights. */
  reconsider() {
    this.#refusal = null;
  }

  /** Never rejects; refused with a reason also where there is no answer. */
  async send(hub, name, args = {}) {
    const why = this.whyNot(hub);
    if (why !== null) return refused(name, why);
    const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const answer = this.#answer(id, name);
    try {
      const command = { v: 1, t: Math.round(this.#store.hubNow(hub)), id, ...args };
      await this.#connection.publish(topics.command(hub, name), JSON.stringify(command));
    } catch (error) {
      if (error.code !== undefined) this.#refusal = `Read only: ${error.message}.`;
      this.#waiting.get(id)?.(refused(name, error.message));
    }
    return answer;
  }

  #answer(id, name) {
    return new Promise((resolve) => {
      const settle = (ack) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(ack);
      };
      const timer = setTimeout(
        () => settle(refused(name, "No answer from the hub; it may not have heard it.")),
        ANSWER_MS,
      );
      this.#waiting.set(id, settle);
    });
  }
}

function refused(command, reason) {
  return { id: "", command, state: "refused", reason, session: null };
}
