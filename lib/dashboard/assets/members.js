/** The buttons that change who belongs to the cluster, and in words what became of each change. */

import { problemOf } from "./connection.js";
import { ask } from "./dialog.js";
import { byId, make, setText } from "./format.js";
import { joinCommand } from "./join_command.js";

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

  constructor(connection, controls) {
    this.#connection = connection;
    this.#controls = controls;
    byId("add-node").addEventListener("click", () => this.#toggleJoinHint());
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
  refresh({ members }) {
    this.#members = members;
    for (const member of members) {
      const names = fitting(member);
      for (const { name, button } of this.#elements.get(member.id) ?? []) button.hidden = !names.includes(name);
    }
    const { command, note } = joinCommand(members);
    setText(byId("join-command"), command);
    setText(byId("join-note"), note);
  }

  async #press(id, { name, done }) {
    if (name === "remove" && !await this.#isSure(id)) return;
    this.#say(`Asked to ${name} node ${id}`, false);
    const change = name === "remove"
      ? { path: `/v1/cluster/members/${id}`, method: "DELETE" }
      : { path: `/v1/cluster/members/${id}/${name}`, method: "POST" };
    try {
      const response = await this.#connection.request(change.path, { method: change.method });
      if (!response.ok) return this.#say(`Node ${id}: ${await problemOf(response)}`, true);
      this.#say(`Node ${id} ${done}`, false);
      if (name === "remove") await this.#controls.wake(id);
    } catch {
      this.#say(
        `Node ${id} was asked to ${name}; the connection ended before the answer. To ask again does no harm`,
        true,
      );
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

  #toggleJoinHint() {
    const hint = byId("join-hint");
    hint.hidden = !hint.hidden;
    byId("add-node").setAttribute("aria-expanded", String(!hint.hidden));
  }

  #say(text, isBad) {
    const line = byId("member-message");
    line.dataset.bad = String(isBad);
    setText(line, text);
  }
}
