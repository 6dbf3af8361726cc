/**
 * The local cluster: every node a process of its own, watched and started again; the table when it is ready; all nodes
 * stopped together.
 */

import type { NodeId } from "../raft/types.ts";
import type { StartProcess } from "./node_process.ts";
import { findStrangers, type Members, type NodeView } from "./probe.ts";
import { type ReadyNode, showReady } from "./ready_text.ts";
import { LauncherControl } from "./launcher_control.ts";
import { readRequest } from "./control_lines.ts";
import { Supervisor } from "./supervisor.ts";

/** How often the nodes are asked whether they are ready, in ms. */
const POLL_MS = 50;
/** After so long without a ready cluster people are told what it waits for, again and again. */
const PATIENCE_MS = 10_000;
/** How long the first node may take to become the leader, once there is one, before the cluster is called ready as it is. */
const PREFERRED_LEADER_MS = 10_000;
/** How often a node that was added is asked whether it has a vote, in ms; nodes get it a second after they joined at the earliest. */
const JOINING_POLL_MS = 500;
/** Nodes have 5 s to stop by themselves; what is left then is killed. */
const STOP_MS = 6_000;
/** A local cluster has at most so many nodes, as many as `--nodes` takes. */
export const LAUNCHED_NODES_MAX = 7;
/** As a shell says of a program that Ctrl-C ended. */
const KILLED_EXIT_CODE = 130;

/** One node to run. */
export interface NodePlan {
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  readonly clientAddress: string;
  readonly httpAddress: string;
  readonly peerAddress: string;
  readonly dataDirectory: string;
  /** The file of the CA where the node speaks TLS alone. */
  readonly caPath?: string | undefined;
  readonly executable: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What a person asked the launcher for with signals. */
export interface StopRequests {
  /** Resolves at the first signal. */
  readonly stop: Promise<void>;
  /** Resolves at the second one. */
  readonly kill: Promise<void>;
}

/** What the launcher works with; tests give fakes. Times in milliseconds. */
export interface LauncherOptions {
  readonly nodes: readonly NodePlan[];
  /** How the command line client is started, for the lines to try. */
  readonly clientCommand: string;
  /** The words before `inspect`, for the line that says that a node's data is damaged. */
  readonly program: string;
  /**
   * Plans one more node beside those that belong to the cluster, with an id above `usedId`; or in words why there can be none.
   * Never rejects.
   */
  readonly planNode: (nodes: readonly NodePlan[], usedId: NodeId) => Promise<NodePlan | string>;
  readonly startProcess: StartProcess;
  /** What a node says about itself; undefined while it does not answer. */
  readonly probe: (node: NodePlan) => Promise<NodeView | undefined>;
  /** Whom a node says to belong to the cluster; undefined while it does not answer. */
  readonly probeMembers: (node: NodePlan) => Promise<Members | undefined>;
  /** Asks the leader to hand over to another node; whether it has. */
  readonly transfer: (leader: NodePlan, to: NodeId) => Promise<boolean>;
  readonly now: () => number;
  readonly after: (delayMs: number, action: () => void) => () => void;
  /** Takes lines for the log, and the text that says the cluster is ready. */
  readonly say: (line: string) => void;
  /** Takes a line that a node wrote; `say` gets it as `[node 0] line` when left out. */
  readonly nodeLine?: (id: NodeId, line: string) => void;
  readonly print: (text: string) => void;
  readonly requests: StopRequests;
}

/** Runs the cluster until it is stopped or cannot go on. Resolves to the exit code. */
export async function launchCluster(options: LauncherOptions): Promise<number> {
  return await new Launcher(options).run();
}

interface Supervised {
  readonly node: NodePlan;
  readonly supervisor: Supervisor;
}

/** What ended the wait for something. */
type Outcome = "Ready" | "Stop" | "Lost" | "AllStopped";

class Launcher {
  readonly #options: LauncherOptions;
  /** By id, in ascending order. */
  readonly #nodes = new Map<NodeId, NodePlan>();
  readonly #supervisors = new Map<NodeId, Supervisor>();
  /** Nodes that were added while the launcher ran, and have not said that they have a vote. */
  readonly #added = new Set<NodeId>();
  /** The highest id under which a node was started. */
  #usedId: NodeId;
  readonly #waiters = new Set<() => void>();
  #stopRequested = false;
  #killRequested = false;
  readonly #control: LauncherControl;

  constructor(options: LauncherOptions) {
    this.#options = options;
    for (const node of options.nodes) this.#take(node);
    this.#usedId = Math.max(...this.#nodes.keys());
    const { say, now, after } = options;
    this.#control = new LauncherControl({
      supervisors: this.#supervisors,
      addNode: () => this.#addNode(),
      say,
      now,
      after,
    });
  }

  async run(): Promise<number> {
    const { requests } = this.#options;
    requests.stop.then(() => {
      this.#stopRequested = true;
      this.#wake();
    });
    requests.kill.then(() => {
      this.#killRequested = true;
      this.#killAll();
    });
    for (const supervisor of this.#supervisors.values()) supervisor.start();
    let outcome = await this.#untilReady();
    if (outcome === "Ready") outcome = await this.#untilEnd();
    if (outcome === "Stop") this.#options.say("Stopping all nodes; once more to kill them");
    if (outcome === "Lost") this.#options.say("Too few nodes are left to form a majority: stopping the others");
    const exitCode = this.#exitCodeAfter(outcome);
    await this.#stopAll();
    return this.#killRequested ? KILLED_EXIT_CODE : exitCode;
  }

  #take(node: NodePlan): Supervisor {
    const supervisor = this.#supervise(node);
    this.#nodes.set(node.id, node);
    this.#supervisors.set(node.id, supervisor);
    return supervisor;
  }

  /** Starts one more node. Its id, or in words why there is none. */
  async #addNode(): Promise<NodeId | string> {
    // So that what is kept of nodes stays bounded, however many come and go.
    await this.#forgetStrangers();
    if (this.#nodes.size >= LAUNCHED_NODES_MAX) {
      return `a local cluster has at most ${LAUNCHED_NODES_MAX} nodes: remove one first`;
    }
    const plan = await this.#options.planNode([...this.#nodes.values()], this.#usedId);
    if (typeof plan === "string") return plan;
    // The ports were looked at meanwhile.
    if (this.#whyEnded() !== undefined) return "the launcher is stopping its nodes";
    this.#added.add(plan.id);
    if (this.#take(plan).begin("joins the cluster")) {
      this.#usedId = plan.id;
      this.#wake();
      return plan.id;
    }
    this.#forget(plan.id);
    return `node ${plan.id} cannot be started: the launcher's log says why`;
  }

  /** Those that were removed, and those that do not run and never joined, by the word of the cluster: nobody could remove them. */
  async #forgetStrangers(): Promise<void> {
    for (const [id, { removed }] of [...this.#supervisors]) if (removed) this.#forget(id);
    const isGone = (id: NodeId) => !this.#isAlive(this.#supervisors.get(id));
    const gone = [...this.#nodes.keys()].filter(isGone);
    if (gone.length === 0) return;
    const lists = new Map<NodeId, Members>();
    await Promise.all([...this.#nodes.values()].map(async (node) => {
      if (this.#supervisors.get(node.id)?.state !== "Running") return;
      const members = await this.#options.probeMembers(node);
      if (members !== undefined) lists.set(node.id, members);
    }));
    // One may have been restarted meanwhile.
    for (const id of findStrangers(gone, lists)) if (isGone(id)) this.#forget(id);
  }

  #forget(id: NodeId): void {
    this.#supervisors.delete(id);
    this.#nodes.delete(id);
    this.#added.delete(id);
  }

  /** The nodes that belong to the cluster: not those that were removed. */
  #members(): readonly Supervised[] {
    return Array.from(this.#nodes.values()).flatMap((node) => {
      const supervisor = this.#supervisors.get(node.id);
      return supervisor === undefined || supervisor.removed ? [] : [{ node, supervisor }];
    });
  }

  #supervise(node: NodePlan): Supervisor {
    const { startProcess, now, after, say, program } = this.#options;
    const { nodeLine = (id: NodeId, line: string) => say(`[node ${id}] ${line}`) } = this.#options;
    return new Supervisor({
      name: `node ${node.id}`,
      inspectCommand: `${program} inspect ${node.dataDirectory}`,
      start: () => {
        this.#control.started(node.id);
        return startProcess({
          executable: node.executable,
          args: node.args,
          environment: node.environment,
          onLine: (line, stream) => {
            // Logs tell what clients sent, and nothing in them may be taken for a request.
            const request = stream === "stdout" ? readRequest(line) : undefined;
            if (request === undefined) nodeLine(node.id, line);
            else this.#control.answer(node.id, request);
          },
        });
      },
      now,
      after,
      say,
      onFinal: () => this.#wake(),
    });
  }

  async #untilReady(): Promise<Outcome> {
    const { now, print, clientCommand, say } = this.#options;
    let saidAt = now();
    let ledSince: number | undefined;
    for (;;) {
      const ended = this.#whyEnded();
      if (ended !== undefined) return ended;
      const views = await this.#probeAll();
      const silent = views.filter(({ view, running }) => running && view?.leaderId === undefined);
      if (silent.length === 0) ledSince ??= now();
      const isLate = ledSince !== undefined && now() - ledSince >= PREFERRED_LEADER_MS;
      if (silent.length === 0 && await this.#prefersAnother(views, { isLate })) continue;
      if (silent.length === 0 && this.#whyEnded() === undefined) {
        print(showReady({ nodes: views, clientCommand }));
        return "Ready";
      }
      if (now() - saidAt >= PATIENCE_MS) {
        saidAt = now();
        const waiting = silent.map(({ node, view }) =>
          `node ${node.id} (${view === undefined ? "silent" : "no leader"})`
        );
        say(`Still waiting for ${waiting.join(", ")} of ${views.length} nodes`);
      }
      await this.#pause(POLL_MS);
    }
  }

  /**
   * The first node that runs is the one that people try first, so it should lead: where another won, that one is asked to hand
   * over, and again only when it refused, until it is late. True when the nodes are to be asked again.
   */
  async #prefersAnother(views: readonly ReadyNode[], { isLate }: { isLate: boolean }): Promise<boolean> {
    const first = views.find(({ running }) => running);
    const leaders = new Set(views.flatMap(({ view }) => view === undefined ? [] : [view.leaderId]));
    if (first === undefined || (leaders.size === 1 && leaders.has(first.node.id))) return false;
    const leader = views.find(({ view, node }) => view?.leaderId === node.id);
    if (isLate) {
      const waited = `within ${PREFERRED_LEADER_MS / 1_000} s`;
      this.#options.say(`Node ${first.node.id} has not become the leader ${waited}: the cluster is ready as it is`);
      return false;
    }
    if (leader !== undefined && leaders.size === 1) await this.#options.transfer(leader.node, first.node.id);
    await this.#pause(POLL_MS);
    return true;
  }

  async #probeAll(): Promise<readonly ReadyNode[]> {
    const { probe } = this.#options;
    return await Promise.all(
      this.#members().map(async ({ node, supervisor }) => {
        const running = this.#isAlive(supervisor);
        return { node, running, view: running ? await probe(node) : undefined };
      }),
    );
  }

  /** Whether a node runs or will run again by itself. */
  #isAlive(supervisor: Supervisor | undefined): boolean {
    return supervisor?.state === "Running" || supervisor?.state === "Waiting";
  }

  /** The same, or somebody has killed it to see what happens, and may restart it. */
  #isExpected(supervisor: Supervisor): boolean {
    return this.#isAlive(supervisor) || supervisor.state === "Down";
  }

  async #untilEnd(): Promise<Outcome> {
    for (;;) {
      const ended = this.#whyEnded();
      if (ended !== undefined) return ended;
      await this.#pause(this.#added.size === 0 ? undefined : JOINING_POLL_MS);
      await this.#askAdded();
    }
  }

  /** Asks only nodes that run: at the port of one that has ended another may answer. */
  async #askAdded(): Promise<void> {
    const asked = this.#members().filter(({ node, supervisor }) =>
      this.#added.has(node.id) && supervisor.state === "Running"
    );
    await Promise.all(asked.map(async ({ node }) => {
      const membership = (await this.#options.probeMembers(node))?.get(node.id);
      if (membership === "Voter") this.#added.delete(node.id);
    }));
  }

  #whyEnded(): Outcome | undefined {
    if (this.#stopRequested) return "Stop";
    // One that was added and failed may never have had a vote: nobody loses the others for it.
    const members = this.#members().filter(({ node, supervisor }) =>
      supervisor.state !== "GaveUp" || !this.#added.has(node.id)
    );
    const left = members.filter(({ supervisor }) => this.#isExpected(supervisor)).length;
    const gaveUp = members.some(({ supervisor }) => supervisor.state === "GaveUp");
    if (gaveUp && left * 2 <= members.length) return "Lost";
    // Those that were killed on request come back through a dashboard, and no node is left that serves one.
    if (this.#remaining().length > 0) return undefined;
    return this.#members().some(({ supervisor }) => supervisor.state === "GaveUp") ? "Lost" : "AllStopped";
  }

  #exitCodeAfter(outcome: Outcome): number {
    if (outcome !== "Lost") return 0;
    return this.#members().find(({ supervisor }) => supervisor.state === "GaveUp")?.supervisor.exitCode ?? 1;
  }

  async #stopAll(): Promise<void> {
    if (!this.#killRequested) { for (const supervisor of this.#supervisors.values()) supervisor.stop("SIGTERM"); }
    const deadline = this.#options.now() + STOP_MS;
    while (this.#remaining().length > 0) {
      const left = deadline - this.#options.now();
      if (left <= 0) return await this.#killStragglers();
      await this.#pause(left);
    }
  }

  async #killStragglers(): Promise<void> {
    const count = this.#remaining().length;
    this.#options.say(`Killing ${count} ${count === 1 ? "node" : "nodes"}, not stopped within ${STOP_MS / 1000} s`);
    this.#killAll();
    while (this.#remaining().length > 0) await this.#pause(POLL_MS);
  }

  #killAll(): void {
    for (const supervisor of this.#remaining()) supervisor.stop("SIGKILL");
  }

  #remaining(): readonly Supervisor[] {
    return Array.from(this.#supervisors.values()).filter((supervisor) => this.#isAlive(supervisor));
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Until something happened to a node or a signal came, at most `delayMs`. */
  #pause(delayMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#waiters.delete(end);
        cancel();
        resolve();
      };
      const cancel = delayMs === undefined ? () => {} : this.#options.after(delayMs, end);
      this.#waiters.add(end);
    });
  }
}
