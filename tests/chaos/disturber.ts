/** Deals faults, several at a time, in episodes; after each episode everything is healed and writes must go on. */

import type { Random } from "../../lib/base/random.ts";
import { delay } from "../support/wait.ts";
import { DISK_FAULTS } from "./faults/disk_faults.ts";
import { FaultTally } from "./fault_tally.ts";
import { type Fault, type Running, shuffled, type Stage } from "./faults/fault.ts";
import { MEMBERSHIP_FAULTS } from "./faults/membership_faults.ts";
import { NETWORK_FAULTS } from "./faults/network_faults.ts";
import { PROCESS_FAULTS } from "./faults/process_faults.ts";

/** Every kind of fault. */
export const FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...NETWORK_FAULTS, ...DISK_FAULTS, ...MEMBERSHIP_FAULTS];

/** Those that show most of what a leader may do wrong come more often than the others. */
const FREQUENT: ReadonlySet<string> = new Set(["isolate-leader", "pause-leader"]);
const EPISODE_MS = { least: 6_000, most: 12_000 } as const;
const GAP_MS = { least: 100, most: 1_200 } as const;
const CALM_MS = 300;
/** Faults at the same time, drawn for each episode: with many at once there is seldom a majority, and little happens. */
const RUNNING = { least: 1, most: 3 } as const;
/** After an episode so many writes must be acknowledged ... */
const PROGRESS_WRITES = 40;
/** ... within this time, which the start of all nodes and an election are part of. */
const PROGRESS_TIMEOUT_MS = 20_000;
/** A fault that nobody has felt yet lasts so much longer, between others or alone. */
const EFFECT_TIMEOUT_MS = { amongOthers: 4_000, alone: 15_000 } as const;
/** A kind that was dealt and not felt is dealt again in the end, when nothing else is in its way. */
const MAKE_UP_ATTEMPTS = 3;

/** What disturbers work with. */
export interface DisturberOptions {
  readonly stage: Stage;
  readonly random: Random;
  /** Writes acknowledged so far. */
  acknowledged(): number;
  /** The same by the way that they take: after each episode they must go on in every way. */
  readonly routes: ReadonlyMap<string, number>;
  /** How long that may take; `PROGRESS_TIMEOUT_MS` when left out. */
  readonly progressTimeoutMs?: number;
  /** Hears of each fault as it begins and ends. */
  say(line: string): void;
  /** The kinds of faults that are dealt; all of them when left out. */
  readonly faults?: readonly Fault[];
}

/** When a disturber ends. */
export interface DisturberEnd {
  /** No more episodes: what was not felt is made up for. */
  over(): boolean;
  /** Nothing any more. */
  stopped(): boolean;
}

/** Deals faults. */
export class Disturber {
  /** How often each kind of fault was begun and felt. */
  readonly tally = new FaultTally();
  /** One line for each episode after which nothing went on. */
  readonly problems: string[] = [];
  readonly #options: DisturberOptions;
  readonly #running = new Set<Promise<void>>();
  /** The rest of a shuffled pack: every kind has its turn before one comes again. */
  #pack: Fault[] = [];

  /** A disturber at rest. */
  constructor(options: DisturberOptions) {
    this.#options = options;
  }

  get #faults(): readonly Fault[] {
    return this.#options.faults ?? FAULTS;
  }

  /** Episodes, each of them healed in its end; then what was dealt and had no effect is made up for. */
  async run({ over, stopped }: DisturberEnd): Promise<void> {
    const isOver = () => over() || stopped();
    while (!isOver() && this.problems.length === 0) {
      try {
        await this.#episode(isOver);
      } finally {
        while (this.#running.size > 0) await Promise.all(this.#running);
      }
      await this.#recover();
    }
    for (let attempt = 0; attempt < MAKE_UP_ATTEMPTS; attempt++) {
      for (const name of this.tally.unfelt) {
        if (!stopped() && this.problems.length === 0) await this.#makeUpFor(name);
      }
    }
  }

  async #recover(): Promise<void> {
    await this.#options.stage.fleet.heal();
    await this.#goesOn();
    await delay(CALM_MS);
  }

  async #makeUpFor(name: string): Promise<void> {
    const { stage, random } = this.#options;
    const fault = this.#faults.find((one) => one.name === name);
    const running = await fault?.begin(stage, random.fork());
    if (fault === undefined || running === undefined) return;
    this.#tell(fault, running);
    await this.#finish(fault, { running, effectTimeoutMs: EFFECT_TIMEOUT_MS.alone });
    await this.#recover();
  }

  async #episode(over: () => boolean): Promise<void> {
    const { random } = this.#options;
    const end = performance.now() + random.between(EPISODE_MS.least, EPISODE_MS.most);
    const atATime = random.between(RUNNING.least, RUNNING.most);
    while (performance.now() < end && !over()) {
      if (this.#running.size < atATime) await this.#deal();
      await delay(random.between(GAP_MS.least, GAP_MS.most));
    }
  }

  /** Begins the first fault of the pack that is possible now. */
  async #deal(): Promise<void> {
    const { stage, random } = this.#options;
    if (this.#pack.length === 0) {
      this.#pack = shuffled([...this.#faults, ...this.#faults.filter(({ name }) => FREQUENT.has(name))], random);
    }
    for (const fault of [...this.#pack]) {
      const running = await fault.begin(stage, random.fork());
      if (running === undefined) continue;
      this.#pack.splice(this.#pack.indexOf(fault), 1);
      this.#tell(fault, running);
      const effectTimeoutMs = EFFECT_TIMEOUT_MS.amongOthers;
      const task: Promise<void> = this.#finish(fault, { running, effectTimeoutMs }).then(() => {
        this.#running.delete(task);
      });
      this.#running.add(task);
      return;
    }
  }

  #tell({ name }: Fault, { detail }: Running): void {
    this.tally.begin(name);
    this.#options.say(`${name} ${detail}`);
  }

  async #finish(
    { name }: Fault,
    { running, effectTimeoutMs }: { readonly running: Running; readonly effectTimeoutMs: number },
  ): Promise<void> {
    await delay(running.lastsMs);
    const end = performance.now() + effectTimeoutMs;
    while (running.effect() === "pending" && performance.now() < end) await delay(20);
    try {
      // Of what has ended by its own effect only the end knows, and of others only what comes before it.
      const wasFelt = running.effect() === "felt";
      await running.end();
      if (wasFelt || running.effect() === "felt") this.tally.feel(name);
      this.#options.say(`end of ${name} ${running.detail}`);
    } catch (error) {
      this.problems.push(`the end of ${name} failed: ${error instanceof Error ? error.stack : error}`);
    }
  }

  async #goesOn(): Promise<void> {
    const { acknowledged, routes, progressTimeoutMs = PROGRESS_TIMEOUT_MS } = this.#options;
    const begin = performance.now();
    const wanted = acknowledged() + PROGRESS_WRITES;
    const before = new Map(routes);
    const resting = () =>
      [...routes].filter(([route, count]) => count <= (before.get(route) ?? 0)).map(([name]) => name);
    while (acknowledged() < wanted || resting().length > 0) {
      if (performance.now() - begin > progressTimeoutMs) {
        const where = resting().length === 0 ? "" : `: ${resting().join(", ")}`;
        this.problems.push(`${progressTimeoutMs} ms after the last fault of an episode, writes do not go on${where}`);
        return;
      }
      await delay(20);
    }
    this.#options.say(`healed, ${PROGRESS_WRITES} writes in ${Math.round(performance.now() - begin)} ms`);
  }
}
