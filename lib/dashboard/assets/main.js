/** The dashboard: a frame a second from one node of the cluster, shown. */

import { Account } from "./account.js";
import { drawCards } from "./cards.js";
import { Charts } from "./charts.js";
import { headlineOf } from "./condition.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { drawLog, TimeLine } from "./events.js";
import { byId, make, setText, showBytes, showCount, showDuration } from "./format.js";
import { KeyBrowser } from "./keys.js";
import { Members } from "./members.js";
import { drawTopology } from "./topology.js";

const THEMES = ["system", "light", "dark"];
const THEME = "kvstore-theme";
/** While no frame comes, what is shown grows older. */
const AGE_MS = 1_000;

let link = "reconnecting";
let frame;
let receivedAt = 0;

const charts = new Charts();
const timeLine = new TimeLine();
const account = new Account({ onChange: drawAccount });
const connection = new Connection({ account, onFrame: take, onState: takeState });
const controls = new Controls(connection, { onLaunched: draw });
const membership = new Members(connection, controls);
const browser = new KeyBrowser(connection);

function take(received) {
  frame = received;
  receivedAt = performance.now();
  const { node, keys, bytes } = frame;
  setText(byId("leader"), node.leader === null ? "none" : `node ${node.leader}`);
  setText(byId("term"), String(node.term));
  setText(byId("key-count"), showCount(keys));
  setText(byId("data-size"), showBytes(bytes));
  setText(byId("commit"), showCount(node.commit_index));
  setText(byId("uptime"), showDuration(node.uptime_ms));
  setText(byId("uptime-of"), `Node ${node.id} up`);
  setText(byId("version"), `KVStore ${node.version}`);
  document.title = `KVStore · node ${node.id}`;
  setText(byId("connection"), `Live from node ${node.id}`);
  draw();
  charts.add(frame);
  timeLine.add(frame);
  drawLog(frame);
  controls.refresh(frame);
  membership.refresh(frame);
  browser.live();
}

function takeState({ state, base }) {
  link = state;
  const pill = byId("connection");
  pill.dataset.state = state;
  if (state !== "live") {
    const asking = `Asking ${base.replace(/^https?:\/\//, "")}`;
    setText(pill, { gone: "No connection", left: "No connection", out: "Logged out" }[state] ?? asking);
    draw();
  }
}

/** Everything that depends on what the launcher knows, too, and on the time that has passed. */
function draw() {
  const passedMs = frame === undefined ? 0 : performance.now() - receivedAt;
  const launched = controls?.launched;
  const { level, title, detail } = headlineOf({ link, frame, launched, passedMs });
  const headline = byId("headline");
  headline.dataset.level = level;
  setText(byId("headline-title"), title);
  setText(byId("headline-detail"), detail);
  drawLinks();
  document.body.dataset.link = link;
  if (frame === undefined) return;
  drawTopology(frame, launched);
  drawCards(frame, { launched, passedMs, addControls });
}

function addControls(id, elements) {
  controls.add(id, elements);
  membership.add(id, elements);
}

/** A member that answers may be out of reach for this page, but not for the person: it is the node's own page then. */
function drawLinks() {
  const links = byId("headline-links");
  const others = link === "gone" || link === "left" ? connection.others : [];
  const key = JSON.stringify([others, link === "out"]);
  if (links.dataset.key === key) return;
  links.dataset.key = key;
  const shown = others.map(({ id, origin }) => make("a", { attributes: { href: origin }, children: [`node ${id}`] }));
  if (others.length > 0) shown.unshift("Open the page of ");
  if (link === "out") shown.push(make("a", { attributes: { href: "/" }, children: ["Log in"] }));
  links.hidden = shown.length === 0;
  links.replaceChildren(...shown);
}

/** Who is logged in, and the way out. */
function drawAccount() {
  byId("account").hidden = account.user === null;
  byId("log-out").hidden = !account.canLogOut;
  setText(byId("account-user"), account.user ?? "");
}

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setText(byId("theme-name"), `Theme: ${theme}`);
  byId("theme").setAttribute("aria-label", `Theme: ${theme === "system" ? "as the system has it" : theme}`);
  localStorage.setItem(THEME, theme);
  charts.redraw();
}

byId("theme").addEventListener("click", () => {
  const current = document.documentElement.dataset.theme ?? "system";
  setTheme(THEMES[(THEMES.indexOf(current) + 1) % THEMES.length]);
});
account.refresh();
setTheme(THEMES.find((theme) => theme === localStorage.getItem(THEME)) ?? "system");
setInterval(() => {
  if (link !== "live") draw();
}, AGE_MS);
