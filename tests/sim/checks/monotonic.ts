/** Raft 5.1: terms only grow, also across restarts; the commit index and what is applied grow within a life. */

import type { NodeId } from "../../../lib/raft/types.ts";
import type { Check, Step, Violate } from "../check.ts";
import type { SimServer } from "../server.ts";

interface Seen {
  life: object;
  term: number;
  commitIndex: number;
}

/** Remembers the highest values. */
export class Monotonic implements Check {
  readonly name = "monotonic";
  readonly #seen = new Map<NodeId, Seen>();
  /** The last term of which a message has left the process: that one must have been durable. */
  readonly #shown = new Map<NodeId, number>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft }: Step): void {
    const { currentTerm: term, commitIndex } = raft;
    const seen = this.#seen.get(server.id);
    if (seen === undefined || seen.life !== server.life) {
      this.#seen.set(server.id, { life: server.life, term, commitIndex });
      const shown = this.#shown.get(server.id) ?? 0;
      if (term < shown) this.#violate(`node ${server.id} is in term ${term} but has sent messages of term ${shown}`);
      return;
    }
    if (term < seen.term) this.#violate(`node ${server.id}: the term fell from ${seen.term} to ${term}`);
    if (commitIndex < seen.commitIndex) this.#violate(`node ${server.id}: the commit index fell to ${commitIndex}`);
    seen.term = term;
    seen.commitIndex = commitIndex;
  }

  /** See `Check`. */
  sent(server: SimServer, message: Parameters<Required<Check>["sent"]>[1]): void {
    const isQuestion = message.type === "RequestVote" && message.preVote;
    const isGranted = message.type === "RequestVoteResult" && message.preVote && message.voteGranted;
    // A PreVote names a term that nobody is in yet.
    if (!isQuestion && !isGranted) this.#shown.set(server.id, Math.max(this.#shown.get(server.id) ?? 0, message.term));
  }

  /** See `Check`. */
  wiped(server: SimServer): void {
    this.#shown.delete(server.id);
  }
}
