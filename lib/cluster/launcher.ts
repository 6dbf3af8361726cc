/**
 * The local cluster: every node a process of its own, watched and started again; the table when it is ready; all nodes
 * stopped together.
 */

import type { NodeId } from "../raft/types.ts";
import type { StartProcess } from "./node_process.ts";
import type { NodeView } from "./probe.ts";
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
/** Nodes have 5 s to stop by themselves; what is left then is killed. */
const STOP_MS = 6_000;
/** That of a node that was removed from the cluster. */
const REMOVED_EXIT_CODE = 76;
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
  readonly startProcess: StartProcess;
  /** What a node says about itself; undefined while it does not answer. */
  readonly probe: (node: NodePlan) => Promise<NodeView | undefined>;
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

/** What ended the wait for something. */
type Outcome = "Ready" | "Stop" | "Lost" | "AllStopped";

class Launcher {
  readonly #options: LauncherOptions;
  readonly #supervisors: readonly Supervisor[];
  readonly #waiters = new Set<() => void>();
  #stopRequested = false;
  #killRequested = false;
  readonly #control: LauncherControl;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#supervisors = options.nodes.map((node) => this.#supervise(node));
    const { say, now, after, nodes } = options;
    const supervised = nodes.map(({ id }, at) => ({ id, supervisor: this.#supervisors[at] }));
    this.#control = new LauncherControl({
      supervisors: new Map(
        supervised.flatMap(({ id, supervisor }) => supervisor === undefined ? [] : [[id, supervisor]]),
      ),
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
    for (const supervisor of this.#supervisors) supervisor.start();
    let outcome = await this.#untilReady();
    if (outcome === "Ready") outcome = await this.#untilEnd();
    if (outcome === "Stop") this.#options.say("Stopping all nodes; once more to kill them");
    if (outcome === "Lost") this.#options.say("Too few nodes are left to form a majority: stopping the others");
    const exitCode = this.#exitCodeAfter(outcome);
    await this.#stopAll();
    return this.#killRequested ? KILLED_EXIT_CODE : exitCode;
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
    const { nodes, now, print, clientCommand, say } = this.#options;
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
        say(`Still waiting for ${waiting.join(", ")} of ${nodes.length} nodes`);
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
    const { nodes, probe } = this.#options;
    return await Promise.all(nodes.map(async (node, at) => {
      const running = this.#isAlive(this.#supervisors[at]);
      return { node, running, view: running ? await probe(node) : undefined };
    }));
  }

  /** Whether a node runs or will run again by itself. */
  #isAlive(supervisor: Supervisor | undefined): boolean {
    return supervisor?.state === "Running" || supervisor?.state === "Waiting";
  }

  /** The same, or somebody has killed it to see what happens, and may restart it. */
  #isExpected(supervisor: Supervisor | undefined): boolean {
    return this.#isAlive(supervisor) || supervisor?.state === "Down";
  }

  async #untilEnd(): Promise<Outcome> {
    for (;;) {
      const ended = this.#whyEnded();
      if (ended !== undefined) return ended;
      await this.#pause(undefined);
    }
  }

  #whyEnded(): Outcome | undefined {
    if (this.#stopRequested) return "Stop";
    // Those that were removed are none of the cluster's any more.
    const members = this.#supervisors.filter(({ exitCode }) => exitCode !== REMOVED_EXIT_CODE);
    const left = members.filter((supervisor) => this.#isExpected(supervisor)).length;
    const gaveUp = members.some(({ state }) => state === "GaveUp");
    if (gaveUp && left * 2 <= members.length) return "Lost";
    // Those that were killed on request come back through a dashboard, and no node is left that serves one.
    if (this.#supervisors.some((supervisor) => this.#isAlive(supervisor))) return undefined;
    return gaveUp ? "Lost" : "AllStopped";
  }

  #exitCodeAfter(outcome: Outcome): number {
    if (outcome !== "Lost") return 0;
    return this.#supervisors.find(({ state }) => state === "GaveUp")?.exitCode ?? 1;
  }

  async #stopAll(): Promise<void> {
    if (!this.#killRequested) { for (const supervisor of this.#supervisors) supervisor.stop("SIGTERM"); }
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
    return this.#supervisors.filter((supervisor) => this.#isAlive(supervisor));
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
