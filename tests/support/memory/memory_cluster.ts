/** A cluster of real nodes over memory: the shipped driver, core, storage and recovery, with a disk, network and clock in memory. */

import { Random } from "../../../lib/base/random.ts";
import type { ReadOutcome, WriteOutcome } from "../../../lib/node/api.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { NodeOptions } from "../../../lib/node/options.ts";
import type { Member, NodeId } from "../../../lib/raft/types.ts";
import type { CrashSurvival } from "./memory_disk.ts";
import { addressesAt, MemoryServer } from "./memory_server.ts";
import { MemoryNetwork } from "./memory_transport.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** Settings that all nodes of a cluster have. */
export type ClusterSettings = Omit<NodeOptions, "nodeId" | "members" | "directory" | "newIdentity" | "join">;

/** What a cluster may have instead of the usual. */
export interface ClusterOptions extends Partial<ClusterSettings> {
  /** How many simulated milliseconds the next sync takes; none when left out. */
  readonly syncMs?: () => number;
  readonly clock?: VirtualClock;
  /** Goes by `clock`. */
  readonly network?: MemoryNetwork;
  /** How many of the servers found the cluster; the others join it. All when left out. */
  readonly founders?: number;
}

const USUAL: ClusterSettings = {
  clusterId: "memory",
  snapshotEntries: 1_000_000,
  snapshotBytes: 1_000_000_000,
  electionTimeoutMs: 1_000,
  heartbeatMs: 100,
  requestTimeoutMs: 5_000,
  segmentBytes: 262_144,
};

/** The servers, what they share, and what a test or a simulation wants of all of them. */
export class MemoryCluster {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  /** As the operator named them, without identities. */
  readonly members: readonly Member[];
  /** Those of them that the first servers are told of. */
  readonly founders: readonly Member[];
  /** By id. */
  readonly servers: readonly MemoryServer[];
  readonly nodeSettings: ClusterSettings;
  readonly log: string[] = [];
  readonly #syncMs: (() => number) | undefined;

  /** Everything random comes from a seed, or from a source that others draw from as well. */
  constructor(count: number, seed: number | Random, options: ClusterOptions = {}) {
    const { syncMs, clock = new VirtualClock(), network = new MemoryNetwork({ clock }), founders, ...settings } =
      options;
    this.random = typeof seed === "number" ? new Random(seed) : seed;
    this.clock = clock;
    this.network = network;
    this.nodeSettings = { ...USUAL, ...settings };
    this.#syncMs = syncMs;
    this.members = Array.from({ length: count }, (_, id) => ({
      id,
      ...addressesAt(id),
      identity: "",
    }));
    this.founders = this.members.slice(0, founders);
    this.servers = this.members.map(({ id }) => this.makeServer(id));
  }

  /** Called while the cluster is made: what a subclass adds to the cluster is not there yet. */
  makeServer(id: NodeId): MemoryServer {
    return new MemoryServer(this, id);
  }

  /** The server of that id. */
  server(id: NodeId): MemoryServer {
    const server = this.servers[id];
    if (server === undefined) throw new RangeError(`There is no server ${id}`);
    return server;
  }

  /** The ids of all servers, running or not. */
  get ids(): readonly NodeId[] {
    return this.members.map((member) => member.id);
  }

  /** The running nodes by id. */
  get nodes(): ReadonlyMap<NodeId, Node> {
    return new Map(this.servers.flatMap(({ id, node }) => node === undefined ? [] : [[id, node]]));
  }

  /** Starts servers, all unless some are named, and waits until they serve. Rejects with what keeps one from it. */
  async start(ids: readonly NodeId[] = this.ids, newIdentity = false): Promise<void> {
    for (const id of ids) {
      const server = this.server(id);
      const syncMs = this.#syncMs;
      if (syncMs !== undefined) {
        server.disk.hooks.delaySync = () => new Promise((resolve) => void this.clock.after(syncMs(), resolve));
      }
      server.newIdentity = newIdentity;
      server.start();
      await this.clock.until(() => server.state !== "Starting", 10_000, `node ${id} starts`);
      if (server.state === "Down") throw server.failure;
    }
  }

  /** Ends a server as `kill -9` and a power loss do: of what was not synced only what `survival` keeps is left. */
  crash(id: NodeId, survival: CrashSurvival = {}): void {
    this.server(id).losePower(survival);
  }

  /** The running node of that id. */
  node(id: NodeId): Node {
    const { node } = this.server(id);
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
    for (const server of this.servers) {
      server.stop();
      await this.clock.until(() => server.state === "Down", 20_000, `node ${server.id} stops`);
    }
  }
}
