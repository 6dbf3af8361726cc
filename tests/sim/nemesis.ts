/** Brings about faults at random moments, and ends those that last. */

import { Random } from "../../lib/base/random.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import { MARK_NAME } from "../../lib/storage/wal_scan.ts";
import { damageSnapshotLater } from "./damaged_snapshot.ts";
import { plantDamage } from "./damage.ts";
import { EmptiedMajority } from "./emptied_majority.ts";
import { type FaultClass, ORDERED_FAULTS, RARELY_ALLOWED_MS } from "./faults.ts";
import { answerLate } from "./late_answers.ts";
import { flipLater } from "./memory_flips.ts";
import { MemberWishes } from "./member_wishes.ts";
import { Moves } from "./moves.ts";
import type { Operator } from "./operator.ts";
import { overtakeLeader } from "./overtaken_leader.ts";
import type { PlannedFault } from "./schedule.ts";
import { DIRECTORY } from "../support/memory/memory_server.ts";
import type { SimServer } from "./server.ts";
import { shuffled } from "./shuffled.ts";
import type { World } from "./world.ts";

/** In every run with such a number come faults of several steps, with these mean times between two of them and of the others. */
const SEEDS_PER_ORDERED = 3;
const ORDERED_MS = 1_500;
/** There servers that are moved or replaced, which ends processes, come so many times more seldom. */
const RARER_WHERE_ORDERED = 4;
const RARER: ReadonlySet<FaultClass> = new Set<FaultClass>(["operator/move", "operator/replace"]);
const OTHERS_MS_MIN = 2_000;
const LASTING_MS_MAX = 3_000;
const PAUSE_MS_MAX = 2_500;
const JUMP_MS_MAX = 4_000;
const DATE_OFF_MS_MAX = 1_200_000;
const CLOG_MS_MAX = 2_000;
const SLOW_SYNC_MS_MAX = 500;
const ROOM_BYTES_MAX = 30_000;
const HANG_TIMEOUTS_MAX = 25;
const DRAWS = 1_000_000_000;

/** Disks count these where an operation meets them: most that are planned never do. */
const COUNTED_WHEN_FELT: ReadonlySet<FaultClass> = new Set<FaultClass>([
  "disk/slow-sync",
  "disk/hanging-sync",
  "disk/failed-sync",
  "disk/failed-write",
  "disk/failed-read",
  "disk/full",
  "disk/damaged-snapshot",
]);

/** Does one fault; false when the moment does not allow it. */
type Fault = () => boolean;

/** One source of trouble for a run. */
export class Nemesis {
  readonly #world: World;
  readonly #operator: Operator;
  /** When and which; the moments of a seed's faults do not depend on what the faults draw. */
  readonly #plans: Random;
  /** Of the fault that came last. */
  #random: Random;
  readonly #emptiedMajority: EmptiedMajority;
  readonly #wishes: MemberWishes;
  readonly #moves: Moves;
  readonly #faults: ReadonlyMap<FaultClass, Fault>;
  /** Every fault that came, whether or not the moment allowed it. */
  readonly played: PlannedFault[] = [];
  #startedAtMs = 0;
  #resting = true;

  constructor(world: World, operator: Operator) {
    this.#world = world;
    this.#operator = operator;
    this.#random = world.random.fork();
    this.#plans = this.#random.fork();
    this.#emptiedMajority = new EmptiedMajority(world, { operator, random: this.#random.fork() });
    this.#wishes = new MemberWishes(world, {
      operator,
      later: (action, msMax) => this.#later(action, msMax),
      isOver: () => this.#resting,
    });
    this.#moves = new Moves(world, operator);
    world.watchWith(this.#moves);
    const all: readonly (readonly [FaultClass, Fault])[] = [
      ...this.#networkFaults(),
      ...this.#processFaults(),
      ...this.#diskFaults(),
      ...this.#operatorFaults(),
    ];
    this.#faults = new Map(all.filter(([name]) => world.settings.faults.has(name)));
  }

  /** Faults come from now on. */
  start(): void {
    this.#resting = false;
    this.#startedAtMs = this.#world.clock.now();
    const { planned, seed, disturbMs } = this.#world.settings;
    for (const fault of planned ?? []) this.#world.clock.after(fault[0], () => this.#play(fault));
    if (planned !== undefined) return;
    const isOrdered = seed % SEEDS_PER_ORDERED === 0;
    const names = [...this.#faults.keys()];
    const others = names.filter((name) => !ORDERED_FAULTS.has(name) && !RARELY_ALLOWED_MS.has(name));
    this.#plan(this.#plans, { names: others, meanMs: isOrdered ? Math.max(OTHERS_MS_MIN, disturbMs) : disturbMs });
    const ordered = names.filter((name) => isOrdered && ORDERED_FAULTS.has(name));
    this.#plan(new Random(seed ^ 0x0dde), { names: ordered, meanMs: ORDERED_MS });
    for (const [at, [name, meanMs]] of [...RARELY_ALLOWED_MS].entries()) {
      const times = isOrdered && RARER.has(name) ? RARER_WHERE_ORDERED : 1;
      const what = { names: [name], meanMs: meanMs * times };
      if (this.#faults.has(name)) this.#plan(new Random(seed ^ (0xd7a1 + at)), what);
    }
  }

  /** No more faults; those that last are ended. */
  async rest(): Promise<void> {
    this.#resting = true;
    this.#emptiedMajority.end();
    this.#world.networkFaults.calm();
    const ids = this.#world.servers.map(({ id }) => id);
    for (const a of ids) for (const b of ids) if (a < b) this.#world.network.heal(a, b);
    for (const server of this.#world.servers) {
      server.faults.calm();
      server.clock?.drift(1);
      server.dateOffMs = 0;
      if (server.life.paused) await this.#world.clock.resume(server.life);
    }
  }

  /** All machines lose power at once, and nothing is left that was not synced. */
  blackout(): void {
    this.#world.counts.add("power/loss-of-all");
    for (const server of this.#world.servers) server.losePower({});
  }

  #plan(random: Random, what: { readonly names: readonly FaultClass[]; readonly meanMs: number }): void {
    const pauseMs = -Math.log(1 - random.fraction()) * what.meanMs;
    this.#world.clock.after(pauseMs, () => {
      if (this.#resting || what.names.length === 0) return;
      const name = random.pick(what.names);
      this.#play([this.#world.clock.now() - this.#startedAtMs, name, random.below(DRAWS)]);
      this.#plan(random, what);
    });
  }

  #play(planned: PlannedFault): void {
    const [, name, draw] = planned;
    const fault = this.#faults.get(name);
    if (this.#resting || fault === undefined) return;
    this.played.push(planned);
    this.#random = new Random(draw);
    if (!fault()) return;
    if (!COUNTED_WHEN_FELT.has(name)) this.#world.counts.add(name);
    this.#world.trace(() => `fault ${name}`);
  }

  #networkFaults(): readonly (readonly [FaultClass, Fault])[] {
    const faults = this.#world.networkFaults;
    return [
      ["network/cut", () =>
        this.#onPair(([a, b]) => {
          this.#world.network.cut(a, b);
          this.#later(() => this.#world.network.heal(a, b));
        })],
      ["network/partition", () => {
        const ids = this.#shuffled();
        const size = this.#random.between(1, Math.max(1, ids.length - 1));
        faults.part(ids.slice(0, size), ids.slice(size));
        return this.#healLater(ids.length > 1);
      }],
      ["network/isolate-leader", () => {
        const leader = this.#operator.leader();
        if (leader === undefined) return false;
        this.#isolate(leader);
        // Long enough for the others to elect another one.
        const { electionTimeoutMs } = this.#world.settings;
        this.#world.clock.after(electionTimeoutMs * this.#random.between(2, 8), () => this.#world.networkFaults.heal());
        return true;
      }],
      ["network/one-way", () =>
        this.#onPair(([a, b]) => {
          faults.block(a, b);
          this.#healLater(true);
        })],
      ["network/bridge", () => {
        const [, ...others] = this.#shuffled();
        const half = Math.ceil(others.length / 2);
        faults.part(others.slice(0, half), others.slice(half));
        return this.#healLater(others.length > 1);
      }],
      ["network/late-answers", () => {
        answerLate(this.#world, this.#parts(), () => this.#world.counts.add("network/late-answers"));
        return false; // Counted when the leader is back.
      }],
      ["network/overtaken-leader", () => {
        overtakeLeader(this.#world, this.#parts(), () => this.#world.counts.add("network/overtaken-leader"));
        return false; // Counted when the others have other entries than it.
      }],
      ["network/clog", () =>
        this.#onPair(([a, b]) => {
          faults.clog(a, b, this.#world.clock.now() + this.#random.below(CLOG_MS_MAX));
        })],
      ["network/reset", () =>
        this.#onPair(([a, b]) => {
          this.#world.network.cut(a, b);
          this.#world.network.heal(a, b);
        })],
    ];
  }

  #processFaults(): readonly (readonly [FaultClass, Fault])[] {
    return [
      ["clock/drift", () => this.#onServer((server) => server.clock?.drift(this.#random.pick([0.5, 0.9, 1, 1.1, 2])))],
      ["clock/jump", () => this.#onServer((server) => server.clock?.jump(this.#random.below(JUMP_MS_MAX)))],
      ["clock/date", () => this.#jumpDate()],
      ["process/pause", () => this.#onServer((server) => this.#pause(server))],
      ["process/kill", () => this.#onServer((server) => server.kill())],
      ["process/stop", () => this.#onServer((server) => server.stop())],
      ["power/loss", () => this.#onServer((server) => server.losePower(server.faults.survival()))],
      ["power/loss-of-all", () => {
        for (const server of this.#world.servers) server.losePower(server.faults.survival());
        return true;
      }],
    ];
  }

  #diskFaults(): readonly (readonly [FaultClass, Fault])[] {
    return [
      [
        "disk/slow-sync",
        () =>
          this.#onServer((server) =>
            server.faults.slow(this.#random.below(LASTING_MS_MAX), this.#random.below(SLOW_SYNC_MS_MAX))
          ),
      ],
      ["disk/hanging-sync", () => this.#hang()],
      ["disk/failed-sync", () => this.#onServer((server) => server.faults.plan("disk/failed-sync"), false)],
      ["disk/failed-write", () => this.#onServer((server) => server.faults.plan("disk/failed-write"), false)],
      ["disk/failed-read", () => this.#onServer((server) => server.faults.plan("disk/failed-read"), false)],
      ["disk/full", () =>
        this.#onServer((server) => {
          server.faults.fill(this.#random.below(ROOM_BYTES_MAX));
          this.#later(() => server.faults.fill(undefined));
        }, false)],
      ["disk/bit-flip", () => this.#damage("disk/bit-flip")],
      ["disk/lost-write", () => this.#damage("disk/lost-write")],
      ["disk/damaged-snapshot", () => this.#damageSnapshot()],
      ["memory/bit-flip", () => {
        flipLater(this.#world, this.#parts(), () => this.#world.counts.add("memory/bit-flip"));
        return false; // Counted when a node has the record.
      }],
      ["disk/misdirected-write", () => this.#damage("disk/misdirected-write")],
      ["disk/emptied", () => {
        const server = this.#random.pick(this.#world.servers);
        if (!this.#operator.isKnown(server) || !this.#operator.mayLose(server)) return false;
        server.losePower({});
        // Who began alone is started with `--join` once others have come: docs/operations/one-to-three.md says why.
        if (this.#world.founders.length === 1) server.joins = true;
        server.wipe(false);
        server.start();
        return true;
      }],
      ["disk/emptied-majority", () => this.#emptiedMajority.begin()],
      ["disk/wiped", () => {
        const server = this.#random.pick(this.#world.servers);
        if (!this.#operator.mayLose(server)) return false;
        server.losePower({});
        server.wipe();
        return true;
      }],
    ];
  }

  #operatorFaults(): readonly (readonly [FaultClass, Fault])[] {
    return [
      ["operator/snapshot", () =>
        this.#onServer((server) => {
          this.#world.clock.busy = true;
          server.takeSnapshot();
        })],
      ["operator/transfer", () => {
        const leader = this.#operator.leader();
        const target = this.#random.chance(0.5) ? undefined : this.#random.pick(this.#world.servers).id;
        leader?.node?.driver.enqueue({ type: "TransferLeadership", target });
        return leader !== undefined;
      }],
      ["operator/promote", () => this.#operator.promote()],
      ["operator/move", () => this.#moves.begin(this.#random)],
      ...this.#memberWishes(),
    ];
  }

  /** Each counts when it is done. */
  #memberWishes(): readonly (readonly [FaultClass, Fault])[] {
    const wishes: readonly (readonly [FaultClass, () => void])[] = [
      ["operator/demote", () => this.#wishes.demote()],
      ["operator/add", () => this.#wishes.add(this.#faults.has("operator/remove") && this.#random.chance(0.5))],
      ["operator/drain", () => this.#wishes.drain()],
      ["operator/remove", () => this.#wishes.remove()],
      ["operator/replace", () => this.#wishes.replace()],
    ];
    return wishes.map(([name, begin]) => [name, () => {
      begin();
      return false;
    }]);
  }

  /** Leaves a leader with less than a majority, now and then with a slow clock: it learns late that another one leads. */
  #isolate(leader: SimServer): void {
    const others = this.#shuffled().filter((id) => id !== leader.id);
    const companions = this.#random.below(Math.floor(others.length / 2) + 1);
    this.#world.networkFaults.part([leader.id, ...others.slice(0, companions)], others.slice(companions));
    if (!this.#world.settings.faults.has("clock/drift") || !this.#random.chance(0.5)) return;
    this.#world.counts.add("clock/drift");
    leader.clock?.drift(this.#random.pick([0.2, 0.5]));
  }

  /** One machine only: the others are a majority whose word counts, whoever of them answers. */
  #jumpDate(): boolean {
    const { servers } = this.#world;
    const server = servers[this.#world.settings.seed % servers.length];
    if (server === undefined || servers.length < 3) return false;
    // A sole voter goes by its own clock: that of others is promised to nobody.
    if (this.#world.configuration().voters.length < 2) return false;
    server.dateOffMs = this.#random.chance(0.3) ? 0 : this.#random.between(-DATE_OFF_MS_MAX, DATE_OFF_MS_MAX);
    return true;
  }

  /** Most often the leader's: the others go on without it. Now and then all. */
  #hang(): boolean {
    const lastsMs = this.#world.settings.electionTimeoutMs * this.#random.between(1, HANG_TIMEOUTS_MAX);
    const servers = this.#random.chance(0.2) ? this.#world.running() : [this.#operator.leader()];
    for (const server of servers) server?.faults.hang(lastsMs);
    return servers.length > 0 && servers[0] !== undefined;
  }

  #pause(server: SimServer): void {
    const { life } = server;
    life.paused = true;
    this.#later(() => {
      // In an event of its own, since resuming takes several turns.
      this.#resumes.push(life);
    }, PAUSE_MS_MAX);
  }

  readonly #resumes: SimServer["life"][] = [];

  /** Lets the paused processes go on whose time has come; called between two events. */
  async resume(): Promise<void> {
    for (const life of this.#resumes.splice(0)) await this.#world.clock.resume(life);
  }

  #damage(kind: "disk/bit-flip" | "disk/lost-write" | "disk/misdirected-write"): boolean {
    const server = this.#random.pick(this.#world.servers);
    if (server.hasLostData || !this.#operator.mayLose(server)) return false;
    if (server.disk.files().size === 0) return false;
    // Only what was synced is damaged, and found when the disk is read again. The system writes the mark when it likes.
    const keepsMark = this.#random.chance(0.5);
    server.losePower({ keepVersions: (path, _, versions) => keepsMark && path.endsWith(MARK_NAME) ? versions : 0 });
    const place = plantDamage(server.disk, { directory: DIRECTORY, kind, random: this.#random });
    this.#world.trace(() => `node ${server.id}: ${kind} ${place ?? "found no place"}`);
    if (place !== undefined) server.damaged = true;
    return place !== undefined;
  }

  #damageSnapshot(): boolean {
    damageSnapshotLater(this.#world, this.#parts(), () => this.#world.counts.add("disk/damaged-snapshot"));
    return true;
  }

  #parts(): { readonly operator: Operator; readonly random: Random; readonly isOver: () => boolean } {
    return { operator: this.#operator, random: this.#random, isOver: () => this.#resting };
  }

  #onServer(act: (server: SimServer) => void, running = true): boolean {
    const servers = running ? this.#world.running() : this.#world.servers;
    if (servers.length === 0) return false;
    act(this.#random.pick(servers));
    return true;
  }

  #onPair(act: (pair: readonly [NodeId, NodeId]) => void): boolean {
    const [a, b] = this.#shuffled();
    if (a === undefined || b === undefined) return false;
    act([a, b]);
    return true;
  }

  #healLater(begun: boolean): boolean {
    this.#later(() => this.#world.networkFaults.heal());
    return begun;
  }

  #later(action: () => void, msMax = LASTING_MS_MAX): void {
    this.#world.clock.after(this.#random.below(msMax), action);
  }

  #shuffled(): readonly NodeId[] {
    return shuffled(this.#world.servers.map(({ id }) => id), this.#random);
  }
}
