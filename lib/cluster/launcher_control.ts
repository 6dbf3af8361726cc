/** The launcher's end of the talk with its nodes: what people ask for on the dashboard or the command line is done here. */

import { unreachable } from "../base/assert.ts";
import type { NodeId } from "../raft/types.ts";
import type { LaunchedNode, LaunchedState, LauncherAnswer, NodeAction } from "../http/launcher_port.ts";
import { type ControlRequest, writeOrder } from "./control_lines.ts";
import type { Supervisor } from "./supervisor.ts";

/** What ends or stops the node that asks for it happens so much later, when its client has the reply. */
const OWN_END_DELAY_MS = 100;
/** A rolling restart that was given up is forgotten after so long: the next one begins anew. */
export const ROLLING_RESTART_MS_MAX = 3_600_000;

/** What the control works with. */
export interface LauncherControlOptions {
  /** By node; those of nodes that are added come into it. */
  readonly supervisors: ReadonlyMap<NodeId, Supervisor>;
  /** Starts one more node: its id, or in words why there is none. Never rejects. */
  readonly addNode: () => Promise<NodeId | string>;
  /** Takes a line for people with everything that is done. */
  readonly say: (line: string) => void;
  readonly now: () => number;
  readonly after: (delayMs: number, action: () => void) => () => void;
}

interface Deed {
  readonly supervisor: Supervisor;
  readonly action: NodeAction;
}

/** Answers the nodes. */
export class LauncherControl {
  readonly #options: LauncherControlOptions;
  readonly #partitioned = new Set<NodeId>();
  /** Nodes whose process a rolling restart has still to replace. */
  #restartPending = new Set<NodeId>();
  #restartBegunAt = 0;
  #isAdding = false;

  /** Does nothing until a node asks. */
  constructor(options: LauncherControlOptions) {
    this.#options = options;
  }

  /** A process of that node is about to start: it knows nothing of a partition, and is new. */
  started(id: NodeId): void {
    this.#partitioned.delete(id);
    this.#restartPending.delete(id);
  }

  /** Does what node `from` asks for, and tells it how things are then. */
  answer(from: NodeId, { number, wish }: ControlRequest): void {
    const tell = (answer: LauncherAnswer) =>
      this.#options.supervisors.get(from)?.tell(writeOrder({ type: "Answer", number, answer }));
    if (wish === "AddNode") this.#addNode(from).then(tell);
    else if (wish === "RollingRestart") tell(this.#beginRollingRestart(from));
    else tell(wish === undefined ? this.#nodes() : this.#act(from, wish));
  }

  /** One at a time: the next id is known only when the one before has been taken. */
  async #addNode(from: NodeId): Promise<LauncherAnswer> {
    if (this.#isAdding) return refuse("another node is being added: ask again in a moment");
    this.#isAdding = true;
    this.#options.say(`Asked through node ${from} to add a node`);
    const added = await this.#options.addNode();
    this.#isAdding = false;
    return typeof added === "string" ? refuse(added) : { ...this.#nodes(), added };
  }

  #beginRollingRestart(from: NodeId): LauncherAnswer {
    const { supervisors, say, now } = this.#options;
    if (!this.#isRestarting()) {
      this.#restartPending = new Set(supervisors.keys());
      this.#restartBegunAt = now();
      say(`Asked through node ${from} for a rolling restart`);
    }
    return this.#nodes();
  }

  #act(from: NodeId, { node, action }: { readonly node: NodeId; readonly action: NodeAction }): LauncherAnswer {
    const supervisor = this.#options.supervisors.get(node);
    if (supervisor === undefined) return refuse(`there is no node ${node}`);
    const reason = this.#whyNot(node, { supervisor, action });
    if (reason !== undefined) return refuse(reason);
    this.#options.say(`Asked through node ${from} to ${action} node ${node}`);
    const endsItself = from === node && (action === "kill" || action === "pause" || action === "restart");
    if (endsItself) this.#options.after(OWN_END_DELAY_MS, () => this.#doLater(node, { supervisor, action }));
    else this.#do(node, { supervisor, action });
    return this.#nodes();
  }

  /** Much may have happened since the answer: a crash, the end of the other nodes, a signal to the launcher. */
  #doLater(node: NodeId, deed: Deed): void {
    const reason = this.#whyNot(node, deed);
    if (reason === undefined) return this.#do(node, deed);
    this.#options.say(`Cannot ${deed.action} node ${node} any more: ${reason}`);
  }

  #whyNot(node: NodeId, { supervisor, action }: Deed): string | undefined {
    const { state, paused } = supervisor;
    if (supervisor.stopping) return "the launcher is stopping its nodes";
    const isPartitioned = this.#partitioned.has(node);
    switch (action) {
      case "restart":
        return supervisor.removed ? `node ${node} was removed from the cluster for good` : undefined;
      case "continue":
        return paused ? undefined : `node ${node} is not paused`;
      case "heal":
        return isPartitioned ? undefined : `node ${node} is not partitioned`;
      case "partition":
        if (state !== "Running" || paused) return `node ${node} does not run`;
        return isPartitioned ? `node ${node} is partitioned already` : undefined;
      case "kill":
      case "pause":
        if (state !== "Running" || (paused && action === "pause")) return `node ${node} does not run`;
        return this.#isLast(supervisor)
          ? `node ${node} is the last one that runs: nobody could bring it back`
          : undefined;
      default:
        return unreachable(action);
    }
  }

  #isLast(supervisor: Supervisor): boolean {
    const others = Array.from(this.#options.supervisors.values()).filter((other) => other !== supervisor);
    return !others.some(({ state, paused }) => state === "Running" && !paused);
  }

  #do(node: NodeId, { supervisor, action }: Deed): void {
    switch (action) {
      case "kill":
        return supervisor.kill();
      case "restart":
        return supervisor.restart();
      case "pause":
      case "continue":
        return supervisor.pause(action === "pause");
      case "partition":
        this.#partitioned.add(node);
        return supervisor.tell(writeOrder({ type: "Isolate", isolated: true }));
      case "heal":
        this.#partitioned.delete(node);
        return supervisor.tell(writeOrder({ type: "Isolate", isolated: false }));
      default:
        return unreachable(action);
    }
  }

  /** Nodes that are not started again by themselves have no process that could be replaced. */
  #isRestarting(): boolean {
    if (this.#options.now() - this.#restartBegunAt >= ROLLING_RESTART_MS_MAX) return false;
    return Array.from(this.#options.supervisors).some(([id, supervisor]) => this.#isPending(id, supervisor));
  }

  #isPending(id: NodeId, supervisor: Supervisor): boolean {
    return this.#restartPending.has(id) && stateOf(supervisor) !== "Ended";
  }

  #nodes(): Extract<LauncherAnswer, { readonly type: "Nodes" }> {
    const isRestarting = this.#isRestarting();
    const nodes = Array.from(this.#options.supervisors, ([id, supervisor]): LaunchedNode => {
      return {
        id,
        pid: supervisor.pid,
        state: stateOf(supervisor),
        partitioned: this.#partitioned.has(id),
        restartPending: isRestarting && this.#isPending(id, supervisor),
      };
    });
    return { type: "Nodes", nodes };
  }
}

function refuse(reason: string): LauncherAnswer {
  return { type: "Refused", reason };
}

function stateOf({ state, paused }: Supervisor): LaunchedState {
  switch (state) {
    case "Running":
      return paused ? "Paused" : "Running";
    case "Down":
    case "Waiting":
      return state;
    case "GaveUp":
    case "Stopped":
      return "Ended";
    default:
      return unreachable(state);
  }
}
