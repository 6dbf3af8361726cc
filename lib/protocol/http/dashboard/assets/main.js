/** The dashboard: a frame a second from one node of the cluster, shown. */

import { KeyBrowser } from "./browser.js";
import { Charts } from "./charts.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { drawLog, TimeLine } from "./events.js";
import { byId, setText, showCount, showDuration } from "./format.js";
import { drawCards, drawTopology } from "./topology.js";

const THEMES = ["system", "light", "dark"];
const THEME = "kvstore-theme";

const charts = new Charts();
const timeLine = new TimeLine();
const connection = new Connection({ onFrame: show, onState: showState });
const controls = new Controls(connection);
const browser = new KeyBrowser(connection);
let hasBegun = false;

function show(frame) {
  const { node, quorum, keys } = frame;
  setText(byId("leader"), node.leader === null ? "none" : `node ${node.leader}`);
  setText(byId("term"), String(node.term));
  setText(byId("key-count"), showCount(keys));
  setText(byId("uptime"), showDuration(node.uptime_ms));
  document.title = `KVStore · node ${node.id}`;
  setText(byId("connection"), `Live from node ${node.id}`);
  warn(
    node.leader === null
      ? `Node ${node.id} knows no leader: it reaches ${quorum.reachable} of ${quorum.total} nodes and needs ${quorum.needed}. ` +
        "It serves neither reads nor writes until it does."
      : "",
  );
  drawTopology(frame);
  drawCards(frame, (id, element) => controls.add(id, element));
  charts.add(frame);
  timeLine.add(frame);
  drawLog(frame);
  controls.refresh(frame.launcher);
  if (!hasBegun) {
    hasBegun = true;
    browser.start();
  }
}

function showState({ state, base }) {
  const pill = byId("connection");
  pill.dataset.state = state;
  if (state === "live") return;
  const address = base.replace(/^https?:\/\//, "");
  setText(pill, state === "gone" ? "No node answers" : "Reconnecting");
  warn(
    state === "gone"
      ? "No node of the cluster answers. This page shows what was last known, and goes on trying."
      : `${address} does not answer. Looking for a node that does.`,
  );
}

function warn(text) {
  const banner = byId("banner");
  banner.hidden = text === "";
  setText(banner, text);
}

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setText(byId("theme"), `Theme: ${theme}`);
  byId("theme").setAttribute("aria-label", `Theme: ${theme === "system" ? "as the system has it" : theme}`);
  localStorage.setItem(THEME, theme);
  charts.redraw();
}

byId("theme").addEventListener("click", () => {
  const current = document.documentElement.dataset.theme ?? "system";
  setTheme(THEMES[(THEMES.indexOf(current) + 1) % THEMES.length]);
});
setTheme(THEMES.find((theme) => theme === localStorage.getItem(THEME)) ?? "system");
