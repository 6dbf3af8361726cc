/** A cluster of real nodes, each a process of its own, on free ports and in temporary directories. */

import { findFreePorts, waitUntilFree } from "./ports.ts";
import { type CommandLine, programLine } from "./program.ts";
import { ServerProcess } from "./server_process.ts";
import { PeerProxy } from "./proxy/peer_proxy.ts";
import { askBlockOnce, askOnce, fieldsOf, numberOf } from "./text_client.ts";
import { DEADLINE_MS, waitFor } from "./wait.ts";

const STOP_TIMEOUT_MS = 20_000;

/** What a cluster is started with. */
export interface ProcessClusterOptions {
  /** Number of nodes; default 3. */
  readonly nodes?: number;
  /** Further flags of every node. */
  readonly flags?: readonly string[];
  /** Whether a proxy stands before each peer port, so that the network can be cut. */
  readonly proxied?: boolean;
  /** Changes the command line of every node, to start it under a limit for example. */
  readonly wrap?: (line: CommandLine) => CommandLine;
  /** The command line that starts the program with arguments; `programLine` by default. */
  readonly program?: (args: CommandLine) => CommandLine;
  /** An existing directory for everything of this cluster, which is then left to the caller. */
  readonly root?: string;
  /** Gives each node a pipe as standard input, which breaks when this process ends. */
  readonly stdin?: "null" | "piped";
}

/** One node of the cluster: its directory stays, its processes come and go, its ports change by `move` alone. */
export interface ClusterNode {
  readonly id: number;
  clientPort: number;
  /** The port that the others dial. */
  peerPort: number;
  /** The port that the node listens on for them; another one only behind a proxy. */
  peerBindPort: number;
  httpPort: number;
  readonly directory: string;
  /** The present process or the last one. */
  process: ServerProcess | undefined;
  /** Every process of this node so far. */
  readonly processes: ServerProcess[];
}

/** Runs `body` on a fresh cluster. When it fails, the logs are kept and the error names them. */
export async function withCluster(
  options: ProcessClusterOptions,
  body: (cluster: ProcessCluster) => Promise<void>,
): Promise<void> {
  await using cluster = new ProcessCluster(options);
  try {
    await cluster.start();
    await body(cluster);
  } catch (error) {
    const kept = cluster.keepLogs();
    throw new Error(`${error instanceof Error ? error.message : error} (logs: ${kept})`, { cause: error });
  }
}

/** A cluster. `start` it, then use it, then dispose it. */
export class ProcessCluster implements AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  /** Cuts the network; throws when the cluster was not started with `proxied`. */
  readonly #proxy: PeerProxy | undefined;
  readonly #options: ProcessClusterOptions;
  readonly #root: string;
  #keptLogs: string | undefined;

  /** Chooses ports and makes directories; starts nothing yet. */
  constructor(options: ProcessClusterOptions = {}) {
    this.#options = options;
    this.#root = options.root ?? Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
    this.nodes = Array.from({ length: options.nodes ?? 3 }, (_, id) => this.#plan(id));
    if (options.proxied === true) {
      this.#proxy = new PeerProxy(this.nodes.map((node) => ({
        nodeId: node.id,
        advertisedPort: node.peerPort,
        boundPort: node.peerBindPort,
      })));
    }
  }

  /** The directory that holds everything of this cluster. */
  get root(): string {
    return this.#root;
  }

  /** The network between the nodes. */
  get proxy(): PeerProxy {
    if (this.#proxy === undefined) {
      throw new Error("Cannot cut the network: the cluster was not started with `proxied`");
    }
    return this.#proxy;
  }

  /** Client ports by node id. */
  get ports(): readonly number[] {
    return this.nodes.map((node) => node.clientPort);
  }

  /** Starts every node and waits for a leader that all of them know. Returns its id. */
  async start(): Promise<number> {
    for (const node of this.nodes) this.launch(node.id);
    return await this.waitForLeader();
  }

  /** The node of that id. */
  node(id: number): ClusterNode {
    const node = this.nodes[id];
    if (node === undefined) throw new Error(`Cannot find node ${id}: there are ${this.nodes.length}`);
    return node;
  }

  /** The ids of all nodes but those given. */
  others(...ids: readonly number[]): number[] {
    return this.nodes.map((node) => node.id).filter((id) => !ids.includes(id));
  }

  /** The command line of a node. */
  commandLine(id: number, flags: readonly string[] = []): CommandLine {
    const node = this.node(id);
    const peers = this.nodes.filter((other) => other.id !== id)
      .map((other) => `${other.id}=127.0.0.1:${other.clientPort}@${other.peerPort}`);
    const line = (this.#options.program ?? programLine)([
      "node",
      ...["--node-id", String(id), "--port", String(node.clientPort), "--peer-port", String(node.peerPort)],
      ...["--http-port", String(node.httpPort)],
      ...(node.peerBindPort === node.peerPort ? [] : ["--peer-bind-port", String(node.peerBindPort)]),
      ...(peers.length === 0 ? [] : ["--peers", peers.join(",")]),
      ...["--data-dir", node.directory],
      ...(this.#options.flags ?? []),
      ...flags,
    ]);
    return this.#options.wrap === undefined ? line : this.#options.wrap(line);
  }

  /** Starts the process of a node and does not wait for anything. */
  launch(id: number, flags: readonly string[] = []): ServerProcess {
    const node = this.node(id);
    if (node.process?.alive === true) throw new Error(`Cannot start node ${id}: it runs already`);
    const process = new ServerProcess(this.commandLine(id, flags), { stdin: this.#options.stdin ?? "null" });
    node.process = process;
    node.processes.push(process);
    return process;
  }

  /** Ends a node; SIGKILL by default. Waits for the end and returns how it came. */
  async kill(id: number, signal: Deno.Signal = "SIGKILL"): Promise<Deno.CommandStatus> {
    return await this.#running(id).end(signal);
  }

  /** Sends a signal and does not wait: SIGSTOP and SIGCONT. */
  signal(id: number, signal: Deno.Signal): void {
    this.#running(id).signal(signal);
  }

  /** Gives a stopped node other ports, for its next start and for the command lines of the others from now on. */
  move(id: number): void {
    const node = this.node(id);
    if (this.#proxy !== undefined || node.process?.alive === true) throw new Error(`Cannot move node ${id}`);
    const [clientPort = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
    Object.assign(node, { clientPort, peerPort, peerBindPort: peerPort, httpPort });
  }

  /** Starts a node again and waits until it answers. */
  async restart(id: number, flags: readonly string[] = []): Promise<void> {
    const node = this.node(id);
    const ports = [node.clientPort, node.peerBindPort, node.httpPort];
    await Promise.all(ports.map((port) => waitUntilFree(port, DEADLINE_MS)));
    this.launch(id, flags);
    await this.waitUntilAnswers(id);
  }

  /** Resolves once a node answers STATUS; rejects when its process ends before. */
  async waitUntilAnswers(id: number, timeoutMs = DEADLINE_MS): Promise<void> {
    const process = this.#running(id);
    await waitFor(async () => {
      if (!process.alive) return false;
      await this.status(id);
      return true;
    }, { what: `node ${id} answers`, timeoutMs }).then((answers) => {
      if (!answers) throw new Error(`Node ${id} ended at its start: ${process.lines.slice(-3).join(" | ")}`);
    });
  }

  /** The fields of STATUS of a node. */
  async status(id: number): Promise<ReadonlyMap<string, string>> {
    return fieldsOf(await this.block(id, "STATUS"));
  }

  /** The reply of one line to one line. */
  async ask(id: number, line: string): Promise<string> {
    return await askOnce(this.node(id).clientPort, line);
  }

  /** The reply of several lines to one line. */
  async block(id: number, line: string): Promise<string[]> {
    return await askBlockOnce(this.node(id).clientPort, line);
  }

  /** The leader that every running node knows, by id; undefined while they differ or there is none. */
  async leader(among: readonly number[] = this.#live()): Promise<number | undefined> {
    const views = await Promise.all(among.map((id) => this.status(id)));
    const named = new Set(views.map((view) => view.get("Leader ID")));
    const leading = among.filter((_, at) => views[at]?.get("Role") === "Leader");
    const id = leading[0];
    return named.size === 1 && leading.length === 1 && named.has(String(id)) ? id : undefined;
  }

  /** Waits until the running nodes (or those given) agree on a leader among them. */
  async waitForLeader(options: { readonly among?: readonly number[] } = {}): Promise<number> {
    return await waitFor(() => this.leader(options.among), { what: "the nodes agree on a leader" });
  }

  /** Waits until every running node has applied what the leader has committed by now. */
  async waitUntilEqual(timeoutMs = DEADLINE_MS): Promise<void> {
    const leader = await this.waitForLeader();
    const target = numberOf(await this.status(leader), "Commit Index");
    for (const id of this.#live()) {
      await waitFor(
        async () => numberOf(await this.status(id), "Last Applied") >= target ? true : undefined,
        { what: `node ${id} applies entry ${target}`, timeoutMs },
      );
    }
  }

  /** Writes what every process of every node said into files. Returns their directory. */
  keepLogs(): string {
    if (this.#keptLogs !== undefined) return this.#keptLogs;
    const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-logs-" });
    for (const node of this.nodes) {
      const lines = node.processes.flatMap((process) => [`--- process ${process.pid}`, ...process.lines]);
      Deno.writeTextFileSync(`${directory}/node-${node.id}.log`, lines.map((line) => `${line}\n`).join(""));
    }
    this.#keptLogs = directory;
    return directory;
  }

  /** Ends every node, a stubborn one with SIGKILL, and removes the directories. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map(async ({ process }) => {
      if (process?.alive !== true) return;
      await process.end("SIGTERM", STOP_TIMEOUT_MS).catch(() => process.end("SIGKILL"));
    }));
    await this.#proxy?.[Symbol.asyncDispose]();
    if (this.#options.root === undefined) await Deno.remove(this.#root, { recursive: true });
  }

  #plan(id: number): ClusterNode {
    const [clientPort = 0, peerPort = 0, httpPort = 0, behind = 0] = findFreePorts(4);
    const peerBindPort = this.#options.proxied === true ? behind : peerPort;
    const directory = `${this.#root}/node-${id}`;
    return { id, clientPort, peerPort, peerBindPort, httpPort, directory, process: undefined, processes: [] };
  }

  #running(id: number): ServerProcess {
    const { process } = this.node(id);
    if (process === undefined) throw new Error(`Cannot signal node ${id}: it was never started`);
    return process;
  }

  #live(): number[] {
    return this.nodes.filter(({ process }) => process?.alive === true && !process.paused).map((node) => node.id);
  }
}
