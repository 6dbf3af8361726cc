/** What one run is like, drawn from its seed (swarm testing: each run has another selection of faults). */

import { FAULT_SITES, type FaultSite } from "../../lib/base/faults.ts";
import { type Compression, COMPRESSIONS } from "../../lib/storage/block_codec.ts";
import { Random } from "../../lib/base/random.ts";
import { DRAWN_APART, FAULT_CLASS_NAMES, type FaultClass } from "./faults.ts";
import type { PlannedFault } from "./schedule.ts";

/** Each class of faults is off with this probability. */
const OFF_PROBABILITY = 0.3;

/** Where the code may depart from the ordinary (`lib/base/faults.ts`): how often a site is enabled, and then fires. */
const SITE_ENABLED_PROBABILITY = 0.25;

const CLIENTS_AT_LIMITS = 6;

/** Share of the runs with calls that remove every key. */
const FLUSHES_PROBABILITY = 0.15;

/** Share of the runs with users. There everybody has the program of today: users are for those alone. */
const USERS_PROBABILITY = 0.2;

/** Share of the runs whose directories are encrypted. */
const ENCRYPTED_PROBABILITY = 0.2;

/** Share of the runs with users where those come in with tokens, have sessions of their own, and log in on connections. */
const LOGINS_PROBABILITY = 0.75;

/** In every run with such a number one limit is so low that the clients meet it. */
const SEEDS_PER_LOWERED = 5;

/** In every run with such a number bits change behind the peace. It is none of those with a lowered limit, or with faults in an order. */
export const SEEDS_PER_WATCH = 15;
const WATCH_SEED = 8;
const WATCHES_PER_COMPARISON = 3;

/** See `leaveTimeToReplace`. */
const SEEDS_PER_REPLACING = 3;
const REPLACING_DISTURB_MS = 2_000;

/** The limits that a run may lower, each alone, so that what is refused tells which it was. */
export const LOWERED_LIMITS = ["writes", "write bytes", "reads", "log entries", "log bytes"] as const;

/** The name of a limit. */
export type LoweredLimit = (typeof LOWERED_LIMITS)[number];

/** Sites that refuse as overload does. */
export const OVERLOAD_SITES: readonly FaultSite[] = ["node/writeRefused", "raft/proposalRefused", "raft/readRefused"];

/** Times in simulated milliseconds. */
export interface Settings {
  readonly seed: number;
  readonly servers: number;
  /** Servers that may be added, in runs with that class of faults. */
  readonly joiners: number;
  readonly clients: number;
  readonly keys: number;
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly requestTimeoutMs: number;
  readonly snapshotEntries: number;
  readonly segmentBytes: number;
  readonly chunkBytesMax: number;
  readonly valueBytesMax: number;
  /** Whether there are users, and clients who log in as them. */
  readonly users: boolean;
  /** Whether those log in, with tokens; see logins/login_work.ts. */
  readonly logins: boolean;
  /** How snapshots are compressed, once there is the level for it. */
  readonly compression: Compression;
  /** Whether each node is told another compression. */
  readonly mixesCompression: boolean;
  /** Whether the directories are encrypted. */
  readonly encrypted: boolean;
  /** Whether bits of memories and disks change behind the peace, and what finds them is waited for; see long_watch.ts. */
  readonly watches: boolean;
  /** Whether clients remove every key now and then. */
  readonly flushes: boolean;
  /** Mean pause of a client between two operations. */
  readonly thinkMs: number;
  /** Mean time between two reads that every node is asked for, whether or not it has answered the last. */
  readonly patrolMs: number;
  readonly safetyMs: number;
  /** Mean time between two events of the nemesis. */
  readonly disturbMs: number;
  readonly latencyMs: number;
  readonly lossProbability: number;
  readonly duplicateProbability: number;
  readonly reorderProbability: number;
  readonly tailProbability: number;
  /** Arrivals are put off to multiples of this, so that several come in one turn of the event loop. */
  readonly quantumMs: number;
  readonly syncMsMax: number;
  /** How likely what was not synced survives a power loss. */
  readonly survivalProbability: number;
  readonly faults: ReadonlySet<FaultClass>;
  readonly sites: ReadonlySet<FaultSite>;
  readonly siteProbability: number;
  readonly lowered: LoweredLimit | undefined;
  /** The faults of the nemesis; undefined where the seed draws them. */
  readonly planned: readonly PlannedFault[] | undefined;
  /**
   * Plants the canary: syncs of the log succeed and do nothing, and the checks that look at the disk are off. So only what
   * the faults bring about can show it, and a run that does not fail has injected nothing.
   */
  readonly canary: boolean;
}

/** The canary's settings: without snapshots, which would save what the log loses. */
export const CANARY: Partial<Settings> = { canary: true, snapshotEntries: 1_000_000, watches: false };

/** The settings of a seed; `overrides` wins. */
export function drawSettings(seed: number, overrides: Partial<Settings> = {}): Settings {
  const random = new Random(seed);
  const electionTimeoutMs = random.pick([150, 300, 300, 600, 1_000]);
  const settings: Settings = {
    seed,
    servers: random.pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7]),
    joiners: new Random(seed ^ 0x7019).between(1, 4),
    clients: random.between(1, 5),
    keys: random.pick([1, 2, 4, 8, 16]),
    electionTimeoutMs,
    heartbeatMs: Math.max(10, Math.round(electionTimeoutMs / random.pick([5, 10]) / 10) * 10),
    requestTimeoutMs: random.pick([300, 1_000, 3_000]),
    snapshotEntries: random.pick([5, 20, 60, 200, 1_000_000]),
    segmentBytes: random.pick([32_768, 65_536]),
    chunkBytesMax: random.pick([256, 512, 4_096, 65_536]),
    valueBytesMax: random.pick([8, 100, 600, 3_000]),
    thinkMs: random.pick([5, 20, 60, 150]),
    patrolMs: random.pick([30, 100, 400]),
    safetyMs: random.between(8_000, 20_000),
    disturbMs: random.pick([100, 300, 800, 2_000]),
    latencyMs: random.pick([0.2, 1, 5, 20]),
    lossProbability: random.pick([0.001, 0.02, 0.1, 0.3]),
    duplicateProbability: random.pick([0.01, 0.1, 0.5]),
    reorderProbability: random.pick([0.02, 0.2, 0.6]),
    tailProbability: random.pick([0.001, 0.01, 0.05]),
    quantumMs: random.pick([0, 0.5, 5]),
    syncMsMax: random.pick([0, 1, 10]),
    survivalProbability: random.pick([0, 0.2, 0.5, 0.9, 1]),
    faults: drawFaults(random, new Random(seed ^ 0x9e55)),
    sites: new Set(siteNames().filter(() => random.chance(SITE_ENABLED_PROBABILITY))),
    siteProbability: random.pick([0.01, 0.05, 0.25]),
    flushes: random.chance(FLUSHES_PROBABILITY),
    encrypted: new Random(seed ^ 0xae5).chance(ENCRYPTED_PROBABILITY),
    users: new Random(seed ^ 0x05e5).chance(USERS_PROBABILITY),
    logins: new Random(seed ^ 0x1061).chance(LOGINS_PROBABILITY),
    compression: new Random(seed ^ 0xc0de).pick(COMPRESSIONS),
    watches: seed % SEEDS_PER_WATCH === WATCH_SEED,
    mixesCompression: new Random(seed ^ 0x3178).chance(0.5),
    lowered: undefined,
    planned: undefined,
    canary: false,
  };
  const lowered = seed % SEEDS_PER_LOWERED === 0
    ? LOWERED_LIMITS[(seed / SEEDS_PER_LOWERED) % LOWERED_LIMITS.length]
    : undefined;
  const users = settings.users ? { ...settings, faults: ofOneProgram(settings.faults) } : settings;
  const timely = leaveToComparison(leaveTimeToReplace(users));
  return { ...(lowered === undefined ? timely : lower(timely, lowered)), ...overrides };
}

function drawFaults(random: Random, apart: Random): ReadonlySet<FaultClass> {
  const isOff = (name: FaultClass) => (DRAWN_APART.has(name) ? apart : random).chance(OFF_PROBABILITY);
  return new Set(FAULT_CLASS_NAMES.filter((name) => !isOff(name)));
}

/**
 * A snapshot finds what is wrong in the memory that it reads, mostly before the next digest is due. So in every third run that watches, none
 * comes by itself, and comparison finds it.
 */
function leaveToComparison(settings: Settings): Settings {
  const { seed, sites, watches } = settings;
  if (!watches || Math.floor(seed / SEEDS_PER_WATCH) % WATCHES_PER_COMPARISON !== 2) return settings;
  const left = new Set([...sites].filter((site) => site !== "node/snapshotEarly"));
  return { ...settings, snapshotEntries: 1_000_000, sites: left };
}

/**
 * To replace a server takes seconds in which a leader stays, and nobody is added while a program of before is there. So in every third
 * run, which is none of those with faults in an order, the other faults are rarer, and there is one program.
 */
function leaveTimeToReplace(settings: Settings): Settings {
  const { faults, seed, disturbMs } = settings;
  if (!faults.has("operator/replace") || seed % SEEDS_PER_REPLACING !== 1) return settings;
  return { ...settings, faults: ofOneProgram(faults), disturbMs: Math.max(disturbMs, REPLACING_DISTURB_MS) };
}

function ofOneProgram(faults: ReadonlySet<FaultClass>): ReadonlySet<FaultClass> {
  return new Set([...faults].filter((name) => name !== "operator/program"));
}

/** More clients than the limit, and nothing else that would refuse as overload does. */
function lower(settings: Settings, lowered: LoweredLimit): Settings {
  const sites = new Set([...settings.sites].filter((site) => !OVERLOAD_SITES.includes(site)));
  return { ...settings, lowered, sites, clients: CLIENTS_AT_LIMITS, thinkMs: 20 };
}

function siteNames(): readonly FaultSite[] {
  return Object.keys(FAULT_SITES) as FaultSite[];
}
