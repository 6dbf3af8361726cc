/**
 * Behind the peace, in some of the runs: bits change in the memory of nodes and on their disks, in what nobody touches and in what is written all
 * the time, while leaders, snapshots and members change. Each is found in its time, nothing but it is, and all is as it was afterwards.
 *
 * What may be served: a node of whose memory a bit was changed may answer with that until the sweep has been through, `FINDING_MS` at the
 * latest; in quarantine it answers nothing, and from its repair on everything is judged as on any node.
 */

import type { Random } from "../../lib/base/random.ts";
import { type Command, encodeCommand } from "../../lib/kv/commands.ts";
import { SCRUB_PAUSE_MS, SUSPECT_MS, SWEEP_PASS_MS_MIN } from "../../lib/node/limits.ts";
import { METRIC } from "../../lib/observe/names.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import type { DamageSite } from "../../lib/store/damage.ts";
import { DIRECTORY } from "../support/memory/memory_server.ts";
import { plantRot, type Rot, ROT_KINDS } from "./damage.ts";
import { DAMAGE_SITES, type MemoryFlip } from "./memory_flips.ts";
import type { Operator } from "./operator.ts";
import type { SimServer } from "./server.ts";
import { SEEDS_PER_WATCH } from "./settings.ts";
import { shuffled } from "./shuffled.ts";
import type { World } from "./world.ts";

const SLACK_MS = 10_000;
/** A pass of the sweep, and what one misses that has just passed. */
const FINDING_MS = SWEEP_PASS_MS_MIN + SLACK_MS;
const ROT_MS = SCRUB_PAUSE_MS + SLACK_MS;
/** From the quarantine on: a look of the leader, a snapshot, and its way. */
const REPAIR_MS = 20_000;
const PLANTING_MS_MAX = 8_000;
const TROUBLE_MS = 20_000;
const TROUBLE_PAUSE_MS_MAX = 3_000;
const CLIENT_MS = 300;
const LOOK_MS = 1_000;
const WRITES_AFTER = 5;

const COLD = ["watched.a", "watched.b"] as const;
const HOT = ["watched.c", "watched.d"] as const;
const DEADLINE_MS = 3_600_000;
/** What is wrong in a record that is written again all the time. */
const HOT_SITES: readonly DamageSite[] = ["Key", "Value", "Revision", "Deadline"];
/** Of which record a bit changes on one node, and of which on another one. */
const KINDS = [[COLD[0], COLD[1]], [HOT[0], HOT[1]], [HOT[0]], [COLD[0], HOT[0]], [HOT[0], HOT[1]], [HOT[0]]] as const;

interface RottenFile extends Rot {
  readonly server: SimServer;
  readonly atMs: number;
}

/** What the run lends. */
export interface LongWatchParts {
  readonly operator: Operator;
  readonly random: Random;
  /** Of those who do the ordinary work. */
  readonly login: number;
  readonly until: (
    condition: () => boolean,
    limit: { readonly what: () => string; readonly limitMs: number },
  ) => Promise<void>;
}

/** Owns what it has planted, and a client of its own. */
export class LongWatch {
  readonly #world: World;
  readonly #parts: LongWatchParts;
  readonly #members: readonly SimServer[];
  readonly #turn: number;
  readonly #flips: MemoryFlip[] = [];
  readonly #rotten: RottenFile[] = [];
  readonly #killed = new Set<NodeId>();
  #values = 0;
  #writes = 0;
  #isOver = false;

  /** Every member runs, has applied the same, and nobody else asks for anything. */
  constructor(world: World, parts: LongWatchParts) {
    this.#world = world;
    this.#parts = parts;
    this.#members = world.membersLeft();
    this.#turn = Math.floor(world.settings.seed / SEEDS_PER_WATCH);
  }

  /** Resolves when all that was planted is found, and repaired where that is promised. */
  async run(): Promise<void> {
    const { clock, reference } = this.#world;
    const { until, random } = this.#parts;
    for (const key of COLD) this.#write(key);
    this.#ask();
    this.#look();
    await until(() => this.#arePrepared(), { what: () => "the watched keys are there", limitMs: REPAIR_MS });
    const from = reference.lastIndex;
    const troubleEnd = clock.now() + TROUBLE_MS;
    this.#plant(shuffled(this.#members.map(({ id }) => id), random).map((id) => this.#world.server(id)));
    this.#trouble(troubleEnd);
    await until(() => {
      this.#judge();
      return clock.now() > troubleEnd && this.#lacking(from).length === 0;
    }, { what: () => this.#lacking(from).join(", "), limitMs: TROUBLE_MS + FINDING_MS + SUSPECT_MS + REPAIR_MS });
    const before = this.#writes;
    await until(() => this.#writes >= before + WRITES_AFTER, {
      what: () => "the cluster takes writes",
      limitMs: REPAIR_MS,
    });
    this.#isOver = true;
  }

  #arePrepared(): boolean {
    return this.#members.every(({ node }) => {
      return [...COLD, ...HOT].every((key) => node?.driver.applied.state.peek(key) !== undefined);
    });
  }

  #plant(order: readonly SimServer[]): void {
    const keys = (KINDS[this.#turn % KINDS.length] ?? []).slice(0, order.length);
    for (const [at, key] of keys.entries()) {
      const server = order[at];
      if (server !== undefined) this.#later(PLANTING_MS_MAX, () => this.#flip(server, key));
    }
    if (keys.length > 1) this.#world.saw("two damaged at once");
    const other = order[keys.length];
    if (other !== undefined) this.#later(PLANTING_MS_MAX, () => this.#rot(other));
  }

  #flip(server: SimServer, key: string): void {
    const { clock, memoryFlips } = this.#world;
    const site = this.#parts.random.pick(HOT.some((hot) => hot === key) ? HOT_SITES : DAMAGE_SITES);
    const flip = memoryFlips.plant(server, { site, key, atMs: clock.now() });
    if (flip === undefined) return this.#violate(`node ${server.id} has no key ${key}`);
    this.#flips.push(flip);
    this.#world.trace(() => `node ${server.id}: a bit changes in memory: ${site} of ${key}`);
  }

  #rot(server: SimServer): void {
    const kind = ROT_KINDS[this.#turn % ROT_KINDS.length] ?? "log";
    const rot = plantRot(server.disk, { directory: DIRECTORY, kind, random: this.#parts.random });
    if (rot === undefined) return;
    server.damaged = true;
    this.#rotten.push({ ...rot, server, atMs: this.#world.clock.now() });
    this.#world.trace(() => `node ${server.id}: byte ${rot.at} of ${rot.path} changes on the disk`);
  }

  /** Entries at which digests are taken come under changes of leaders and members, and beside snapshots. */
  #trouble(end: number): void {
    const { operator, random } = this.#parts;
    this.#later(TROUBLE_PAUSE_MS_MAX, () => {
      if (this.#world.clock.now() > end) return;
      const what = random.below(4);
      const server = random.pick(this.#members);
      if (what === 0) operator.leader()?.node?.driver.enqueue({ type: "TransferLeadership", target: server.id });
      // Of one that is hit it would find that before any comparison; those that come by themselves do so often enough.
      else if (what === 1 && !this.#world.memoryFlips.isIn(server)) server.takeSnapshot();
      else if (what === 1) return this.#trouble(end);
      else if (what === 2) operator.drain();
      else operator.promote();
      this.#trouble(end);
    });
  }

  /** The operator does what the documents ask of one. */
  #look(): void {
    if (this.#isOver) return;
    this.#parts.operator.undrainSound();
    this.#world.clock.after(LOOK_MS, () => this.#look());
  }

  #judge(): void {
    const now = this.#world.clock.now();
    for (const flip of this.#flips) {
      if (now > flip.atMs + FINDING_MS && !this.#isFound(flip)) this.#violate(`${nameOf(flip)} was not found`);
    }
    for (const rot of this.#rotten) {
      if (isRotten(rot) && now > rot.atMs + ROT_MS) {
        this.#violate(`${rot.path} of node ${rot.server.id} is damaged still`);
      }
    }
    const { voters } = this.#world.configuration();
    const out = voters.filter((id) => this.#world.server(id).isMarked);
    for (const id of out) this.#killOnce(this.#world.server(id));
    if (out.length > 0 && 2 * out.length >= voters.length) this.#violate(`nodes ${out} of ${voters} are in quarantine`);
  }

  /** In half of the runs a node that is in quarantine is killed: what it has acknowledged stays, and so does the quarantine. */
  #killOnce(server: SimServer): void {
    if (this.#killed.has(server.id)) return;
    this.#killed.add(server.id);
    if (this.#parts.random.chance(0.5)) server.kill();
  }

  /** What is still to come. */
  #lacking(from: number): readonly string[] {
    const isPromised = this.#isRepairPromised();
    const flips = this.#flips.filter((flip) => !this.#isFound(flip) || (isPromised && this.#isHeld(flip)));
    const rotten = this.#rotten.filter(isRotten);
    const apart = this.#members.filter((server) => !this.#isCompared(server, from));
    return [
      ...flips.map((flip) => `${nameOf(flip)} is repaired`),
      ...rotten.map(({ path, server }) => `${path} of node ${server.id} is repaired`),
      ...apart.map(({ id }) => `node ${id} compares an entry behind ${from}`),
    ];
  }

  /** Whether the others are a majority without those that are damaged: else nobody may go. */
  #isRepairPromised(): boolean {
    const { voters, votersOld } = this.#world.configuration();
    const sound = voters.filter((id) => !this.#world.memoryFlips.isIn(this.#world.server(id)));
    return votersOld.length === 0 && 2 * sound.length > voters.length;
  }

  #isHeld({ id, state }: MemoryFlip): boolean {
    return this.#world.server(id).node?.driver.applied.state === state;
  }

  #isFound(flip: MemoryFlip): boolean {
    const { node } = this.#world.server(flip.id);
    return !this.#isHeld(flip) || node?.isQuarantined === true ||
      node?.metrics.gauges.get(METRIC.memoryDamaged)?.read() === 1;
  }

  /** One that is repaired compares what comes after that. Where half of the voters differ, nobody knows who is right. */
  #isCompared({ id, node }: SimServer, from: number): boolean {
    const { voters } = this.#world.configuration();
    if (this.#flips.length * 2 >= voters.length || this.#flips.some((flip) => flip.id === id)) return true;
    return (node?.metrics.gauges.get(METRIC.checkedIndex)?.read() ?? 0) > from;
  }

  /** A client that reads and writes by way of any node, again and again. */
  #ask(): void {
    if (this.#isOver) return;
    const { random } = this.#parts;
    if (random.chance(0.5)) this.#read();
    else this.#write(random.pick(HOT));
    this.#later(CLIENT_MS, () => this.#ask());
  }

  #write(key: string): void {
    const { random, login } = this.#parts;
    const server = random.pick(this.#members);
    const { node, life } = server;
    this.#values += 1;
    const value = `watched ${this.#values}`;
    const command: Command = { type: "Call", call: ["SET", key, value, "PX", `${DEADLINE_MS}`] };
    const encoded = encodeCommand(command, undefined, login);
    this.#world.clock.busy = true;
    const wasOut = server.isInQuarantine;
    node?.submit(command, (outcome) => {
      if (outcome.type !== "Done" || !life.alive) {
        if (outcome.type !== "Done" && COLD.some((cold) => cold === key)) this.#write(key);
        return;
      }
      this.#writes += 1;
      if (wasOut) this.#violate(`node ${server.id} takes a write in quarantine`);
      if (this.#world.reference.indexOf(encoded) === undefined) {
        this.#violate(`${value} was acknowledged and is not done`);
      }
    }, { login });
  }

  #read(): void {
    const { random } = this.#parts;
    const server = random.pick(this.#members);
    const key = random.pick([...COLD, ...HOT]);
    const { node, life } = server;
    this.#world.clock.busy = true;
    node?.read((outcome) => {
      if (outcome.type !== "Ready" || !life.alive) return;
      if (node.isQuarantined) this.#violate(`node ${server.id} answers a read in quarantine`);
      if (this.#world.memoryFlips.isIn(server)) return;
      const { index } = node.driver.applied.id;
      const wanted = this.#world.reference.seenAt(key, { index, nowMs: node.state.readTimeMs })?.value;
      const found = node.state.get(key)?.value;
      if (found !== wanted) this.#violate(`node ${server.id} tells ${found} of ${key} at ${index}, not ${wanted}`);
    });
  }

  #later(msMax: number, action: () => void): void {
    this.#world.clock.after(this.#parts.random.below(msMax), () => {
      if (this.#isOver) return;
      this.#world.clock.busy = true;
      action();
    });
  }

  #violate(message: string): void {
    this.#world.violate("long-watch", message);
  }
}

function nameOf({ id, site, key }: MemoryFlip): string {
  return `node ${id}: ${site} of ${key}`;
}

function isRotten({ server, path, at, value }: RottenFile): boolean {
  return server.disk.contents(path)?.[at] === value;
}
