/**
 * Programs of two versions in one run: each node has the one of before or the newest, and gets the other one now and then. No
 * process may ever have an entry in its log that its program cannot read (ADR 18).
 */

import { Random } from "../../lib/base/random.ts";
import { FIRST_LEVEL, SPOKEN_VERSIONS, type VersionRange } from "../../lib/transport/versions.ts";
import type { Step } from "../support/raft/checks/check.ts";
import type { Check } from "./check.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** What the programs of before speak: one of the two in a run. */
const BEFORE: readonly VersionRange[] = [FIRST_LEVEL, SPOKEN_VERSIONS.newest - 1].map((newest) => {
  return { oldest: SPOKEN_VERSIONS.oldest, newest };
});
/** At each look: that a node gets a program, and that it is the newest. */
const CHANGE_PROBABILITY = 0.07;
const NEWEST_PROBABILITY = 0.75;

/** Owns which program each node is started with. */
export class Programs implements Check {
  readonly name = "programs";
  readonly #world: World;
  readonly #random: Random;
  readonly #before: VersionRange | undefined;
  #isOver = false;

  /** All begin with the program of before. */
  constructor(world: World) {
    this.#world = world;
    this.#random = new Random(world.settings.seed ^ 0x9409);
    this.#before = BEFORE[world.settings.seed % BEFORE.length];
    for (const server of world.servers) server.versions = this.#before;
  }

  /** See `Check`. */
  watch(): void {
    if (this.#isOver || !this.#random.chance(CHANGE_PROBABILITY)) return;
    const server = this.#random.pick(this.#world.servers);
    const versions = this.#random.chance(NEWEST_PROBABILITY) ? undefined : this.#before;
    if (server.isReplaced || server.versions === versions) return;
    this.#install(server, versions);
  }

  /** See `Check`. */
  stepped({ id, versions = SPOKEN_VERSIONS }: SimServer, { raft: { configuration: { level = 0 } } }: Step): void {
    if (level <= versions.newest) return;
    this.#world.violate(
      "programs",
      `node ${id} has level ${level} in its log, and its program speaks ${versions.newest}`,
    );
  }

  /** Every node gets the newest program, for good. */
  end(): void {
    this.#isOver = true;
    for (const server of this.#world.servers) if (server.versions !== undefined) this.#install(server, undefined);
  }

  #install(server: SimServer, versions: VersionRange | undefined): void {
    this.#world.counts.add("operator/program");
    this.#world.trace(() =>
      `node ${server.id} gets the ${versions === undefined ? "newest program" : "program of before"}`
    );
    server.kill();
    server.versions = versions;
  }
}
