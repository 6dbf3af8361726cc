/** One server of the simulated cluster: a disk that stays, and processes that come and go. */

import { CorruptionError, DiskFailureError, NoSpaceError } from "../../lib/base/errors.ts";
import type { Node } from "../../lib/node/node.ts";
import type { NodeOptions } from "../../lib/node/options.ts";
import { startNode } from "../../lib/node/start_node.ts";
import { Registry } from "../../lib/observe/metrics.ts";
import { DEFAULT_RAFT_LIMITS } from "../../lib/raft/limits.ts";
import type { Member, NodeId } from "../../lib/raft/types.ts";
import { type CrashSurvival, MemoryDisk } from "../support/memory/memory_disk.ts";
import { type Life, newLife, ProcessClock } from "./clock.ts";
import { DiskFaults } from "./disk_faults.ts";
import { LifeDisk } from "./life_disk.ts";
import { pendingLimitsOf, raftLimitsOf } from "./lowered_limits.ts";
import { SimTransport } from "./transport.ts";
import type { World } from "./world.ts";

/** The data directory of every simulated server. */
export const DIRECTORY = "/data";

const SKEW_MS_MAX = 10_000_000;
/** The date of simulated time 0, in ms since 1970. */
export const EPOCH_MS = 1_700_000_000_000;
const LOG_LIMITS = { snapshotEntries: 1_000_000, snapshotBytes: 1_000_000_000 } as const;

/** What the process of a server is doing. */
export type ServerState = "Down" | "Starting" | "Running" | "Stopping";

/** A server. */
export class SimServer {
  readonly id: NodeId;
  readonly faults: DiskFaults;
  readonly #world: World;
  disk = new MemoryDisk();
  state: ServerState = "Down";
  life: Life = { ...newLife(), alive: false };
  clock: ProcessClock | undefined;
  node: Node | undefined;
  /** When the process began, and when it began to serve, by its own clock. */
  startedAtMs = 0;
  runsSinceMs = 0;
  /** Damage was planted on the disk since it was last read as a whole: the node may refuse to start. */
  damaged = false;
  /** The snapshot in which a bit changed while a process had it open: that process, where, and what is there now. */
  damagedSnapshot:
    | {
      readonly life: Life;
      readonly path: string;
      readonly index: number;
      readonly at: number;
      readonly value: number;
    }
    | undefined;
  /** The directory is new and has to be admitted by the others. */
  rejoins = false;
  /** The operator says so with `--new-identity`. */
  announced = true;
  /** The start was refused because of damage; only a new directory helps. */
  refusedToStart = false;

  /** It stands in for another server, with a directory of its own that is lost with it: see emptied_majority.ts. */
  readonly isGuest: boolean;
  /** No configuration has it any more; its process may go on. */
  isRemoved = false;
  /** It was removed and is switched off for good. */
  isRetired = false;
  /** A guest stands in for it. */
  isReplaced = false;

  constructor(world: World, id: NodeId, { isGuest = false }: { readonly isGuest?: boolean } = {}) {
    this.#world = world;
    this.id = id;
    this.isGuest = isGuest;
    this.faults = new DiskFaults(world, this);
  }

  /** Whether its copy of the data cannot be counted on. */
  get hasLostData(): boolean {
    return this.damaged || this.rejoins || this.refusedToStart;
  }

  /** By how much the date of the machine is off. */
  dateOffMs = 0;

  /** The date by the machine's clock, which lives longer than its processes. */
  wallClockMs(): number {
    return EPOCH_MS + this.#world.clock.now() + this.dateOffMs;
  }

  /** Starts a process. The outcome is seen in `state`. */
  start(): void {
    const { settings, clock: time, network, random } = this.#world;
    const life = newLife();
    const skewed = settings.faults.has("clock/skew");
    const clock = new ProcessClock(time, life, skewed ? random.below(SKEW_MS_MAX) : 0);
    if (skewed) this.#world.counts.add("clock/skew");
    this.life = life;
    this.clock = clock;
    this.startedAtMs = clock.now();
    this.state = "Starting";
    this.faults.attach(this.disk, life);
    this.#world.trace(() => `node ${this.id} starts${this.rejoins || this.isGuest ? " with a new directory" : ""}`);
    const starting = startNode(this.#options(), {
      clock,
      disk: new LifeDisk(this.disk, { life, foundNoRoom: () => this.faults.foundNoRoom() }),
      metrics: new Registry(),
      random: () => random.fraction(),
      wallClockMs: () => this.wallClockMs(),
      makeTransport: (greeting) =>
        new SimTransport(network.connect(this.id, greeting), {
          life,
          sent: (message) => this.#world.sent(this, message),
          greeted: (other) => this.#world.greeted(this, other),
        }),
      log: (level, message) => this.#world.trace(() => `node ${this.id} says ${level}: ${message}`),
      stepped: (raft, { event, update }) => this.#world.stepped(this, { raft, event, update }),
    });
    time.busy = true;
    starting.then((node) => this.#started(node, life), (error: unknown) => this.#ended(error, life));
  }

  /** Kills the process: what it wrote stays in the page cache. */
  kill(): void {
    this.#end();
    this.disk.releaseLocks();
  }

  /** The machine loses power: of what was not synced only what `survival` keeps is left. */
  losePower(survival: CrashSurvival): void {
    this.#end();
    this.disk = this.disk.crash(survival);
  }

  /** Asks the process to stop in order; it may take seconds. */
  stop(): void {
    const { node, life } = this;
    if (node === undefined || this.state !== "Running") return;
    this.state = "Stopping";
    this.#world.trace(() => `node ${this.id} is asked to stop`);
    this.#world.clock.busy = true;
    node.stop().then(() => {
      if (!life.alive) return;
      this.#end();
      this.disk.releaseLocks();
    }, (error: unknown) => this.#ended(error, life));
  }

  /** The directory is lost with everything in it; the next start is under a new identity. */
  wipe(announced = true): void {
    this.announced = announced;
    this.disk = new MemoryDisk();
    this.rejoins = true;
    this.damaged = false;
    this.refusedToStart = false;
    this.#world.wiped(this);
  }

  #options(): NodeOptions {
    const { settings, members } = this.#world;
    return {
      nodeId: this.id,
      members,
      clusterId: "simulated",
      directory: DIRECTORY,
      newIdentity: this.rejoins && this.announced,
      ...LOG_LIMITS,
      snapshotEntries: settings.snapshotEntries,
      electionTimeoutMs: settings.electionTimeoutMs,
      heartbeatMs: settings.heartbeatMs,
      requestTimeoutMs: settings.requestTimeoutMs,
      segmentBytes: settings.segmentBytes,
      raftLimits: {
        chunkBytesMax: Math.min(settings.chunkBytesMax, DEFAULT_RAFT_LIMITS.chunkBytesMax),
        ...raftLimitsOf(settings),
      },
      pendingLimits: pendingLimitsOf(settings),
    };
  }

  #started(node: Node, life: Life): void {
    if (!life.alive) return;
    this.node = node;
    this.state = "Running";
    this.runsSinceMs = this.clock?.now() ?? 0;
    this.#world.trace(() => `node ${this.id} runs`);
    // Everything was read and verified: what was damaged did not matter.
    this.damaged = false;
    node.failed.then((error) => this.#ended(error, life));
    this.#world.started(this, node.status().raft);
  }

  /** The process ended by itself: allowed only where a fault explains it. */
  #ended(error: unknown, life: Life): void {
    if (!life.alive) return;
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.#world.trace(() => `node ${this.id} ends: ${message}`);
    if (error instanceof CorruptionError && this.damaged) this.refusedToStart = true;
    else if (!this.#isExplained(error)) {
      const stack = error instanceof Error ? error.stack : "";
      this.#world.violate("unexpected-end", `node ${this.id} ended: ${message}\n${stack}`);
    }
    this.kill();
  }

  /** A failed operation ends a process; a full disk only one that cannot even start. */
  #isExplained(error: unknown): boolean {
    if (error instanceof NoSpaceError) return this.faults.isFull && this.state === "Starting";
    return error instanceof DiskFailureError && this.faults.hasFailed;
  }

  #end(): void {
    if (!this.life.alive) return;
    this.#world.trace(() => `node ${this.id} is gone`);
    this.life.alive = false;
    this.state = "Down";
    this.#world.network.running(this.id)?.end();
    this.#world.ended(this);
    this.node = undefined;
  }
}

/** The servers that the operator named, without identities. */
export function plannedMembers(count: number): readonly Member[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    address: `node${id}:15000`,
    clientAddress: `node${id}:5000`,
    identity: "",
  }));
}
