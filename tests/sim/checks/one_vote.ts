/** Raft 5.2 and figure 2: a server votes once in a term, for ever, and no vote leaves before it is durable. */

import type { Message } from "../../../lib/raft/messages.ts";
import type { RaftStatus } from "../../../lib/raft/status.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { loadNodeFile } from "../../../lib/storage/load.ts";
import { DIRECTORY } from "../../support/memory/memory_server.ts";
import type { Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { SimServer } from "../server.ts";

/** Remembers every vote that left a process. */
export class OneVote implements Check {
  readonly name = "one-vote";
  readonly #votes = new Map<string, NodeId>();
  /** The last vote of each directory. */
  readonly #last = new Map<NodeId, { readonly term: number; readonly candidate: NodeId }>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `Check`. */
  sent(server: SimServer, message: Message): void {
    if (message.type === "RequestVote" && !message.preVote) this.#vote(server, message.term, server.id);
    else if (message.type === "RequestVoteResult" && !message.preVote && message.voteGranted) {
      this.#vote(server, message.term, message.to);
    }
  }

  /** See `Check`. */
  wiped(server: SimServer): void {
    this.#last.delete(server.id);
  }

  /** See `Check`. What was voted in the term that is recovered is recovered too. */
  started(server: SimServer, raft: RaftStatus): void {
    if (server.rejoins) return;
    const last = this.#last.get(server.id);
    if (last?.term !== raft.currentTerm || last.candidate === raft.votedFor) return;
    this.#violate(
      `node ${server.id} voted for ${last.candidate} in term ${raft.currentTerm} and recovered a vote for ${raft.votedFor}`,
    );
  }

  #vote(server: SimServer, term: number, candidate: NodeId): void {
    const vote = `${server.id}:${term}`;
    const known = this.#votes.get(vote);
    if (known === candidate) return;
    this.#votes.set(vote, candidate);
    this.#last.set(server.id, { term, candidate });
    if (known !== undefined) {
      this.#violate(`node ${server.id} voted for ${known} and for ${candidate} in term ${term}`);
      return;
    }
    // What a power loss at this moment would leave.
    const durable = loadNodeFile(server.asGiven(server.disk.crash()), DIRECTORY, server.id)?.hardState;
    const isKept = durable !== undefined &&
      (durable.currentTerm > term || (durable.currentTerm === term && durable.votedFor === candidate));
    if (!isKept) this.#violate(`a vote of node ${server.id} in term ${term} left before it was durable`);
  }
}
