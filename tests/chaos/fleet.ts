/** The nodes of a chaos run: started, ended and watched, so that no process ends in a way that nobody ordered. */

import type { Random } from "../../lib/base/random.ts";
import { waitUntilFree } from "../support/ports.ts";
import { ProcessCluster } from "../support/process_cluster.ts";
import type { ServerProcess } from "../support/server_process.ts";
import type { PeerProxy } from "../support/proxy/peer_proxy.ts";
import { fieldsOf, TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { type DiskControl, type DiskEffect, EFFECT_LINES, HEALTHY_DISK, writeDiskControl } from "./disk_control.ts";
import { faultyProgramLine } from "./faulty_program.ts";

/** What nodes are started with: snapshots and elections happen often, and requests end soon. */
const FLAGS: readonly string[] = [
  ...["--snapshot-entries", "2000"],
  ...["--election-timeout-ms", "500"],
  ...["--heartbeat-ms", "50"],
  ...["--request-timeout-ms", "1000"],
];
const DISK_FAILED = 75;
const ANSWER_TIMEOUT_MS = 400;
const PROBE_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 12_000;
const PORT_TIMEOUT_MS = 5_000;
const LAST_LINES = 5;

/** How a process may end after what was done to it. */
type Order = "SIGKILL" | "SIGTERM" | "anyhow";

/** All nodes of a run. */
export class Fleet {
  readonly cluster: ProcessCluster;
  /** Ends of processes that nobody ordered, and orders that were not obeyed. */
  readonly problems: string[] = [];
  /** Nodes whose directory was emptied, until they are voters again. */
  readonly rejoining = new Set<number>();
  /** Processes that ended with 75 after a sync that failed. */
  diskFailures = 0;
  readonly #orders = new Map<ServerProcess, Order>();

  /** `nodes` nodes that keep everything below `root`. */
  constructor({ nodes, root }: { readonly nodes: number; readonly root: string }) {
    const faulty = { stdin: "piped", program: faultyProgramLine } as const;
    this.cluster = new ProcessCluster({ nodes, root, flags: FLAGS, proxied: true, ...faulty });
    for (const node of this.cluster.nodes) writeDiskControl(node.directory, HEALTHY_DISK);
  }

  /** Ids of all nodes. */
  get ids(): readonly number[] {
    return this.cluster.others();
  }

  /** Client ports by id. */
  get ports(): readonly number[] {
    return this.cluster.ports;
  }

  /** The network between the nodes. */
  get proxy(): PeerProxy {
    return this.cluster.proxy;
  }

  /** The nodes that can answer now. */
  get awake(): readonly number[] {
    return this.ids.filter((id) => {
      const { process } = this.cluster.node(id);
      return process?.alive === true && !process.paused;
    });
  }

  /** Starts all nodes and waits for a leader. */
  async start(): Promise<void> {
    for (const id of this.ids) this.#launch(id);
    await Promise.all(this.ids.map((id) => this.cluster.waitUntilAnswers(id, START_TIMEOUT_MS)));
    await this.cluster.waitForLeader();
  }

  /** Ends a node and waits for it. Resolves to whether it ran, and ended as it was told. */
  async end(id: number, signal: "SIGKILL" | "SIGTERM"): Promise<boolean> {
    const { process } = this.cluster.node(id);
    if (process === undefined || !process.alive) return false;
    this.#orders.set(process, signal);
    try {
      const status = await process.end(signal, END_TIMEOUT_MS);
      return signal === "SIGKILL" ? status.signal === signal : status.code === 0;
    } catch (error) {
      this.problems.push(`node ${id} did not end: ${error instanceof Error ? error.message : error}`);
      this.#orders.set(process, "anyhow");
      await process.end("SIGKILL", END_TIMEOUT_MS);
      return false;
    }
  }

  /** Starts a node that has ended, and waits until it answers. */
  async restart(id: number): Promise<void> {
    const node = this.cluster.node(id);
    if (node.process?.alive === true) return;
    try {
      const ports = [node.clientPort, node.peerBindPort, node.httpPort];
      await Promise.all(ports.map((port) => waitUntilFree(port, PORT_TIMEOUT_MS)));
      this.#launch(id);
      await this.cluster.waitUntilAnswers(id, START_TIMEOUT_MS);
    } catch (error) {
      this.problems.push(`node ${id} did not start again: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Stops a node for a while, or lets it go on. */
  pause(id: number, paused: boolean): void {
    this.cluster.signal(id, paused ? "SIGSTOP" : "SIGCONT");
  }

  /** Changes the disk of a node. */
  setDisk(id: number, change: Partial<DiskControl>): void {
    writeDiskControl(this.cluster.node(id).directory, { ...HEALTHY_DISK, ...change });
  }

  /** Resolves to whether the process of a node ends within `timeoutMs` after a sync was made to fail. */
  async endsByDiskFailure(id: number, timeoutMs: number): Promise<boolean> {
    const { process } = this.cluster.node(id);
    if (process === undefined) return false;
    const ended = async () => process.alive ? undefined : await process.ended;
    const status = await waitFor(ended, { what: "the process ends", timeoutMs }).catch(() => undefined);
    if (status !== undefined) return true;
    if (process.lines.includes(EFFECT_LINES["sync-failed"])) {
      this.problems.push(`node ${id} goes on after a sync that failed`);
    }
    return false;
  }

  /** How often the processes of a node have told that they felt a fault of their disk. */
  countEffects(id: number, effect: DiskEffect): number {
    const { processes } = this.cluster.node(id);
    return processes.reduce((sum, { lines }) => sum + lines.filter((line) => line === EFFECT_LINES[effect]).length, 0);
  }

  /** Asks a node something; resolves when it answers, and rejects when it does not within a deadline beyond any pause. */
  async answer(id: number): Promise<void> {
    using client = await TextClient.connect(this.cluster.node(id).clientPort, { timeoutMs: PROBE_TIMEOUT_MS });
    await client.askBlock("STATUS");
  }

  /** The node that calls itself leader in the highest term; any node when none can be asked that does. */
  async leader(random: Random): Promise<number> {
    return await this.knownLeader() ?? random.pick(this.ids);
  }

  /** The node that calls itself leader in the highest term, as far as it can be asked now. */
  async knownLeader(): Promise<number | undefined> {
    const views = await Promise.all(this.awake.map(async (id) => ({ id, term: await this.#leads(id) })));
    const leading = views.filter(({ term }) => term > 0).sort((left, right) => right.term - left.term);
    return leading[0]?.id;
  }

  /** Makes every node run again on a sound machine and network. Faults have ended by now. */
  async heal(): Promise<void> {
    this.proxy.heal();
    for (const id of this.ids) {
      this.setDisk(id, {});
      const { process } = this.cluster.node(id);
      if (process?.paused === true) this.pause(id, false);
    }
    await Promise.all(this.ids.map((id) => this.restart(id)));
  }

  /** Writes what every process said into `directory`. */
  keepLogs(directory: string): void {
    for (const node of this.cluster.nodes) {
      const lines = node.processes.flatMap((process) => [`--- process ${process.pid}`, ...process.lines]);
      Deno.writeTextFileSync(`${directory}/node-${node.id}.log`, lines.map((line) => `${line}\n`).join(""));
    }
  }

  /** Ends what still runs, in whatever way. */
  async dispose(): Promise<void> {
    for (const { process } of this.cluster.nodes) if (process?.alive === true) this.#orders.set(process, "anyhow");
    await this.cluster[Symbol.asyncDispose]();
  }

  #launch(id: number): void {
    const process = this.cluster.launch(id, this.rejoining.has(id) ? ["--new-identity"] : []);
    void process.ended.then((status) => this.#judgeEnd({ id, process, status }));
  }

  #judgeEnd(
    { id, process, status }: {
      readonly id: number;
      readonly process: ServerProcess;
      readonly status: Deno.CommandStatus;
    },
  ): void {
    const order = this.#orders.get(process);
    this.#orders.delete(process);
    if (order === "anyhow") return;
    const failedSync = process.lines.includes(EFFECT_LINES["sync-failed"]);
    if (failedSync && status.code === DISK_FAILED) {
      this.diskFailures += 1;
      return;
    }
    if (order === "SIGKILL" && status.signal === "SIGKILL") return;
    if (order === "SIGTERM" && status.code === 0) return;
    const how = status.signal ?? `code ${status.code}`;
    const last = process.lines.slice(-LAST_LINES).join(" | ");
    this.problems.push(`node ${id} ended with ${how}, ordered was ${order ?? "nothing"}: ${last}`);
  }

  async #leads(id: number): Promise<number> {
    try {
      using client = await TextClient.connect(this.cluster.node(id).clientPort, { timeoutMs: ANSWER_TIMEOUT_MS });
      const status = fieldsOf(await client.askBlock("STATUS"));
      return status.get("Role") === "Leader" ? Number(status.get("Term")) : 0;
    } catch {
      return 0;
    }
  }
}
