/** The dialog: broker, user and password, and how the page looks. */

import { cleaned } from "./brokers.js";
import { byId, setText } from "./dom.js";
import { credentialsFor, keepCredentials, recall, remember } from "./memory.js";

const LOOKS = { theme: "auto", rows: "big" }; // and the defaults

export function applyLooks() {
  for (const [look, usual] of Object.entries(LOOKS)) {
    document.documentElement.dataset[look] = recall(look) ?? usual;
  }
}

export class Settings {
  #dialog = byId("settings");
  #broker = byId("settings-broker");
  #user = byId("settings-user");
  #password = byId("settings-password");
  #error = byId("settings-error");
  #onConnect;
  #own;

  /** `onConnect(url, user, password)`: somebody wants that. */
  constructor(brokers, onConnect) {
    this.#own = brokers.own;
    this.#onConnect = onConnect;
    byId("settings-form").addEventListener("submit", (event) => this.#submit(event));
    byId("settings-own").addEventListener("click", () => (this.#broker.value = this.#own));
    byId("settings-close").addEventListener("click", () => this.#dialog.close());
    for (const choice of this.#dialog.querySelectorAll("[type=radio]")) {
      choice.checked = choice.value === (recall(choice.name) ?? LOOKS[choice.name]);
      choice.addEventListener("change", () => {
        remember(choice.name, choice.value);
        applyLooks();
      });
    }
  }

  /** `why` stands above the fields. */
  open(url, why = "") {
    setText(byId("settings-why"), why);
    setText(this.#error, "");
    const { user, password } = credentialsFor(url);
    this.#broker.value = url;
    this.#user.value = user;
    this.#password.value = password;
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  showCounts({ messages, bad }, version) {
    if (!this.#dialog.open) return;
    const software = version ? `stridehub ${version}; ` : "";
    setText(byId("settings-counts"), `${software}${messages} messages, ${bad} of them unreadable`);
  }

  #submit(event) {
    event.preventDefault();
    const url = cleaned(this.#broker.value.trim());
    if (url === null) {
      setText(
        this.#error,
        "That is no address of a broker: ws://host:port or wss://host:port/path",
      );
      this.#broker.focus();
      return;
    }
    const [user, password] = [this.#user.value, this.#password.value];
    keepCredentials(url, user, password);
    this.#dialog.close();
    this.#onConnect(url, user, password);
  }
}
