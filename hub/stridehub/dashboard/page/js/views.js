/** One view at a time, by the address: `#/` is the board, `#/runner/{hub}/{runner}` a runner. */

import { el } from "./dom.js";

export class Views {
  #element;
  #parts;
  #unmount = () => {};
  #turn = 0;

  /** `parts`: {state, connection, commands}. */
  constructor(element, parts) {
    this.#element = element;
    this.#parts = parts;
  }

  follow() {
    addEventListener("hashchange", () => this.#show());
    this.#show();
  }

  async #show() {
    const turn = ++this.#turn;
    const { name, load, ...own } = route(location.hash);
    const view = await load().catch(() => null);
    if (turn !== this.#turn) return; // somebody went on meanwhile
    this.#unmount();
    this.#unmount = () => {};
    document.body.dataset.view = name;
    document.title = own.runner ? `${own.runner} – stridehub` : "stridehub";
    this.#element.replaceChildren();
    if (view === null) {
      this.#element.append(
        el("p", { class: "empty" }, "This view could not be loaded. Is the hub still there?"),
      );
      return;
    }
    this.#unmount = view.mount(this.#element, this.#context(own));
    scrollTo(0, 0);
  }

  /** See context.js. */
  #context({ hub, runner }) {
    const { state, connection, commands } = this.#parts;
    return {
      hub,
      runner,
      state,
      connection,
      sendCommand: (...given) => commands.send(...given),
      whyNoCommands: () => commands.whyNot(hub),
    };
  }
}

function route(hash) {
  const [, what, hub, runner] = hash.split("/").map(decoded);
  if (what === "runner" && hub && runner) {
    return { name: "runner", load: () => import("../runner/view.js"), hub, runner };
  }
  return { name: "board", load: () => import("./board.js") };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
