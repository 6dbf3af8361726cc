/** Raft 5.1: terms only grow, across restarts too. Within a life the core's own invariants say so. */

import type { Message } from "../../../../lib/raft/messages.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";

/** Compares the term in which a life begins with those that the lives before it have shown. */
export class Monotonic implements RaftCheck {
  readonly name = "monotonic";
  readonly #lives = new Map<NodeId, object>();
  /** The last term of which a message has left the process: that one must have been durable. */
  readonly #shown = new Map<NodeId, number>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft: { currentTerm } }: Step): void {
    if (this.#lives.get(server.id) === server.life) return;
    this.#lives.set(server.id, server.life);
    const shown = this.#shown.get(server.id) ?? 0;
    if (currentTerm >= shown) return;
    this.#violate(`node ${server.id} is in term ${currentTerm} but has sent messages of term ${shown}`);
  }

  /** See `RaftCheck`. */
  sent(server: CheckedServer, message: Message): void {
    const isQuestion = message.type === "RequestVote" && message.preVote;
    const isGranted = message.type === "RequestVoteResult" && message.preVote && message.voteGranted;
    // A PreVote names a term that nobody is in yet.
    if (!isQuestion && !isGranted) this.#shown.set(server.id, Math.max(this.#shown.get(server.id) ?? 0, message.term));
  }

  /** See `RaftCheck`. */
  wiped(server: CheckedServer): void {
    this.#shown.delete(server.id);
  }
}
