/**
 * Raft 5.1, figure 2: a candidate counts the votes of its own term, and a leader what servers acknowledged in its own term,
 * each from the directory that its configuration names.
 */

import type { Message } from "../../../../lib/raft/messages.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedCore, CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import { isMajority, majoritySets } from "./quorum_at_commit.ts";

/** What one process was told in one term. */
interface Told {
  readonly term: number;
  readonly votes: Set<NodeId>;
  /** The highest index that each server acknowledged, and the directory that was its own then. */
  readonly matches: Map<NodeId, { readonly identity: string; readonly index: number }>;
  hasWon: boolean;
}

/** Keeps its own count of what arrives. */
export class CountedAnswers implements RaftCheck {
  readonly name = "counted-answers";
  readonly #told = new WeakMap<object, Told>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft, event }: Step): void {
    if (raft.role === "Follower") return;
    const told = this.#toldTo(server, raft.currentTerm);
    const message = event.type === "Receive" ? event.message : undefined;
    if (message !== undefined && message.term === told.term) take(told, raft, message);
    if (raft.role !== "Leader") return;
    if (!told.hasWon) this.#won(server, raft, told);
    if (message?.type === "AppendEntriesResult") this.#judge(server, { raft, told, peer: message.from });
  }

  #won(server: CheckedServer, raft: CheckedCore, told: Told): void {
    told.hasWon = true;
    for (const set of majoritySets(raft.configuration)) {
      const voted = set.filter((id) => id === server.id || told.votes.has(id));
      if (isMajority(voted, set)) continue;
      this.#violate(`node ${server.id} leads in term ${told.term} by the votes of ${voted} out of ${set}`);
    }
  }

  #judge(
    server: CheckedServer,
    { raft, told, peer }: { readonly raft: CheckedCore; readonly told: Told; readonly peer: NodeId },
  ): void {
    const matchIndex = raft.status().progress.find(({ id }) => id === peer)?.matchIndex ?? 0;
    const acknowledged = acknowledgedOf(told, raft, peer);
    if (matchIndex <= acknowledged) return;
    this.#violate(
      `node ${server.id} counts ${matchIndex} entries on node ${peer}, which acknowledged ${acknowledged} in term ${told.term}`,
    );
  }

  #toldTo({ life }: CheckedServer, term: number): Told {
    const known = this.#told.get(life);
    if (known?.term === term) return known;
    const told: Told = { term, votes: new Set(), matches: new Map(), hasWon: false };
    this.#told.set(life, told);
    return told;
  }
}

function take(told: Told, raft: CheckedCore, message: Message): void {
  const { from } = message;
  if (message.type === "RequestVoteResult" && message.voteGranted && !message.preVote) told.votes.add(from);
  const index = acknowledgedBy(message);
  if (index === undefined) return;
  const acknowledged = acknowledgedOf(told, raft, from);
  told.matches.set(from, { identity: identityOf(raft, from), index: Math.max(acknowledged, index) });
}

/** What the directory that the configuration names has acknowledged; one without a name is the one that gets it. */
function acknowledgedOf({ matches }: Told, raft: CheckedCore, peer: NodeId): number {
  const match = matches.get(peer);
  const isSame = match?.identity === "" || match?.identity === identityOf(raft, peer);
  return isSame ? match?.index ?? 0 : 0;
}

function acknowledgedBy(message: Message): number | undefined {
  if (message.type === "AppendEntriesResult") return message.success ? message.matchIndex : undefined;
  return message.type === "InstallSnapshotResult" && message.installed ? message.lastIncludedIndex : undefined;
}

function identityOf({ configuration }: CheckedCore, peer: NodeId): string {
  return configuration.members.find(({ id }) => id === peer)?.identity ?? "";
}
