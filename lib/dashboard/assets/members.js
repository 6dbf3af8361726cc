/** The buttons that change who belongs to the cluster, and in words what became of each change. */

import { problemOf } from "./connection.js";
import { ask } from "./dialog.js";
import { byId, make, setText } from "./format.js";
import { joinCommand } from "./join_command.js";

const REMOVED = /^#removed-(\d{1,10})$/;
/** How often a change is asked for while what is in the way passes, and the pause between. */
const ASKED_MAX = 20;
const AGAIN_MS = 500;

/** What can be done to a member: the request, and what is said when it is done. */
const CHANGES = [
  { name: "promote", tells: "to a voter", done: "has a vote now" },
  { name: "drain", tells: "so that it does not lead", done: "is drained: it hands over, and is not chosen to lead" },
  { name: "undrain", tells: "so that it may lead again", done: "may lead again" },
  { name: "remove", tells: "from the cluster", done: "is removed for good" },
];

/** Which buttons make sense for a member. */
function fitting({ voter, drained }) {
  return [...(voter ? [] : ["promote"]), drained ? "undrain" : "drain", "remove"];
}

/** Passes on what people want of the members. */
export class Members {
  #connection;
  #controls;
  #elements = new Map();
  #members = [];
  #hasLauncher = false;
  #isAdding = false;
  /** The node that was started last, until it is known what became of it or something else is told. */
  #joining;

  constructor(connection, controls) {
    this.#connection = connection;
    this.#controls = controls;
    // The page of a node that was removed has led here.
    const [, removed] = REMOVED.exec(location.hash) ?? [];
    if (removed !== undefined) {
      history.replaceState(null, "", location.pathname);
      this.#say(`Node ${removed} is removed for good`, false);
    }
    byId("add-node").addEventListener("click", () => this.#addNode());
  }

  /** Puts the buttons of a member into its card. */
  add(id, { membership }) {
    const buttons = CHANGES.map((change) => {
      const label = change.name[0].toUpperCase() + change.name.slice(1);
      const attributes = {
        type: "button",
        "data-testid": `${change.name}-${id}`,
        "aria-label": `${label} node ${id} ${change.tells}`,
      };
      if (change.name === "remove") attributes.class = "danger";
      const button = make("button", { attributes, children: [label] });
      button.addEventListener("click", () => this.#press(id, change));
      membership.append(button);
      return { name: change.name, button };
    });
    this.#elements.set(id, buttons);
  }

  /** Brings the buttons up to date with a frame. */
  refresh({ members, launcher }) {
    this.#members = members;
    this.#hasLauncher = launcher;
    if (launcher) this.#showJoinHint(false);
    this.#tellOfJoining();
    for (const member of members) {
      const names = fitting(member);
      for (const { name, button } of this.#elements.get(member.id) ?? []) button.hidden = !names.includes(name);
    }
    const { command, note } = joinCommand(members);
    setText(byId("join-command"), command);
    for (const id of ["join-how", "join-line"]) byId(id).hidden = command === "";
    setText(byId("join-note"), note);
  }

  async #press(id, { name, done }) {
    if (name === "remove" && !await this.#isSure(id)) return;
    this.#joining = undefined;
    this.#say(`Asked to ${name} node ${id}`, false);
    const change = name === "remove"
      ? { path: `/v1/cluster/members/${id}`, method: "DELETE" }
      : { path: `/v1/cluster/members/${id}/${name}`, method: "POST" };
    const refuge = name === "remove" ? this.#connection.refugeFrom(id) : undefined;
    try {
      const refusal = await this.#ask(change, (reason) => this.#say(`Node ${id}: ${reason}`, true));
      if (refusal !== undefined) return this.#say(`Node ${id}: ${refusal}`, true);
      this.#say(`Node ${id} ${done}`, false);
      if (refuge !== undefined) location.assign(`${refuge}/#removed-${id}`);
      else if (name === "remove") await this.#controls.wake(id);
    } catch {
      this.#say(
        `Node ${id} was asked to ${name}; the connection ended before the answer. To ask again does no harm`,
        true,
      );
    }
  }

  /** Asks again while what is in the way passes by itself, and tells of it. Why it was not done; undefined when it was. */
  async #ask({ path, method }, tell) {
    for (let asked = 1;; asked++) {
      const response = await this.#connection.request(path, { method });
      if (response.ok) return undefined;
      const isPassing = asked < ASKED_MAX && (await response.clone().text()).includes('"passing":true');
      const reason = await problemOf(response);
      if (!isPassing) return reason;
      tell(`${reason} (asking again)`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  #isSure(id) {
    const member = this.#members.find((candidate) => candidate.id === id);
    return ask({
      question: `Remove node ${id} from the cluster? It cannot come back under its number.`,
      subject: [member?.http_address || member?.client_address || ""],
      stay: "Keep",
      go: "Remove",
    });
  }

  /** In a local cluster the launcher starts one more node; elsewhere a person does, and is told how. */
  async #addNode() {
    if (!this.#hasLauncher) return this.#showJoinHint(byId("join-hint").hidden);
    if (this.#isAdding) return;
    this.#isAdding = true;
    this.#say("Asked for one more node", false);
    try {
      const response = await this.#connection.request("/v1/launcher/nodes", { method: "POST" });
      if (!response.ok) return this.#say(`No node was added: ${await problemOf(response)}`, true);
      const { added } = await response.json();
      this.#joining = added;
      this.#say(`Node ${added} is started and joins the cluster`, false);
    } catch {
      this.#say("One more node was asked for; the connection ended before the answer", true);
    } finally {
      this.#isAdding = false;
    }
  }

  #tellOfJoining() {
    const id = this.#joining;
    const member = this.#members.find((candidate) => candidate.id === id);
    const hasEnded = this.#controls.launched?.some((process) => process.id === id && process.state === "Ended");
    if (member?.voter || hasEnded) this.#joining = undefined;
    if (member?.voter) this.#say(`Node ${id} has joined and has a vote`, false);
    else if (hasEnded) this.#say(`Node ${id} has ended: the log of the launcher says why`, true);
    else if (member !== undefined) this.#say(`Node ${id} has joined as a learner and catches up`, false);
  }

  #showJoinHint(isShown) {
    byId("join-hint").hidden = !isShown;
    byId("add-node").setAttribute("aria-expanded", String(isShown));
  }

  #say(text, isBad) {
    const line = byId("member-message");
    line.dataset.bad = String(isBad);
    setText(line, text);
  }
}
