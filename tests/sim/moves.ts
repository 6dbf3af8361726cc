/**
 * Servers that come back at other addresses, with the same directories: where nobody was before, where another one was or is, one
 * alone or all at once. So who is dialed where it was may be found by one that stands there now.
 */

import type { Random } from "../../lib/base/random.ts";
import type { Check } from "./check.ts";
import type { Operator } from "./operator.ts";
import type { SimServer } from "./server.ts";
import { shuffled } from "./shuffled.ts";
import type { World } from "./world.ts";

const KINDS = ["elsewhere", "elsewhere", "where another was", "where another was", "exchanged", "all"] as const;

/** Owns which machine each server is on. */
export class Moves implements Check {
  readonly name = "moves";
  readonly #world: World;
  readonly #operator: Operator;
  /** Every log has had the names of all founders' directories: before, ids and addresses are one (`membersFingerprint`). */
  #isFounded = false;
  #lastPlace: number;

  constructor(world: World, operator: Operator) {
    this.#world = world;
    this.#operator = operator;
    this.#lastPlace = world.servers.length - 1;
  }

  /** See `Check`. */
  watch(): void {
    this.#isFounded ||= this.#world.founders.every(({ id }) => this.#operator.isKnown(this.#world.server(id)));
  }

  /** Moves some servers; false when the moment does not allow it. */
  begin(random: Random): boolean {
    const begun = this.#world.servers.filter(({ isIdle, isRetired }) => !isIdle && !isRetired);
    const servers = begun.filter((server) => !server.isReplaced);
    const [first, second] = shuffled(servers, random);
    if (!this.#isFounded || first === undefined || begun.some((server) => this.#world.isTaken(server))) return false;
    const kind = random.pick(KINDS);
    if (kind === "all") this.#moveAll(servers, random);
    else if (kind === "exchanged" && second !== undefined) {
      this.#move([[first, second.place], [second, first.place]], random);
    } else this.#move([[first, kind === "where another was" ? this.#left(random) : this.#fresh()]], random);
    return true;
  }

  /** To other places, or each to that of the next. */
  #moveAll(servers: readonly SimServer[], random: Random): void {
    const areTurned = random.chance(0.5);
    const places = servers.map((_, at) => servers[(at + 1) % servers.length]?.place);
    this.#move(servers.map((server, at) => [server, (areTurned ? places[at] : undefined) ?? this.#fresh()]), random);
  }

  #move(moves: readonly (readonly [SimServer, number])[], random: Random): void {
    this.#world.haveMoved = true;
    for (const [server, place] of moves) {
      this.#world.trace(() => `node ${server.id} moves to place ${place}`);
      server.moveTo(place);
      if (server.state === "Running" && !server.life.paused && random.chance(0.5)) server.stop();
      else if (server.state !== "Stopping") server.kill();
    }
  }

  #fresh(): number {
    this.#lastPlace += 1;
    return this.#lastPlace;
  }

  /** Where somebody was and nobody is. */
  #left(random: Random): number {
    const taken = new Set(this.#world.servers.filter(({ isRetired }) => !isRetired).map(({ place }) => place));
    const left = Array.from({ length: this.#lastPlace + 1 }, (_, place) => place).filter((place) => !taken.has(place));
    return left.length === 0 ? this.#fresh() : random.pick(left);
  }
}
