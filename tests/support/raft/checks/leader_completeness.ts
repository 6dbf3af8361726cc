/** Raft 5.4: whoever is elected has every entry that was committed before. */

import type { NodeId, Role } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { CommittedLog } from "./committed_log.ts";
import type { Shadows } from "./shadow.ts";

/** Compares the log of each new leader with what is committed. */
export class LeaderCompleteness implements RaftCheck {
  readonly name = "leader-completeness";
  readonly #roles = new Map<NodeId, Role>();
  readonly #committedLog: CommittedLog;
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(parts: { readonly log: CommittedLog; readonly shadows: Shadows }, violate: Violate) {
    this.#committedLog = parts.log;
    this.#shadows = parts.shadows;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft }: Step): void {
    const before = this.#roles.get(server.id);
    this.#roles.set(server.id, raft.role);
    if (raft.role !== "Leader" || before === "Leader") return;
    const log = this.#shadows.of(server.id);
    for (const { index, term } of this.#committedLog.entries) {
      // An entry committed by a later leader says nothing about this one.
      if (term > raft.currentTerm || log.holds(index, term)) continue;
      this.#violate(`node ${server.id} leads in term ${raft.currentTerm} without committed entry ${index}/${term}`);
      return;
    }
  }

  /** See `RaftCheck`. */
  ended(server: CheckedServer): void {
    this.#roles.delete(server.id);
  }
}
