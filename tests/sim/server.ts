/** One server of the simulated cluster: what happens to it is drawn, and the checks see everything it does. */

import {
  CorruptionError,
  DiskFailureError,
  FormatVersionError,
  NoSpaceError,
  RemovedError,
} from "../../lib/base/errors.ts";
import { Random } from "../../lib/base/random.ts";
import type { Node } from "../../lib/node/node.ts";
import type { NodeOptions } from "../../lib/node/options.ts";
import { METRIC } from "../../lib/observe/names.ts";
import type { Message } from "../../lib/raft/messages.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import { COMPRESSIONS, HAS_ZSTD } from "../../lib/storage/block_codec.ts";
import type { Disk } from "../../lib/storage/disk.ts";
import { EncryptedDisk } from "../../lib/storage/encryption/encrypted_disk.ts";
import { MasterKey, type MasterKeys } from "../../lib/storage/encryption/master_key.ts";
import type { Greeting } from "../../lib/transport/transport.ts";
import type { Life } from "../support/memory/life.ts";
import { addressesAt, DIRECTORY, MemoryServer } from "../support/memory/memory_server.ts";
import type { Step } from "../support/raft/checks/check.ts";
import { DiskFaults } from "./disk_faults.ts";
import type { World } from "./world.ts";

const MASTER_KEYS: MasterKeys = [new MasterKey(new Uint8Array(32).fill(7))];

/** Says that a directory may hold a state that is wrong. */
export const QUARANTINE_MARK = `${DIRECTORY}/quarantine/open.json`;

const SKEW_MS_MAX = 10_000_000;

/** A server with faults and with what the checks know of it. */
export class SimServer extends MemoryServer {
  readonly faults: DiskFaults;
  readonly #world: World;
  /** How often the disk was given to somebody who may make keys. */
  #keyDraws = 0;
  /** When the process began, and when it began to serve, by its own clock. */
  startedAtMs = 0;
  runsSinceMs = 0;
  /** Damage was planted on the disk since it was last read as a whole: the node may refuse to start. */
  damaged = false;
  /**
   * The snapshot in which a bit changed while a process had it open: that process, where, all that is there now, and of an encrypted one
   * what it held in the plain.
   */
  damagedSnapshot:
    | {
      readonly life: Life;
      readonly path: string;
      readonly index: number;
      readonly contents: Uint8Array;
      readonly plain: Uint8Array | undefined;
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
  /** It is to be added, and was not begun yet. */
  isIdle: boolean;
  /** It was begun, and no committed configuration has had it yet. */
  isNew: boolean;
  /** No configuration has it any more; its process may go on. */
  isRemoved = false;
  /** It was removed and is switched off for good. */
  isRetired = false;
  /** A guest stands in for it. */
  isReplaced = false;
  /** Every machine that it was on. */
  readonly places: Set<number>;

  constructor(world: World, id: NodeId, { isGuest = false }: { readonly isGuest?: boolean } = {}) {
    super(world, id);
    this.#world = world;
    this.isGuest = isGuest;
    this.isIdle = !isGuest && !world.founders.some((founder) => founder.id === id);
    this.isNew = this.isIdle;
    this.places = new Set([this.place]);
    this.faults = new DiskFaults(world, this);
  }

  /** Whether its copy of the data cannot be counted on. */
  get hasLostData(): boolean {
    return this.damaged || this.rejoins || this.refusedToStart;
  }

  /** It is in quarantine, or its next process will be: it counts for no majority that is to elect. */
  get isMarked(): boolean {
    return this.isInQuarantine || this.disk.exists(QUARANTINE_MARK);
  }

  /** Its process is in quarantine; `isQuarantined` of a node is earlier, and may be taken back. */
  get isInQuarantine(): boolean {
    return this.node?.metrics.gauges.get(METRIC.quarantined)?.read() === 1;
  }

  /** From the next process on it is on another machine, with its directory. */
  moveTo(place: number): void {
    this.place = place;
    this.places.add(place);
  }

  /** Once somebody has moved, each process is told where all are when it starts: so of two the later one knows the other. */
  override seeds(): readonly string[] {
    if (!this.#world.haveMoved) return [];
    const others = this.#world.servers.filter(({ id, isIdle }) => id !== this.id && !isIdle);
    return others.map(({ place }) => addressesAt(place).address);
  }

  /** Starts a process. The outcome is seen in `state`. */
  override start(): void {
    super.start();
    this.#world.clock.busy = true;
  }

  /** The directory is lost with everything in it; the next start is under a new identity. */
  override wipe(announced = true): void {
    super.wipe();
    this.announced = announced;
    this.rejoins = true;
    this.damaged = false;
    this.refusedToStart = false;
    this.#world.wiped(this);
  }

  override options(): NodeOptions {
    const { join, ...options } = super.options();
    const newIdentity = this.rejoins && this.announced;
    // Some have a runtime without zstd: then nobody may write it, not even what those have who read it.
    const readsZstd = HAS_ZSTD && (this.#world.settings.seed + this.id) % 4 !== 0;
    const compression = this.#world.settings.mixesCompression
      ? COMPRESSIONS[this.id % COMPRESSIONS.length] ?? "off"
      : this.#world.settings.compression;
    return { ...options, newIdentity, readsZstd, compression, ...(join === undefined || newIdentity ? {} : { join }) };
  }

  override clockAtStart(): number {
    const { settings, counts, random } = this.#world;
    if (!settings.faults.has("clock/skew")) return 0;
    counts.add("clock/skew");
    return random.below(SKEW_MS_MAX);
  }

  /** Under a key of this world; what is random comes from the seed, and is new at each start. */
  override asGiven(disk: Disk): Disk {
    const { encrypted, seed } = this.#world.settings;
    if (!encrypted) return disk;
    this.#keyDraws += 1;
    const random = new Random(seed * 1_000 + this.id * 37 + this.#keyDraws * 7_919);
    return new EncryptedDisk(disk, {
      masterKeys: MASTER_KEYS,
      random: (count) => Uint8Array.from({ length: count }, () => random.below(256)),
    });
  }

  override starting(life: Life): void {
    this.startedAtMs = this.clock?.now() ?? 0;
    this.#world.starting(this);
    this.faults.attach(this.disk, life);
    this.#world.trace(() => `node ${this.id} starts${this.rejoins || this.isGuest ? " with a new directory" : ""}`);
  }

  override started(node: Node): void {
    this.runsSinceMs = this.clock?.now() ?? 0;
    this.#world.trace(() => `node ${this.id} runs`);
    // Everything was read and verified: what was damaged did not matter.
    this.damaged = false;
    this.#world.started(this, node.status().raft);
  }

  override stopping(): void {
    this.#world.trace(() => `node ${this.id} is asked to stop`);
    this.#world.clock.busy = true;
  }

  /** Allowed only where a fault explains it. */
  override failing(error: unknown): void {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.#world.trace(() => `node ${this.id} ends: ${message}`);
    if (error instanceof CorruptionError && this.damaged) this.refusedToStart = true;
    else if (error instanceof RemovedError && this.isRemoved) this.isRetired = true;
    else if (error instanceof FormatVersionError && this.#isTooOld(error)) this.versions = undefined;
    else if (!this.#isExplained(error)) {
      const stack = error instanceof Error ? error.stack : "";
      this.#world.violate("unexpected-end", `node ${this.id} ended: ${message}\n${stack}`);
    }
  }

  override ended(): void {
    this.#world.trace(() => `node ${this.id} is gone`);
    this.#world.ended(this);
  }

  override foundNoRoom(): void {
    this.faults.foundNoRoom();
  }

  override sent(message: Message): void {
    this.#world.sent(this, message);
  }

  override greeted(greeting: Greeting): void {
    this.#world.greeted(this, greeting);
  }

  override stepped(raft: Step["raft"], { event, update }: Omit<Step, "raft">): void {
    this.#world.stepped(this, { raft, event, update });
  }

  override says(level: string, message: string): void {
    this.#world.trace(() => `node ${this.id} says ${level}: ${message}`);
    this.#world.says(this, message);
  }

  /** Only a directory at a level that some log has had may be refused; then the operator installs the newest program again. */
  #isTooOld({ version }: FormatVersionError): boolean {
    return this.versions !== undefined && version > this.versions.newest && version <= this.#world.highestLevel;
  }

  /** A failed operation ends a process; a full disk only one that cannot even start. */
  #isExplained(error: unknown): boolean {
    if (error instanceof NoSpaceError) return this.faults.isFull && this.state === "Starting";
    return error instanceof DiskFailureError && this.faults.hasFailed;
  }
}
