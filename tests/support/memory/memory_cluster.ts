/** A cluster of real nodes over memory: the shipped driver, core, storage and recovery, with a disk, network and clock in memory. */

import { Random } from "../../../lib/base/random.ts";
import type { ReadOutcome, WriteOutcome } from "../../../lib/node/api.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { NodeOptions } from "../../../lib/node/options.ts";
import { startNode } from "../../../lib/node/start_node.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import type { Member, NodeId } from "../../../lib/raft/types.ts";
import { type CrashSurvival, MemoryDisk } from "./memory_disk.ts";
import { MemoryNetwork } from "./memory_transport.ts";
import { VirtualClock } from "./virtual_clock.ts";

const DIRECTORY = "/data";

/** Settings that a test may change. */
export type ClusterSettings = Partial<
  Pick<NodeOptions, "snapshotEntries" | "snapshotBytes" | "requestTimeoutMs" | "raftLimits" | "segmentBytes">
>;

/** A cluster's settings beyond those of its nodes. */
export interface ClusterOptions extends ClusterSettings {
  /** How many simulated milliseconds the next sync takes; none when left out. */
  readonly syncMs?: () => number;
}

/** The nodes by id; a node that was crashed is missing until it is started again. */
export class MemoryCluster {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly disks = new Map<NodeId, MemoryDisk>();
  readonly nodes = new Map<NodeId, Node>();
  readonly log: string[] = [];
  /** By how many milliseconds the date of a node's machine is off. */
  readonly datesOff = new Map<NodeId, number>();
  readonly #members: readonly Member[];
  readonly #random: Random;
  readonly #settings: ClusterSettings;
  readonly #syncMs: (() => number) | undefined;

  constructor(count: number, seed: number, { syncMs, ...settings }: ClusterOptions = {}) {
    this.#random = new Random(seed);
    this.#settings = settings;
    this.#syncMs = syncMs;
    this.#members = Array.from({ length: count }, (_, id) => ({
      id,
      address: `node${id}:15000`,
      clientAddress: `node${id}:5000`,
      identity: "",
    }));
  }

  /** The ids of all servers, running or not. */
  get ids(): readonly NodeId[] {
    return this.#members.map((member) => member.id);
  }

  /** Starts the servers, all unless some are named. */
  async start(ids: readonly NodeId[] = this.ids, newIdentity = false): Promise<void> {
    for (const id of ids) await this.#startOne(id, newIdentity);
  }

  async #startOne(id: NodeId, newIdentity: boolean): Promise<void> {
    const disk = this.disks.get(id) ?? new MemoryDisk();
    this.disks.set(id, disk);
    const syncMs = this.#syncMs;
    if (syncMs !== undefined) {
      disk.hooks.delaySync = () => new Promise((resolve) => void this.clock.after(syncMs(), resolve));
    }
    const starting = startNode({
      nodeId: id,
      members: this.#members,
      clusterId: "memory",
      directory: DIRECTORY,
      newIdentity,
      snapshotEntries: 1_000_000,
      snapshotBytes: 1_000_000_000,
      electionTimeoutMs: 1_000,
      heartbeatMs: 100,
      requestTimeoutMs: 5_000,
      segmentBytes: 262_144,
      ...this.#settings,
    }, {
      wallClockMs: () => 1_700_000_000_000 + this.clock.now() + (this.datesOff.get(id) ?? 0),
      clock: this.clock,
      disk,
      metrics: new Registry(),
      random: () => this.#random.fraction(),
      makeTransport: (greeting) => this.network.connect(id, greeting),
      log: (level, message) => void this.log.push(`${id} ${level} ${message}`),
    });
    let node: Node | undefined;
    let failure: unknown;
    starting.then((started) => node = started, (error: unknown) => failure = error);
    await this.clock.until(() => node !== undefined || failure !== undefined, 10_000, `node ${id} starts`);
    if (node === undefined) throw failure;
    this.nodes.set(id, node);
  }

  /** Ends a server as `kill -9` and a power loss do: of what was not synced only what `survival` keeps is left. */
  crash(id: NodeId, survival: CrashSurvival = {}): void {
    this.network.running(id)?.end();
    this.node(id).failWith(new Error("crashed"));
    this.node(id).driver.end();
    this.nodes.delete(id);
    const disk = this.disks.get(id);
    if (disk !== undefined) this.disks.set(id, disk.crash(survival));
  }

  /** The running node of that id. */
  node(id: NodeId): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`Node ${id} does not run`);
    return node;
  }

  /** Waits until one of `ids`, all running nodes by default, leads, takes writes, and the others of them know it. */
  async leader(ids: readonly NodeId[] = [...this.nodes.keys()]): Promise<Node> {
    const agreed = (): NodeId | undefined => {
      const leaders = new Set(ids.map((id) => this.node(id).status().raft.leaderId));
      const [leader] = leaders;
      if (leader === undefined || leaders.size > 1 || !ids.includes(leader)) return undefined;
      const raft = this.nodes.get(leader)?.status().raft;
      return raft?.termCommitted === true && raft.clusterId !== undefined ? leader : undefined;
    };
    await this.clock.until(() => agreed() !== undefined, 20_000, `nodes ${ids.join(",")} agree on a leader`);
    return this.node(agreed() ?? -1);
  }

  /** Writes on one node and waits for the outcome. */
  async put(id: NodeId, key: string, value: string): Promise<WriteOutcome> {
    let outcome: WriteOutcome | undefined;
    this.node(id).write({ type: "Put", key, value }, (result) => outcome = result);
    await this.clock.until(() => outcome !== undefined, 20_000, `the outcome of PUT ${key} on node ${id}`);
    return outcome ?? { type: "Unknown" };
  }

  /** Reads on one node and waits for the outcome: the value, undefined for no such key, or why the read was not done. */
  async get(id: NodeId, key: string): Promise<{ readonly value: string | undefined } | { readonly reason: string }> {
    let result: { readonly value: string | undefined } | { readonly reason: string } | undefined;
    this.node(id).read((outcome: ReadOutcome) => {
      result = outcome.type === "Ready" ? { value: this.node(id).state.get(key)?.value } : { reason: outcome.reason };
    });
    await this.clock.until(() => result !== undefined, 20_000, `the outcome of GET ${key} on node ${id}`);
    return result ?? { reason: "none" };
  }

  /** Waits until every running node has applied the same index. */
  async converged(): Promise<void> {
    const equal = (): boolean => new Set([...this.nodes.values()].map((node) => node.status().lastApplied)).size === 1;
    await this.clock.until(equal, 30_000, "every node has applied the same index");
  }

  /** Stops every node in order. */
  async stop(): Promise<void> {
    for (const id of [...this.nodes.keys()]) {
      let stopped = false;
      this.node(id).stop().then(() => stopped = true);
      await this.clock.until(() => stopped, 20_000, `node ${id} stops`);
      this.nodes.delete(id);
    }
  }
}
