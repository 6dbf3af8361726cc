/** The buttons of a cluster that the local launcher started. */

import { byId, make, setText } from "./format.js";
import { problemOf } from "./connection.js";

const ACTIONS = [
  { name: "kill", label: "Kill", tells: "with kill -9" },
  { name: "pause", label: "Pause", tells: "with SIGSTOP" },
  { name: "continue", label: "Continue", tells: "after a pause" },
  { name: "restart", label: "Restart", tells: "in order" },
  { name: "partition", label: "Partition", tells: "from the other nodes" },
  { name: "heal", label: "Heal", tells: "after a partition" },
];

/** Which buttons make sense for a node as the launcher knows it. */
function fitting({ state, partitioned }) {
  if (state === "Running") return ["kill", "pause", "restart", partitioned ? "heal" : "partition"];
  if (state === "Paused") return ["continue", "kill"];
  return ["restart"];
}

/** Asks the launcher how its nodes are and passes on what people want of them. */
export class Controls {
  #connection;
  #shown = new Map();

  constructor(connection) {
    this.#connection = connection;
  }

  /** Puts the buttons of a node into an element. */
  add(id, element) {
    this.#shown.set(id, element);
    for (const { name, label, tells } of ACTIONS) {
      const attributes = {
        type: "button",
        "data-testid": `${name}-${id}`,
        "aria-label": `${label} node ${id} ${tells}`,
      };
      if (name === "kill") attributes.class = "danger";
      const button = make("button", { attributes, children: [label] });
      button.hidden = true;
      button.addEventListener("click", () => this.#press(id, name));
      element.append(button);
    }
  }

  /** Brings the buttons up to date; without a launcher there are none. */
  async refresh(hasLauncher) {
    if (!hasLauncher) return this.#show([]);
    try {
      const response = await this.#connection.request("/v1/launcher");
      if (response.ok) this.#show((await response.json()).nodes);
    } catch {
      // The node is gone, which the connection finds out by itself.
    }
  }

  async #press(id, name) {
    this.#say(`Asked to ${name} node ${id}`, false);
    try {
      const response = await this.#connection.request(`/v1/launcher/nodes/${id}/${name}`, { method: "POST" });
      if (!response.ok) return this.#say(await problemOf(response), true);
      this.#show((await response.json()).nodes);
    } catch {
      this.#say(`Node ${id} was asked to ${name}; the connection ended before the answer`, false);
    }
  }

  #show(nodes) {
    for (const [id, element] of this.#shown) {
      const node = nodes.find((candidate) => candidate.id === id);
      element.hidden = node === undefined;
      const names = node === undefined ? [] : fitting(node);
      for (const [at, { name }] of ACTIONS.entries()) element.children[at].hidden = !names.includes(name);
    }
  }

  #say(text, isBad) {
    const line = byId("control-message");
    line.dataset.bad = String(isBad);
    setText(line, text);
  }
}
