/** Raft 5.2: at most one leader in a term. */

import type { NodeId } from "../../../lib/raft/types.ts";
import type { Check, Step, Violate } from "../check.ts";
import type { SimServer } from "../server.ts";

/** Remembers the leader of every term. */
export class ElectionSafety implements Check {
  readonly name = "election-safety";
  readonly #leaders = new Map<number, NodeId>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft }: Step): void {
    if (raft.role !== "Leader") return;
    const known = this.#leaders.get(raft.currentTerm);
    if (known === server.id) return;
    if (known === undefined) this.#leaders.set(raft.currentTerm, server.id);
    else this.#violate(`nodes ${known} and ${server.id} both lead in term ${raft.currentTerm}`);
  }
}
