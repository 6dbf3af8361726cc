/** Several servers and a network in memory, all from one seed, watched by the checker. */

import { assert } from "../../lib/base/assert.ts";
import { Random } from "../../lib/base/random.ts";
import type { Event } from "../../lib/raft/events.ts";
import type { Message } from "../../lib/raft/messages.ts";
import type { RaftLimits } from "../../lib/raft/options.ts";
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Member,
  type NodeId,
  toTerm,
  toTicks,
} from "../../lib/raft/types.ts";
import type { Update } from "../../lib/raft/update.ts";
import { RaftChecker } from "./raft_checker.ts";
import { SimServer } from "./sim_server.ts";

/** Small limits, so that windows fill, messages split and snapshots take several chunks in short tests. */
export const SMALL_LIMITS: RaftLimits = {
  heartbeatTicks: toTicks(2),
  electionTimeoutTicksMin: toTicks(10),
  inFlightMessagesMax: 3,
  entriesPerMessageMax: 4,
  bytesPerMessageMax: 64,
  chunkBytesMax: 200,
  snapshotPauseTicksMin: toTicks(4),
  snapshotPauseTicksMax: toTicks(32),
  uncommittedEntriesMax: 40,
  uncommittedBytesMax: 2_000,
  pendingReadsMax: 20,
};

/** What a cluster is made of. */
export interface RaftClusterOptions {
  readonly voters: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** Servers that are up but not admitted: they start with the empty configuration. */
  readonly spares?: readonly NodeId[];
  readonly seed: number;
  readonly limits?: Partial<RaftLimits>;
  /** The term that the files of all servers hold at first; 0 when left out. */
  readonly term?: number;
  /** Whether the first leader makes an id, and servers that hold nothing ask each other before they begin a cluster. */
  readonly founds?: boolean;
  /** Sees each step after it was checked. */
  observe?(id: NodeId, event: Event, update: Update): void;
}

/** A member with made-up addresses. */
export function memberOf(id: NodeId): Member {
  return { id, address: `host${id}:1`, clientAddress: `host${id}:2`, identity: `dir${id}` };
}

/** A configuration that is not joint. */
export function configurationOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): Configuration {
  const ids = [...voters, ...learners].sort((left, right) => left - right);
  return { members: ids.map(memberOf), voters, votersOld: [], learners };
}

/** The cluster. Nothing happens by itself: each call below makes one thing happen. */
export class RaftCluster {
  readonly servers = new Map<NodeId, SimServer>();
  readonly checker: RaftChecker;
  readonly random: Random;
  /** Messages on their way, oldest first. */
  network: Message[] = [];
  /** Pairs "from>to" over which nothing arrives. */
  readonly cuts = new Set<string>();
  readonly #options: RaftClusterOptions;
  #lastRequest = 0;
  #clusterIds = 0;

  constructor(options: RaftClusterOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    const limits = { ...SMALL_LIMITS, ...options.limits };
    const term = toTerm(options.term ?? 0);
    const configuration = configurationOf(options.voters, options.learners);
    const add = (id: NodeId, start: Configuration): void => {
      const founds = options.founds === true ? { makeClusterId: () => this.#makeClusterId(id) } : {};
      const random = this.random.fork();
      this.servers.set(id, new SimServer({ id, configuration: start, limits, random, term, ...founds }));
    };
    for (const { id } of configuration.members) add(id, configuration);
    for (const id of options.spares ?? []) add(id, EMPTY_CONFIGURATION);
    this.checker = new RaftChecker(this.servers);
  }

  server(id: NodeId): SimServer {
    const server = this.servers.get(id);
    assert(server !== undefined, `Cannot find server ${id}`);
    return server;
  }

  /** The servers that are up. */
  get running(): readonly SimServer[] {
    return [...this.servers.values()].filter((server) => server.up);
  }

  /** The leader with the highest term, if any. */
  get leader(): SimServer | undefined {
    const leaders = this.running.filter(({ node }) => node.role === "Leader");
    return leaders.sort((left, right) => right.node.currentTerm - left.node.currentTerm)[0];
  }

  /** A number for a proposal, read or change. */
  nextRequest(): number {
    this.#lastRequest += 1;
    return this.#lastRequest;
  }

  /** Steps one server. */
  step(id: NodeId, event: Event): Update | undefined {
    const server = this.server(id);
    if (!server.up) return undefined;
    if (event.type === "Read") this.checker.asked(event.id);
    return this.#observed(server, () => server.step(event));
  }

  /** Makes everything written so far durable at one server. */
  sync(id: NodeId, count = Number.MAX_SAFE_INTEGER): void {
    const server = this.server(id);
    if (!server.up) return;
    server.syncHardStates(count);
    this.#observed(server, () => server.syncWrites(count));
  }

  /** A server takes a snapshot of what it has applied. */
  snapshot(id: NodeId, keep: number): void {
    const server = this.server(id);
    if (server.up) this.#observed(server, () => server.takeSnapshot(keep));
  }

  /** A server ends the loading of a received snapshot. */
  finishLoading(id: NodeId, good = true): void {
    const server = this.server(id);
    if (server.up) this.#observed(server, () => server.finishLoading(good));
  }

  /** Delivers the message at a place of the queue; it is lost when the connection is cut or the server down. */
  deliver(at = 0, duplicate = false): void {
    const message = this.network[at];
    if (message === undefined) return;
    if (!duplicate) this.network.splice(at, 1);
    if (this.cuts.has(`${message.from}>${message.to}`) || !this.servers.has(message.to)) return;
    this.step(message.to, { type: "Receive", message });
  }

  /** Syncs and delivers, in order, until nothing is left to do. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      let idle = this.network.length === 0;
      for (const server of this.running) {
        if (server.unsynced > 0 || server.loading !== undefined) idle = false;
        this.sync(server.id);
        this.finishLoading(server.id);
      }
      if (idle) return;
      for (let count = this.network.length; count > 0; count--) this.deliver();
    }
    throw new Error("The cluster does not come to rest");
  }

  /** All running servers see `count` ticks, and everything settles after each. */
  run(count: number): void {
    for (let tick = 0; tick < count; tick++) {
      for (const server of this.running) this.step(server.id, { type: "Tick" });
      this.settle();
    }
  }

  /** Lets one server time out until it leads. */
  elect(id: NodeId): void {
    for (let tick = 0; tick < 200 && this.server(id).node.role !== "Leader"; tick++) {
      this.step(id, { type: "Tick" });
      this.settle();
    }
    assert(this.server(id).node.role === "Leader", `Server ${id} was not elected`);
  }

  /** Proposes at one server. */
  propose(id: NodeId, commands: readonly string[]): Update | undefined {
    return this.step(id, { type: "Propose", id: this.nextRequest(), commands });
  }

  /** Cuts one server off from all others, both ways. */
  isolate(id: NodeId): void {
    for (const other of this.servers.keys()) {
      this.cuts.add(`${id}>${other}`);
      this.cuts.add(`${other}>${id}`);
    }
  }

  heal(): void {
    this.cuts.clear();
  }

  /** Every pair of running servers that is not cut shakes hands: each tells whether it knows the cluster's id. */
  introduce(): void {
    for (const { id } of this.running) {
      for (const { id: peer, node } of this.running) {
        if (peer === id || this.cuts.has(`${id}>${peer}`) || this.cuts.has(`${peer}>${id}`)) continue;
        this.step(id, { type: "PeerIntroduced", peer, knowsCluster: node.clusterId !== undefined });
      }
    }
  }

  /** Another one at each call. */
  #makeClusterId(id: NodeId): string {
    this.#clusterIds += 1;
    return `cluster-${this.#clusterIds}-of-${id}`;
  }

  #observed(server: SimServer, act: () => Update | undefined): Update | undefined {
    const before = server.node.status();
    const update = act();
    this.network.push(...server.outgoing.splice(0));
    if (update === undefined) return undefined;
    this.checker.observe({ server, before, update });
    if (server.lastEvent !== undefined) this.#options.observe?.(server.id, server.lastEvent, update);
    return update;
  }
}
