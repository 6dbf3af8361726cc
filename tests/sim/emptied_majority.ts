/**
 * A majority of the machines start with empty directories and without a flag, as after a volume that was not mounted; later
 * they have their own again. Meanwhile other servers, the guests, run in their places.
 */

import type { Random } from "../../lib/base/random.ts";
import type { Operator } from "./operator.ts";
import { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** In shortest election timeouts: long enough to wait for whoever does not answer, and to elect. */
const TIMEOUTS_MIN = 3;
const TIMEOUTS_MAX = 10;

/** Owns the guests. */
export class EmptiedMajority {
  readonly #world: World;
  readonly #operator: Operator;
  readonly #random: Random;
  #guests: SimServer[] = [];

  constructor(world: World, { operator, random }: { readonly operator: Operator; readonly random: Random }) {
    this.#world = world;
    this.#operator = operator;
    this.#random = random;
  }

  /** Begins; false when the moment does not allow it: those that keep their data must be able to tell the others. */
  begin(): boolean {
    const { settings, clock } = this.#world;
    const servers = this.#world.membersLeft();
    const lacking = servers.some((server) => {
      // One that has entries, and was not told yet that any is committed, has no id to tell (ADR 10).
      const knowsCluster = this.#world.shadows.of(server.id).raft?.clusterId !== undefined;
      return server.hasLostData || server.isMarked || !knowsCluster || !this.#operator.isKnown(server) ||
        this.#world.isTaken(server);
    });
    if (this.#guests.length > 0 || servers.length < 3 || lacking) return false;
    const count = this.#random.between(Math.floor(servers.length / 2) + 1, servers.length - 1);
    const left = [...servers];
    while (servers.length - left.length < count) {
      const [server] = left.splice(this.#random.below(left.length), 1);
      if (server !== undefined) this.#replace(server);
    }
    const guests = this.#guests;
    const timeouts = this.#random.between(TIMEOUTS_MIN, TIMEOUTS_MAX);
    clock.after(settings.electionTimeoutMs * timeouts, () => {
      if (this.#guests === guests) this.end();
    });
    return true;
  }

  /** The machines have their own directories again; who runs the servers starts them. */
  end(): void {
    for (const guest of this.#guests) {
      guest.kill();
      this.#world.network.replace(guest.id);
      this.#world.server(guest.id).isReplaced = false;
    }
    this.#guests = [];
  }

  #replace(server: SimServer): void {
    server.losePower({});
    this.#world.network.replace(server.id);
    server.isReplaced = true;
    const guest = new SimServer(this.#world, server.id, { isGuest: true });
    guest.moveTo(server.place);
    this.#guests.push(guest);
    guest.start();
  }
}
