/** One server of a cluster in memory: a disk that stays, and processes that come and go. Each runs the shipped node. */

import type { Node } from "../../../lib/node/node.ts";
import type { NodeOptions, NodePorts } from "../../../lib/node/options.ts";
import { startNode } from "../../../lib/node/start_node.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import type { Member, NodeId } from "../../../lib/raft/types.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import type { VersionRange } from "../../../lib/transport/versions.ts";
import { type Life, newLife } from "./life.ts";
import type { Disk } from "../../../lib/storage/disk.ts";
import { LifeDisk } from "./life_disk.ts";
import { LifeTransport } from "./life_transport.ts";
import type { MemoryCluster } from "./memory_cluster.ts";
import { type CrashSurvival, MemoryDisk } from "./memory_disk.ts";
import { ProcessClock } from "./process_clock.ts";

/** The data directory of every server in memory. */
export const DIRECTORY = "/data";

/** The date of simulated time 0, in ms since 1970. */
export const EPOCH_MS = 1_700_000_000_000;

/** What the process of a server is doing. */
export type ServerState = "Down" | "Starting" | "Running" | "Stopping";

type Stepped = Required<NodePorts>["stepped"];

/** A server. What is protected are the places where a simulation looks on and interferes. */
export class MemoryServer {
  readonly id: NodeId;
  disk = new MemoryDisk();
  state: ServerState = "Down";
  /** That of the last process. */
  life: Life = { ...newLife(), alive: false };
  /** The clock of the last process. */
  clock: ProcessClock | undefined;
  /** While the process serves or stops. */
  node: Node | undefined;
  /** By how much the date of the machine is off. */
  dateOffMs = 0;
  /** The operator says with `--new-identity` that the directory is new. */
  newIdentity = false;
  /** It is started with `--join`, though it is one of those that found the cluster. */
  joins = false;
  /** A server that joins is not to become a voter by itself. */
  staysLearner = false;
  /** Number of the machine that it is on; its next process listens there. */
  place: number;
  /** Where its last process listens, or did. */
  listensAt: number;
  /** What the program that is installed speaks; undefined for this one. */
  versions: VersionRange | undefined;
  /** Whether its runtime reads zstd; undefined for what this one does. */
  readsZstd: boolean | undefined;
  /** Why a process ended by itself, the last one that did. */
  failure: unknown;
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster, id: NodeId) {
    this.#cluster = cluster;
    this.id = id;
    this.place = id;
    this.listensAt = id;
  }

  /** The date by the machine's clock, which lives longer than its processes. */
  wallClockMs(): number {
    return EPOCH_MS + this.#cluster.clock.now() + this.dateOffMs;
  }

  /** Starts a process. The outcome is seen in `state`. */
  start(): void {
    const { clock: time, network, random } = this.#cluster;
    const life = newLife();
    const clock = new ProcessClock(time, life, this.clockAtStart());
    this.life = life;
    this.clock = clock;
    this.listensAt = this.place;
    this.state = "Starting";
    this.starting(life);
    const seeds = this.seeds();
    const starting = startNode(this.options(), {
      clock,
      disk: this.asGiven(new LifeDisk(this.disk, { life, foundNoRoom: () => this.foundNoRoom() })),
      metrics: new Registry(),
      random: () => random.fraction(),
      wallClockMs: () => this.wallClockMs(),
      makeTransport: (greeting) =>
        new LifeTransport(network.connect(this.id, greeting, { seeds, isAwake: () => life.alive && !life.paused }), {
          life,
          sent: (message) => this.sent(message),
          greeted: (other) => this.greeted(other),
        }),
      log: (level, message) => this.says(level, message),
      stepped: (raft, step) => this.stepped(raft, step),
    });
    starting.then((node) => this.#started(node, life), (error: unknown) => this.#ended(error, life));
  }

  /** The disk as a process is given it: encrypted, where directories are. */
  asGiven(disk: Disk): Disk {
    return disk;
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
    this.stopping();
    node.stop().then(() => {
      if (!life.alive) return;
      this.#end();
      this.disk.releaseLocks();
    }, (error: unknown) => this.#ended(error, life));
  }

  /** Asks for a snapshot. What goes wrong with it ends the process, and is no concern of one that is gone. */
  takeSnapshot(): void {
    const { node, life } = this;
    node?.takeSnapshot().catch((error: unknown) => {
      if (life.alive) node.failWith(error);
    });
  }

  /** The directory is lost with everything in it. */
  wipe(): void {
    this.disk = new MemoryDisk();
  }

  /** Addresses at which the next process may ask who is there. */
  seeds(): readonly string[] {
    return [];
  }

  /** What the next process is started with. Where the others were at first is all that it is told of them. */
  options(): NodeOptions {
    const named = this.#founds ? this.#cluster.founders : this.#cluster.members;
    return {
      nodeId: this.id,
      members: named.map((member) => member.id === this.id ? { ...member, ...addressesAt(this.place) } : member),
      directory: DIRECTORY,
      newIdentity: this.newIdentity,
      ...(this.#founds ? {} : { join: { staysLearner: this.staysLearner } }),
      ...(this.versions === undefined ? {} : { versions: this.versions }),
      ...(this.readsZstd === undefined ? {} : { readsZstd: this.readsZstd }),
      ...this.#cluster.nodeSettings,
    };
  }

  get #founds(): boolean {
    return !this.joins && this.#cluster.founders.some(({ id }) => id === this.id);
  }

  /** What the clock of the next process shows at its start. */
  clockAtStart(): number {
    return this.#cluster.clock.now();
  }

  /** A process of that life is about to start. */
  starting(_life: Life): void {}

  /** The process serves from now on. */
  started(_node: Node): void {}

  /** The process was asked to stop. */
  stopping(): void {}

  /** The process ends by itself. */
  failing(_error: unknown): void {}

  /** The process is gone. */
  ended(): void {}

  /** A write found no room on the disk. */
  foundNoRoom(): void {}

  /** A message of the core leaves. */
  sent(_message: Message): void {}

  /** The process has heard the greeting of another one. */
  greeted(_greeting: Greeting): void {}

  /** The core has made a step. */
  stepped(..._step: Parameters<Stepped>): void {}

  /** The process writes a line to its log. */
  says(level: string, message: string): void {
    this.#cluster.log.push(`${this.id} ${level} ${message}`);
  }

  #started(node: Node, life: Life): void {
    if (!life.alive) return;
    this.node = node;
    this.state = "Running";
    node.failed.then((error) => this.#ended(error, life));
    this.started(node);
  }

  #ended(error: unknown, life: Life): void {
    if (!life.alive) return;
    this.failure = error;
    this.failing(error);
    this.kill();
  }

  #end(): void {
    if (!this.life.alive) return;
    this.life.alive = false;
    this.state = "Down";
    this.#cluster.network.running(this.id)?.end();
    this.ended();
    this.node = undefined;
  }
}

/** The addresses of a server on the machine of that number. */
export function addressesAt(place: number): Pick<Member, "address" | "clientAddress"> {
  return { address: `node${place}:15000`, clientAddress: `node${place}:5000` };
}
