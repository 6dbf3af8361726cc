/** The buttons of the cards: which node to watch, and what the local launcher can do to a node that it started. */

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
  #onLaunched;
  #elements = new Map();
  /** The nodes as the launcher knows them; undefined where there is none. */
  #launched;
  /** What the launcher knew when the message was written: the message goes when that has changed. */
  #saidAt = "";
  #isAsking = false;
  /** The node that is shown, and the members of its last frame. */
  #watched;
  #members = [];

  /** `onLaunched` is called when the launcher knows something else than before. */
  constructor(connection, { onLaunched }) {
    this.#connection = connection;
    this.#onLaunched = onLaunched;
  }

  get launched() {
    return this.#launched;
  }

  /** Puts the buttons of a node into its card. */
  add(id, { heading, controls }) {
    const button = (name, { label, tells, press, place = controls }) => {
      const attributes = {
        type: "button",
        "data-testid": `${name}-${id}`,
        "aria-label": `${label} node ${id}${tells}`,
      };
      if (name === "kill") attributes.class = "danger";
      const made = make("button", { attributes, children: [label] });
      made.hidden = true;
      made.addEventListener("click", press);
      place.append(made);
      return made;
    };
    const watch = button("watch", {
      label: "Watch",
      tells: ": show the cluster as it sees it",
      press: () => this.#connection.follow(id),
      place: heading,
    });
    const actions = ACTIONS.map(({ name, label, tells }) => {
      return { name, button: button(name, { label, tells: ` ${tells}`, press: () => this.#press(id, name) }) };
    });
    this.#elements.set(id, { watch, actions });
  }

  /** Brings the buttons up to date with a frame. */
  async refresh({ launcher, members, node }) {
    this.#watched = node.id;
    this.#members = members;
    this.#drawWatch();
    if (!launcher) return this.#take(undefined);
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const response = await this.#connection.request("/v1/launcher");
      if (response.ok) this.#take((await response.json()).nodes);
    } catch {
      // The node is gone, which the connection finds out by itself.
    } finally {
      this.#isAsking = false;
    }
  }

  /** A node can be watched that has an address and, as far as is known, answers there. */
  #drawWatch() {
    for (const [id, { watch }] of this.#elements) {
      const member = this.#members.find((candidate) => candidate.id === id);
      const process = this.#launched?.find((candidate) => candidate.id === id);
      watch.hidden = id === this.#watched || !member?.http_address ||
        (process !== undefined && process.state !== "Running");
    }
  }

  /** Lets a process that stands still, is down or cut off go on, so that it learns that its node was removed, and ends for good. */
  async wake(id) {
    const process = this.#launched?.find((candidate) => candidate.id === id);
    if (process?.partitioned) await this.#press(id, "heal");
    if (process?.state === "Paused") await this.#press(id, "continue");
    if (process?.state === "Down") await this.#press(id, "restart");
  }

  async #press(id, name) {
    this.#say(`Asked to ${name} node ${id}`, false);
    try {
      const response = await this.#connection.request(`/v1/launcher/nodes/${id}/${name}`, { method: "POST" });
      if (!response.ok) return this.#say(await problemOf(response), true);
      this.#take((await response.json()).nodes);
    } catch {
      this.#say(`Node ${id} was asked to ${name}; the connection ended before the answer`, false);
    }
  }

  #take(launched) {
    const before = JSON.stringify(this.#launched);
    this.#launched = launched;
    const now = JSON.stringify(launched);
    if (now !== this.#saidAt) this.#say("", false);
    for (const [id, { actions }] of this.#elements) {
      const node = launched?.find((candidate) => candidate.id === id);
      const names = node === undefined ? [] : fitting(node);
      for (const { name, button } of actions) button.hidden = !names.includes(name);
    }
    this.#drawWatch();
    if (now !== before) this.#onLaunched();
  }

  #say(text, isBad) {
    this.#saidAt = JSON.stringify(this.#launched);
    const line = byId("control-message");
    line.dataset.bad = String(isBad);
    setText(line, text);
  }
}
