/** The shell: connects, keeps what is known, and shows the view that the address names. */

import { Banner } from "./banner.js";
import { Brokers, loadConfig } from "./brokers.js";
import { Checklist } from "./checklist.js";
import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import { byId, setAttribute, setText } from "./dom.js";
import { credentialsFor } from "./memory.js";
import { SessionBar } from "./session.js";
import { Settings, applyTheme } from "./settings.js";
import { Store } from "./state.js";
import { Views } from "./views.js";

applyTheme();
start(await loadConfig());

function start(config) {
  const connection = new Connection(onState);
  const store = new Store(connection);
  const commands = new Commands(connection, store, config.commands === true);
  const brokers = new Brokers(config);
  const settings = new Settings(brokers, connectTo);
  const parts = { banner: new Banner(), checklist: new Checklist(), session: new SessionBar(commands) };
  const views = new Views(byId("view"), { state: store, connection, sendCommand: commands.send, whyNoCommands: commands.whyNot });
  let blocked = null;

  document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
    if (effectiveDirective !== "connect-src") return;
    blocked = { level: "error", text: "The server of this page does not let it talk to that broker.", isOfSettings: true };
    store.touch();
  });
  for (const id of ["open-settings", "banner-settings"]) {
    byId(id).addEventListener("click", () => settings.open(connection.state.url ?? brokers.chosen().url));
  }

  store.subscribe(draw);
  views.follow();
  begin();

  function begin() {
    const { url, isAgreed } = brokers.chosen();
    if (isAgreed) connectTo(url, ...Object.values(credentialsFor(url)));
    else settings.open(url, "A link names this broker. Connect to it only if you know it.");
  }

  function connectTo(url, user, password) {
    if (brokers.agree(url)) return; // the page is loaded anew
    blocked = null;
    if (connection.state.url !== url) store.clear();
    connection.open(url, user, password);
  }

  function onState({ phase }) {
    if (phase === "online") commands.reconsider();
    store.touch();
  }

  function draw() {
    parts.banner.show(connection.state, store.hubs(), blocked);
    parts.checklist.show(store.hubs(), store);
    parts.session.show(store.hubs());
    setText(byId("connection"), connection.state.phase === "online" ? "live" : "not live");
    setAttribute(byId("connection"), "data-phase", connection.state.phase);
    settings.showCounts(connection.counts, config.version);
  }
}
