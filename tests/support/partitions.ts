/** Servers that are cut off from all others, one at a time: the leader now and then, and others. */

import type { Random } from "../../lib/base/random.ts";
import type { MajorityWindows } from "./majority_windows.ts";
import type { ProcessCluster } from "./process_cluster.ts";
import { delay } from "./wait.ts";

const CUT_MS = { least: 1_500, most: 3_000 } as const;
const GAP_MS = { least: 2_000, most: 5_000 } as const;
const LOOK_MS = 50;
/** The first one, and then each eighth, cuts off the leader: it takes the others an election timeout, a second or two, to be sure. */
const LEADER_EVERY = 8;
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
  /** How often something was held back by a cut between the leader and the others, or between another voter and the others. */
  readonly felt = { leader: 0, minority: 0 };
  /** In which windows the leader was cut off. */
  readonly leaderCutIn: number[] = [];
  readonly #options: PartitionsOptions;
  readonly #done: Promise<void>;
  #isStopped = false;
  #cutOff: number | undefined;

  /** Begins. */
  constructor(options: PartitionsOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** The server that is cut off now. */
  get cutOff(): number | undefined {
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
      const others = voters().filter((id) => id !== leading);
      await this.#cut(isLeader ? leading : random.pick(others), isLeader ? "leader" : "minority");
    }
  }

  async #cut(id: number, kind: "leader" | "minority"): Promise<void> {
    const { cluster: { proxy }, windows } = this.#options;
    const before = this.#heldBack(id);
    if (kind === "leader") this.leaderCutIn.push(windows.window);
    windows.leave(id);
    proxy.isolate(id, IDS);
    this.#cutOff = id;
    await this.#pause(CUT_MS);
    this.#cutOff = undefined;
    if (this.#heldBack(id) > before) this.felt[kind] += 1;
    proxy.heal();
    windows.come(id);
  }

  #heldBack(id: number): number {
    const { proxy } = this.#options.cluster;
    return IDS.reduce((sum, other) => sum + proxy.effects(id, other).heldBack + proxy.effects(other, id).heldBack, 0);
  }

  async #pause({ least, most }: { readonly least: number; readonly most: number }): Promise<void> {
    const end = performance.now() + this.#options.random.between(least, most);
    while (!this.#isStopped && performance.now() < end) await delay(LOOK_MS);
  }
}
