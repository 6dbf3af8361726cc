/** A server that is cut off from all others, or of five voters two together: the leader alone now and then, and others. */

import type { Random } from "../../lib/base/random.ts";
import type { MajorityWindows } from "./majority_windows.ts";
import type { ProcessCluster } from "./process_cluster.ts";
import { delay } from "./wait.ts";

const CUT_MS = { least: 1_500, most: 3_000 } as const;
const GAP_MS = { least: 2_000, most: 5_000 } as const;
const LOOK_MS = 50;
/** The first one, and then each eighth, cuts off the leader: it takes the others an election timeout, a second or two, to be sure. */
const LEADER_EVERY = 8;
/** With so many voters each second cut that is none of the leader takes two, and the majority is left with just enough. */
const VOTERS_FOR_TWO = 5;
/** A server that begins while another is cut off must not reach it either. */
const IDS = Array.from({ length: 1_000 }, (_, id) => id);

/** What partitions work with. */
export interface PartitionsOptions {
  readonly cluster: ProcessCluster;
  readonly windows: MajorityWindows;
  readonly random: Random;
  /** The voters, as far as they are known. */
  voters(): readonly number[];
  /** Resolves to the leader. */
  leader(): Promise<number>;
}

/** Cuts and mends until it is stopped. */
export class Partitions {
  /** How often something was held back by a cut between the leader and the others, another voter and the others, or two and the others. */
  readonly felt = { leader: 0, minority: 0, two: 0 };
  /** In which windows the leader was cut off. */
  readonly leaderCutIn: number[] = [];
  readonly #options: PartitionsOptions;
  readonly #done: Promise<void>;
  #isStopped = false;
  #cutOff: readonly number[] = [];

  /** Begins. */
  constructor(options: PartitionsOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** The servers that are cut off now. */
  get cutOff(): readonly number[] {
    return this.#cutOff;
  }

  /** Mends everything. Rejects with what went wrong. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#isStopped; round++) {
      await this.#pause(GAP_MS);
      if (this.#isStopped) return;
      const isLeader = round % LEADER_EVERY === 0;
      const { leader, voters, random } = this.#options;
      const leading = await leader();
      if (isLeader) {
        await this.#cut([leading], "leader");
        continue;
      }
      const others = voters().filter((id) => id !== leading);
      const first = random.pick(others);
      const isTwo = voters().length >= VOTERS_FOR_TWO && round % 2 === 1;
      if (isTwo) await this.#cut([first, random.pick(others.filter((id) => id !== first))], "two");
      else await this.#cut([first], "minority");
    }
  }

  /** Those that are cut off reach each other. */
  async #cut(ids: readonly number[], kind: "leader" | "minority" | "two"): Promise<void> {
    const { cluster: { proxy }, windows } = this.#options;
    const before = this.#heldBack(ids);
    if (kind === "leader") this.leaderCutIn.push(windows.window);
    for (const id of ids) {
      windows.leave(id);
      proxy.isolate(id, IDS.filter((other) => !ids.includes(other)));
    }
    this.#cutOff = ids;
    await this.#pause(CUT_MS);
    this.#cutOff = [];
    if (this.#heldBack(ids) > before) this.felt[kind] += 1;
    proxy.heal();
    for (const id of ids) windows.come(id);
  }

  #heldBack(ids: readonly number[]): number {
    const { proxy } = this.#options.cluster;
    const both = (id: number, other: number) => proxy.effects(id, other).heldBack + proxy.effects(other, id).heldBack;
    return ids.reduce((sum, id) => IDS.reduce((part, other) => part + both(id, other), sum), 0);
  }

  async #pause({ least, most }: { readonly least: number; readonly most: number }): Promise<void> {
    const end = performance.now() + this.#options.random.between(least, most);
    while (!this.#isStopped && performance.now() < end) await delay(LOOK_MS);
  }
}
