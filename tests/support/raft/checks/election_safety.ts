/** Raft 5.2: at most one leader in a term. */

import type { NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";

/** Remembers the leader of every term. */
export class ElectionSafety implements RaftCheck {
  readonly name = "election-safety";
  readonly #leaders = new Map<number, NodeId>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft }: Step): void {
    if (raft.role !== "Leader") return;
    const known = this.#leaders.get(raft.currentTerm);
    if (known === server.id) return;
    if (known === undefined) this.#leaders.set(raft.currentTerm, server.id);
    else this.#violate(`nodes ${known} and ${server.id} both lead in term ${raft.currentTerm}`);
  }
}
