/** What must hold of one server's state, and between two states of it (`lib/raft/invariants.ts`). */

import { checkInvariants, checkStep } from "../../../../lib/raft/invariants.ts";
import type { RaftStatus } from "../../../../lib/raft/status.ts";
import type { Update } from "../../../../lib/raft/update.ts";
import type { CheckedCore, CheckedServer, RaftCheck, Step, Violate } from "./check.ts";

/** Looks after every step but ticks that change nothing. */
export class CoreInvariants implements RaftCheck {
  readonly name = "core-invariants";
  readonly #before = new Map<object, RaftStatus>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft, event, update }: Step): void {
    const before = this.#before.get(server.life);
    if (event.type === "Tick" && isIdle(update) && before !== undefined && isUnchanged(before, raft)) return;
    const after = raft.status();
    for (const flaw of checkInvariants({ status: () => after })) this.#violate(flaw);
    if (before !== undefined) { for (const flaw of checkStep(before, after, update)) this.#violate(flaw); }
    this.#before.set(server.life, after);
  }

  /** See `RaftCheck`. */
  started(server: CheckedServer, status: RaftStatus): void {
    this.#before.set(server.life, status);
  }

  /** See `RaftCheck`. */
  ended(server: CheckedServer): void {
    this.#before.delete(server.life);
  }
}

function isIdle({ messages, durableMessages, hardState, writes, apply, confirmedReads }: Update): boolean {
  const lists = [messages, durableMessages, writes, apply, confirmedReads];
  return hardState === undefined && lists.every(({ length }) => length === 0);
}

function isUnchanged(before: RaftStatus, raft: CheckedCore): boolean {
  return before.role === raft.role && before.currentTerm === raft.currentTerm &&
    before.commitIndex === raft.commitIndex;
}
