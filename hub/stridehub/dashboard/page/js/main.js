/** The shell: connects, keeps what is known, and shows the view that the address names. */

import { Banner } from "./banner.js";
import { Brokers, loadConfig } from "./brokers.js";
import { Checklist } from "./checklist.js";
import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import { byId, setAttribute, setText } from "./dom.js";
import { SessionBar } from "./session.js";
import { Settings, applyLooks } from "./settings.js";
import { Store } from "./state.js";
import { Views } from "./views.js";

applyLooks();
start(await loadConfig());

function start(config) {
  const connection = new Connection(onState);
  const store = new Store(connection);
  const commands = new Commands(connection, store, config.commands === true);
  const brokers = new Brokers(config);
  const settings = new Settings(brokers, agreed);
  const parts = {
    banner: new Banner(),
    checklist: new Checklist(),
    session: new SessionBar(commands),
  };
  const views = new Views(byId("view"), { state: store, connection, commands });
  let blocked = null;
  let asked = null; // the broker that is meant

  document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
    if (effectiveDirective !== "connect-src") return;
    blocked = {
      level: "error",
      text: "The server of this page does not let it talk to that broker.",
      isOfSettings: true,
    };
    store.touch();
  });
  for (const id of ["open-settings", "banner-settings"]) {
    byId(id).addEventListener("click", () => settings.open(asked));
  }

  store.subscribe(draw);
  views.follow();
  begin();

  function begin() {
    const chosen = brokers.chosen();
    if (chosen === null) return;
    const { url, isAgreed } = chosen;
    asked = url;
    if (isAgreed) {
      const { user, password } = brokers.credentials(url);
      connect(url, user, password);
    } else {
      settings.open(url, "A link names this broker. Connect to it only if you know it.");
    }
  }

  function agreed(url, user, password) {
    if (brokers.agree(url)) return;
    const login = user === "" ? brokers.credentials(url) : { user, password };
    connect(url, login.user, login.password);
  }

  function connect(url, user, password) {
    blocked = null;
    if (asked !== url) store.clear();
    asked = url;
    connection.open(url, user, password);
  }

  function onState({ phase }) {
    if (phase === "online") commands.reconsider();
    store.touch();
  }

  function draw() {
    parts.banner.show(connection.state, store, blocked);
    parts.checklist.show(store.hubs(), store);
    parts.session.show(store.hubs());
    setText(byId("connection"), connection.state.phase === "online" ? "live" : "not live");
    setAttribute(byId("connection"), "data-phase", connection.state.phase);
    settings.showCounts(connection.counts, config.version);
  }
}
