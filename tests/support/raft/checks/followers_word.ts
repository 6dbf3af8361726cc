/**
 * Raft 5.3, 6, figure 2: what a server tells of its log is so: it acknowledges what equals the log of that leader, it refuses
 * nothing that is committed, and it votes only when it knows who its peers are.
 */

import type { AppendEntriesResult } from "../../../../lib/raft/messages.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { ShadowLog, Shadows } from "./shadow.ts";

/** Holds each answer against the logs of both sides at the moment it is given. */
export class FollowersWord implements RaftCheck {
  readonly name = "followers-word";
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, step: Step): void {
    for (const message of step.update.durableMessages) {
      if (message.type === "AppendEntriesResult") this.#answered(server, step, message);
      if (message.type !== "RequestVoteResult" || message.preVote || !message.voteGranted) continue;
      if (step.raft.configuration.voters.length > 0) continue;
      this.#violate(`node ${server.id} votes for ${message.to} in term ${message.term} and knows no voters`);
    }
  }

  #answered(
    server: CheckedServer,
    { raft, event }: Step,
    { success, to, term, matchIndex }: AppendEntriesResult,
  ): void {
    if (success) {
      const [own, leader] = [this.#shadows.of(server.id), this.#shadows.of(to)];
      // A leader's log only grows, until its process ends and takes what was not durable with it.
      if (leader.currentTerm !== term || leader.raft?.role !== "Leader" || areEqualAt(matchIndex, own, leader)) return;
      this.#violate(`node ${server.id} acknowledges entry ${matchIndex} to node ${to}, whose log differs there`);
    }
    const message = event.type === "Receive" ? event.message : undefined;
    if (success || message?.type !== "AppendEntries" || message.term !== raft.currentTerm) return;
    if (message.prevLogIndex > raft.commitIndex) return;
    this.#violate(
      `node ${server.id} refuses what follows entry ${message.prevLogIndex}, and knows it for committed up to ` +
        raft.commitIndex,
    );
  }
}

/** Whether two logs have the same entry at an index, as far as it is in both; what a snapshot covers is committed. */
function areEqualAt(index: number, own: ShadowLog, leader: ShadowLog): boolean {
  if (index <= own.baseIndex || index <= leader.baseIndex) return true;
  return own.terms.get(index) === leader.terms.get(index);
}
