/** What must hold of one server's state, and between two states of it (`lib/raft/invariants.ts`). */

import { checkInvariants, checkStep } from "../../../lib/raft/invariants.ts";
import type { RaftStatus } from "../../../lib/raft/status.ts";
import type { Check, Step, Violate } from "../check.ts";
import type { SimServer } from "../server.ts";

/** Looks after every step that is more than a tick without effect. */
export class CoreInvariants implements Check {
  readonly name = "core-invariants";
  readonly #before = new Map<object, RaftStatus>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft, event, update }: Step): void {
    if (event.type === "Tick" && update.messages.length === 0 && update.hardState === undefined) return;
    const after = raft.status();
    for (const flaw of checkInvariants({ status: () => after })) this.#violate(flaw);
    const before = this.#before.get(server.life);
    if (before !== undefined) { for (const flaw of checkStep(before, after, update)) this.#violate(flaw); }
    this.#before.set(server.life, after);
  }

  /** See `Check`. */
  ended(server: SimServer): void {
    this.#before.delete(server.life);
  }
}
