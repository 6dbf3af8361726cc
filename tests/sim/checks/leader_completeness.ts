/** Raft 5.4: whoever is elected has every entry that was committed before. */

import type { NodeId, Role } from "../../../lib/raft/types.ts";
import type { Check, Step, Violate } from "../check.ts";
import type { Reference } from "../reference.ts";
import type { SimServer } from "../server.ts";
import type { Shadows } from "../shadow.ts";

/** Compares the log of each new leader with what is committed. */
export class LeaderCompleteness implements Check {
  readonly name = "leader-completeness";
  readonly #roles = new Map<NodeId, Role>();
  readonly #reference: Reference;
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(parts: { readonly reference: Reference; readonly shadows: Shadows }, violate: Violate) {
    this.#reference = parts.reference;
    this.#shadows = parts.shadows;
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft }: Step): void {
    const before = this.#roles.get(server.id);
    this.#roles.set(server.id, raft.role);
    if (raft.role !== "Leader" || before === "Leader") return;
    const log = this.#shadows.of(server.id);
    for (const { index, term } of this.#reference.entries) {
      // An entry committed by a later leader says nothing about this one.
      if (term > raft.currentTerm || log.holds(index, term)) continue;
      this.#violate(`node ${server.id} leads in term ${raft.currentTerm} without committed entry ${index}/${term}`);
      return;
    }
  }

  /** See `Check`. */
  ended(server: SimServer): void {
    this.#roles.delete(server.id);
  }
}
