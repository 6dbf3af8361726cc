/** Several cores and the network between them in memory, all from one seed; every step goes through the checks of cores. */

import { assert } from "../../../lib/base/assert.ts";
import { Random } from "../../../lib/base/random.ts";
import type { Event } from "../../../lib/raft/events.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import type { RaftLimits } from "../../../lib/raft/options.ts";
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Entry,
  type EntryId,
  type NodeId,
  toTicks,
} from "../../../lib/raft/types.ts";
import type { Update } from "../../../lib/raft/update.ts";
import { raftChecks } from "./checks/all.ts";
import type { CheckedCore, RaftCheck } from "./checks/check.ts";
import { CommittedLog } from "./checks/committed_log.ts";
import { Shadows } from "./checks/shadow.ts";
import type { Survivors } from "./disk.ts";
import type { Effects } from "./effects.ts";
import { HEARTBEAT, RaftServer, type RaftServerOptions, TIMEOUT_MIN } from "./server.ts";
import { configurationOf } from "./values.ts";
import { encodeCommands } from "../../../lib/raft/run.ts";

const TICKS_MAX = 1_000;

/** Thrown when a property does not hold. */
export class PropertyViolation extends Error {
  override readonly name = "PropertyViolation";
}

/** Small limits, so that windows fill, messages split and snapshots take several chunks in short tests. */
export const SMALL_LIMITS: RaftLimits = {
  heartbeatTicks: toTicks(HEARTBEAT),
  electionTimeoutTicksMin: toTicks(TIMEOUT_MIN),
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
  /** 1 when left out. */
  readonly seed?: number;
  readonly limits?: Partial<RaftLimits>;
  /** The term that the files of all servers hold at first; 0 when left out. */
  readonly term?: number;
  /** Servers that begin with more than that, by their `id`. */
  readonly starts?: readonly RaftServerOptions[];
  /** Whether the first leader makes an id, and servers that hold nothing ask each other before they begin a cluster. */
  readonly founds?: boolean;
  /** Sees each step after it was checked. */
  observe?(id: NodeId, event: Event, update: Update): void;
}

/** The cluster. Nothing happens by itself: each call below makes one thing happen. */
export class RaftCluster {
  readonly servers = new Map<NodeId, RaftServer>();
  readonly random: Random;
  /** Messages on their way, oldest first. */
  network: Message[] = [];
  /** Pairs "from>to" over which nothing arrives. */
  readonly cuts = new Set<string>();
  /** Messages for which this says true never arrive. */
  isLost: (message: Message) => boolean = () => false;
  readonly #options: RaftClusterOptions;
  readonly #checks: readonly RaftCheck[];
  #lastRequest = 0;
  #clusterIds = 0;

  constructor(options: RaftClusterOptions) {
    this.#options = options;
    this.random = new Random(options.seed ?? 1);
    const configuration = configurationOf(options.voters, { learners: options.learners ?? [] });
    for (const { id } of configuration.members) this.#add(id, configuration);
    for (const id of options.spares ?? []) this.#add(id, EMPTY_CONFIGURATION);
    this.#checks = this.#makeChecks();
    for (const server of this.servers.values()) this.#started(server);
  }

  server(id: NodeId): RaftServer {
    const server = this.servers.get(id);
    assert(server !== undefined, `Cannot find server ${id}`);
    return server;
  }

  /** The servers that are up. */
  get running(): readonly RaftServer[] {
    return [...this.servers.values()].filter((server) => server.up);
  }

  /** The leader with the highest term, if any. */
  get leader(): RaftServer | undefined {
    const leaders = this.running.filter(({ node }) => node.role === "Leader");
    return leaders.sort((left, right) => right.node.currentTerm - left.node.currentTerm)[0];
  }

  /** A number for a proposal, read or change. */
  nextRequest(): number {
    this.#lastRequest += 1;
    return this.#lastRequest;
  }

  /** Steps one server. */
  step(id: NodeId, event: Event): Effects | undefined {
    const server = this.server(id);
    if (!server.up) return undefined;
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

  /** The process of a server dies; nothing that was not synced survives, unless said otherwise. */
  crash(id: NodeId, survivors: Survivors = { writes: 0, hardStates: 0 }): void {
    const server = this.server(id);
    for (const check of this.#checks) check.ended?.(server);
    server.crash(survivors);
  }

  /** A server that is down starts again from its disk. */
  restart(id: NodeId): void {
    const server = this.server(id);
    server.restart();
    this.#started(server);
  }

  /** Delivers the message at a place of the queue; it is lost when the connection is cut or the server down. */
  deliver(at = 0, duplicate = false): void {
    const message = this.network[at];
    if (message === undefined) return;
    if (!duplicate) this.network.splice(at, 1);
    const { from, to } = message;
    if (this.cuts.has(`${from}>${to}`) || this.isLost(message) || !this.servers.has(to)) return;
    this.step(message.to, { type: "Receive", message });
  }

  /** Syncs and delivers, in order, until nothing is left to do. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      let idle = this.network.length === 0;
      for (const server of this.running) {
        if (server.disk.unsynced > 0 || server.loading !== undefined) idle = false;
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

  /** Runs until `done`, and fails rather than never ending. */
  runUntil(done: () => boolean): void {
    for (let tick = 0; !done(); tick++) {
      assert(tick < TICKS_MAX, `Not reached in ${TICKS_MAX} ticks`);
      this.run(1);
    }
  }

  /** Only this server's time passes until it leads. */
  elect(id: NodeId): RaftServer {
    const server = this.server(id);
    for (let tick = 0; tick < 200 && server.node.role !== "Leader"; tick++) {
      this.step(id, { type: "Tick" });
      this.settle();
    }
    assert(server.node.role === "Leader", `Server ${id} was not elected`);
    return server;
  }

  /** Proposes at one server. */
  propose(id: NodeId, commands: readonly string[]): Effects | undefined {
    return this.step(id, { type: "Propose", id: this.nextRequest(), commands: encodeCommands(commands) });
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

  #add(id: NodeId, configuration: Configuration): void {
    const { term, founds, starts = [] } = this.#options;
    const limits = { ...SMALL_LIMITS, ...this.#options.limits };
    const random = this.random.fork();
    const timeout = limits.electionTimeoutTicksMin;
    const server = new RaftServer({
      id,
      configuration,
      limits,
      drawElectionTimeout: () => random.between(timeout, 2 * timeout),
      drawDisconnectDelay: () => random.between(1, 5),
      ...(term === undefined ? {} : { term }),
      ...(founds === true ? { makeClusterId: () => this.#makeClusterId(id) } : {}),
      ...starts.find((start) => start.id === id),
    });
    this.servers.set(id, server);
  }

  #makeChecks(): readonly RaftCheck[] {
    const violateAs = (check: string) => (message: string): void => {
      throw new PropertyViolation(`${check}: ${message}`);
    };
    const parts = {
      shadows: new Shadows(violateAs("recovered-log")),
      committedLog: new CommittedLog(),
      holdsDurably: (id: NodeId, entry: EntryId) => this.servers.get(id)?.disk.holdsDurably(entry) ?? false,
      committed: (entry: Entry, raft: CheckedCore) => {
        for (const check of this.#checks) check.committed?.(entry, raft);
      },
    };
    return raftChecks(parts, violateAs);
  }

  #started(server: RaftServer): void {
    for (const check of this.#checks) check.started?.(server, server.status);
  }

  #observed(server: RaftServer, act: () => Effects | undefined): Effects | undefined {
    const update = act();
    const left = server.outgoing.splice(0);
    this.network.push(...left);
    const event = server.lastEvent;
    if (update !== undefined && event !== undefined) {
      for (const check of this.#checks) check.stepped?.(server, { raft: server.node, event, update });
    }
    for (const message of left) for (const check of this.#checks) check.sent?.(server, message);
    if (update === undefined || event === undefined) return undefined;
    this.#options.observe?.(server.id, event, update);
    return update;
  }
}
