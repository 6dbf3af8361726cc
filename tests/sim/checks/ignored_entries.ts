/**
 * Raft 5.3: a follower stores what the leader of its term sends, or refuses it. What it ignores it would wait for until it is
 * started again.
 */

import type { AppendEntries } from "../../../lib/raft/messages.ts";
import type { Step, Violate } from "../../support/raft/checks/check.ts";
import type { Shadows } from "../../support/raft/checks/shadow.ts";
import type { Check } from "../check.ts";
import type { SimServer } from "../server.ts";

/** Holds each AppendEntries against the log and the answers of the step that took it. */
export class IgnoredEntries implements Check {
  readonly name = "ignored-entries";
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft, event, update }: Step): void {
    const message = event.type === "Receive" ? event.message : undefined;
    if (message?.type !== "AppendEntries" || message.term !== raft.currentTerm) return;
    if (raft.leaderId !== message.from || this.#holds(server, raft.commitIndex, message)) return;
    if (update.durableMessages.some((answer) => answer.type === "AppendEntriesResult" && !answer.success)) return;
    this.#violate(
      `node ${server.id} ignores what its leader ${message.from} sends to follow entry ` +
        `${message.prevLogIndex}/${message.prevLogTerm}`,
    );
  }

  #holds({ id }: SimServer, commitIndex: number, { prevLogIndex, prevLogTerm, entries }: AppendEntries): boolean {
    const last = prevLogIndex + (entries?.count ?? 0);
    return last <= commitIndex || this.#shadows.of(id).termAt(last) === (entries?.term ?? prevLogTerm);
  }
}
