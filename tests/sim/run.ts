/**
 * One run from one seed: boot, a phase of faults (safety), then peace. In peace a random majority must serve again
 * (liveness), and in the end all nodes must agree and nothing that was acknowledged may be missing.
 */

import { FAULT_SITES, type FaultSite, installFaults } from "../../lib/base/faults.ts";
import { Random } from "../../lib/base/random.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import { checkCertificate } from "../linearizability/certificate.ts";
import type { Operation } from "../linearizability/history.ts";
import { describeSearchResult, searchLinearization } from "../linearizability/search.ts";
import { Workload } from "./clients.ts";
import { EarlyChange } from "./early_change.ts";
import { Programs } from "./programs.ts";
import { LongWatch } from "./long_watch.ts";
import { Nemesis } from "./nemesis.ts";
import { Operator } from "./operator.ts";
import { Probes } from "./probes.ts";
import { type PlannedFault, writeSchedule } from "./schedule.ts";
import type { SimServer } from "./server.ts";
import { drawSettings, type Settings } from "./settings.ts";
import { type TraceSink, type Violation, World } from "./world.ts";

/** Where most messages are lost and a round trip takes a quarter of an election timeout, leaders seldom last until the first commits. */
const BOOT_MS_MAX = 120_000;
const LIVENESS_MS_MAX = 60_000;
const CONVERGENCE_MS_MAX = 120_000;
const STOP_MS_MAX = 20_000;
const STEP_MS = 20;
/** Operations that must be done before faults begin, and again in peace. */
const OPERATIONS_MIN = 5;

/** What one run gave. */
export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly operations: number;
  readonly unknown: number;
  readonly refused: number;
  readonly done: readonly (readonly [string, number])[];
  readonly faults: readonly (readonly [string, number])[];
  readonly sites: readonly (readonly [string, number])[];
  readonly seen: readonly (readonly [string, number])[];
  readonly simulatedMs: number;
  readonly wallMs: number;
  readonly servers: number;
  readonly committed: number;
  readonly elections: number;
  /** See schedule.ts. */
  readonly schedule: string;
}

/** How a run may differ from what its seed says. */
export interface RunOptions {
  readonly overrides?: Partial<Settings>;
  readonly sink?: TraceSink | undefined;
  /** Gets the history, whatever the outcome. */
  readonly history?: (operations: readonly Operation[]) => void;
}

/** Runs a seed. Never rejects for what it finds: that is the `violation`. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const begun = performance.now();
  const settings = drawSettings(seed, options.overrides);
  const world = new World(settings, options.sink);
  const run = new Run(world);
  const sites = siteInjector(world);
  installFaults(sites.inject);
  try {
    await run.run(() => installFaults(undefined));
  } finally {
    installFaults(undefined);
  }
  options.history?.(run.workload.history);
  const { acknowledged, unknown, refused, done } = run.workload;
  return {
    seed,
    violation: world.violation,
    operations: acknowledged,
    unknown,
    refused,
    done: [...done],
    faults: world.counts.entries(),
    sites: [...sites.hits],
    seen: [...world.seen],
    simulatedMs: world.clock.now(),
    wallMs: performance.now() - begun,
    servers: settings.servers,
    committed: world.reference.lastIndex,
    schedule: writeSchedule({ ...settings, planned: settings.planned ?? run.played }),
    elections: new Set(world.reference.entries.map(({ term }) => term)).size,
  };
}

function siteInjector(world: World): {
  readonly inject: (site: FaultSite) => boolean;
  readonly hits: Map<FaultSite, number>;
} {
  const { settings } = world;
  const random = new Random(settings.seed ^ 0xfa17);
  const hits = new Map<FaultSite, number>();
  for (const site of Object.keys(FAULT_SITES) as FaultSite[]) hits.set(site, 0);
  const inject = (site: FaultSite): boolean => {
    const isPressed = world.isPressed(site);
    if (!isPressed && (!settings.sites.has(site) || !random.chance(settings.siteProbability))) return false;
    hits.set(site, (hits.get(site) ?? 0) + 1);
    return true;
  };
  return { inject, hits };
}

class Run {
  readonly #world: World;
  readonly workload: Workload;
  readonly #operator: Operator;
  readonly #nemesis: Nemesis;
  readonly #programs: Programs | undefined;
  readonly #random: Random;
  /** Of the last phase. */
  #probes: Probes | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.workload = new Workload(world);
    this.#operator = new Operator(world);
    this.#nemesis = new Nemesis(world, this.#operator);
    world.watchWith(this.workload);
    world.watchWith(this.#operator);
    if (world.settings.faults.has("operator/early-change")) world.watchWith(new EarlyChange(world));
    if (world.settings.faults.has("operator/program")) {
      this.#programs = new Programs(world);
      world.watchWith(this.#programs);
    }
  }

  /** See `Nemesis`. */
  get played(): readonly PlannedFault[] {
    return this.#nemesis.played;
  }

  async run(endSites: () => void): Promise<void> {
    await this.#boot();
    this.#nemesis.start();
    await this.#advance(this.#world.settings.safetyMs);
    await this.#nemesis.rest();
    this.#programs?.end();
    endSites();
    await this.#serve("the cluster serves again without a restart");
    await this.#settleInPeace();
    await this.#converge();
    await this.#watch();
    if (this.#world.violation === undefined) this.#judgeHistory();
    await this.#stop();
  }

  async #boot(): Promise<void> {
    for (const server of this.#world.servers) this.#operator.start(server);
    this.workload.start();
    await this.#until(() => this.workload.acknowledged >= OPERATIONS_MIN, {
      what: "the new cluster serves",
      limitMs: BOOT_MS_MAX,
    });
  }

  /** After a loss of power everywhere a random majority must serve again. */
  async #settleInPeace(): Promise<void> {
    if (this.#world.violation !== undefined) return;
    this.#operator.restarts = false;
    this.#nemesis.blackout();
    const majority = this.#pickMajority();
    this.#world.trace(() => `peace; nodes ${majority.map(({ id }) => id)} must serve`);
    for (const server of majority) this.#operator.start(server);
    await this.#serve("a majority serves again", majority);
  }

  /** Waits until some more operations are done; `revived` are started again when they go down. */
  async #serve(what: string, revived: readonly SimServer[] = []): Promise<void> {
    const before = this.workload.acknowledged;
    const { clock, settings } = this.#world;
    const { lowered, users } = settings;
    const probes = new Probes(this.workload, { now: () => clock.now(), lowered: lowered !== undefined, users });
    this.#probes = probes;
    await this.#until(() => {
      this.#revive(revived);
      const serving = this.#world.running().filter(({ rejoins, isNew, isRemoved }) => !rejoins && !isNew && !isRemoved);
      if (serving.length < revived.filter(({ isRemoved }) => !isRemoved).length || !probes.haveDone(serving)) {
        return false;
      }
      return this.workload.acknowledged >= before + OPERATIONS_MIN && this.#operator.leader() !== undefined;
    }, { what: () => `${what}${probes.describeLack()}`, limitMs: LIVENESS_MS_MAX });
  }

  async #converge(): Promise<void> {
    const servers = this.#world.membersLeft();
    this.#operator.restarts = true;
    await this.#until(() => servers.every(({ state, rejoins, isNew }) => state === "Running" && !rejoins && !isNew), {
      what: "every node runs and is a member again",
      limitMs: CONVERGENCE_MS_MAX,
    });
    await this.#until(() => this.#operator.leader() !== undefined && !this.#operator.drainedLeads(), {
      what: "a server leads that is not drained",
      limitMs: LIVENESS_MS_MAX,
    });
    // Those that have served in the last phase are not asked again.
    const probes = this.#probes;
    await this.#until(() => probes?.haveDone(servers.filter(({ state }) => state === "Running")) !== false, {
      what: () => `every node takes writes${probes?.describeLack()}`,
      limitMs: LIVENESS_MS_MAX,
    });
    this.workload.stop();
    await this.#until(() => this.workload.open === 0, { what: "every request is answered", limitMs: STOP_MS_MAX });
    await this.#agree();
  }

  async #agree(): Promise<void> {
    const servers = this.#world.membersLeft();
    const same = (): boolean => {
      this.#revive(servers);
      const { lastIndex } = this.#world.reference;
      return servers.every((server) => !server.rejoins && server.node?.driver.applied.id.index === lastIndex);
    };
    await this.#until(same, { what: "all nodes have applied the same entries", limitMs: CONVERGENCE_MS_MAX });
    await this.#advance(200);
  }

  /** Then all have the same once more. */
  async #watch(): Promise<void> {
    if (!this.#world.settings.watches || this.#world.violation !== undefined) return;
    await new LongWatch(this.#world, {
      operator: this.#operator,
      random: this.#random.fork(),
      login: this.workload.login,
      until: (condition, limit) => this.#until(condition, limit),
    }).run();
    await this.#agree();
  }

  async #stop(): Promise<void> {
    if (this.#world.violation !== undefined) return;
    this.#operator.restarts = false;
    const { servers } = this.#world;
    await this.#until(() => {
      // One that is just starting, a removed one for example, is told once it runs.
      for (const server of servers) server.stop();
      return servers.every(({ state }) => state === "Down");
    }, {
      what: "every node stops when it is told to",
      limitMs: STOP_MS_MAX,
    });
  }

  /** Starts what has gone down although it should serve: a fault planned before the peace may end it at its start. */
  #revive(servers: readonly SimServer[]): void {
    for (const server of servers) if (server.state === "Down") this.#operator.start(server);
  }

  /** Servers without which no majority is lost stay down: chance picks them. */
  #pickMajority(): readonly SimServer[] {
    const chosen = new Set(this.#world.servers.filter(({ isRetired, isIdle }) => !isRetired && !isIdle));
    // A configuration that needs who is switched off for good is on a server that cannot be elected.
    const sets = this.#operator.votersInForce().filter((voters) => hasMajority(voters, chosen));
    const order = [...chosen].sort((left, right) => {
      return this.#lack(right) - this.#lack(left) || this.#draws(left.id) - this.#draws(right.id);
    });
    for (const server of order) {
      chosen.delete(server);
      if (!sets.every((voters) => hasMajority(voters, chosen))) chosen.add(server);
    }
    return [...chosen];
  }

  /** How little a server is worth to a majority: one that is being admitted again may be needed by a pending configuration. */
  #lack(server: SimServer): number {
    if (server.isRemoved || server.isNew) return 3;
    if (server.isMarked) return 3;
    if (!server.hasLostData) return 0;
    return this.#operator.isLearning(server) ? 1 : 2;
  }

  readonly #drawn = new Map<number, number>();

  #draws(id: number): number {
    const known = this.#drawn.get(id) ?? this.#random.fraction();
    this.#drawn.set(id, known);
    return known;
  }

  #judgeHistory(): void {
    const { history } = this.workload;
    // The keys of calls are judged by the search alone: their changes repeat, and where the outcome of some is unknown the
    // certificate may refuse what a cleverer choice among them explains. The order of their indexes was held against the
    // model of all keys when each of them ended.
    const certified = history.filter(({ operation }) => operation !== "call" && operation !== "ask");
    for (const flaw of checkCertificate(certified).slice(0, 3)) this.#world.violate("certificate", flaw);
    const result = searchLinearization(history);
    if (result.type !== "Linearizable") this.#world.violate("linearizability", describeSearchResult(result));
  }

  async #advance(ms: number): Promise<void> {
    const end = this.#world.clock.now() + ms;
    while (this.#world.violation === undefined && this.#world.clock.now() < end) {
      await this.#world.clock.advance(Math.min(STEP_MS, end - this.#world.clock.now()));
      await this.#nemesis.resume();
    }
  }

  async #until(
    condition: () => boolean,
    { what, limitMs }: { readonly what: string | (() => string); readonly limitMs: number },
  ): Promise<void> {
    const end = this.#world.clock.now() + limitMs;
    while (this.#world.violation === undefined && !condition()) {
      if (this.#world.clock.now() >= end) {
        const lack = typeof what === "string" ? what : what();
        return this.#world.violate("liveness", `not within ${limitMs} ms: ${lack}`);
      }
      await this.#advance(STEP_MS);
    }
  }
}

function hasMajority(voters: readonly NodeId[], servers: ReadonlySet<SimServer>): boolean {
  // While a node is in quarantine, the others must be a majority without it.
  const left = [...servers].filter(({ id, isMarked }) => voters.includes(id) && !isMarked);
  return left.length * 2 > voters.length;
}
