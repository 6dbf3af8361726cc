/** How old the applied state may be: what a stale read tells, which asks nobody (ADR 22). */

import type { Clock } from "../../base/clock.ts";
import { quorumValue } from "../../raft/quorum.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { Index, Role, Term } from "../../raft/types.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import type { AppliedState } from "../effects/applied.ts";

/** What it looks at. */
export interface FreshnessParts {
  readonly raft: Pick<RaftNode, "id" | "role" | "currentTerm" | "commitIndex" | "configuration">;
  readonly transport: Pick<Transport, "peers">;
  readonly clock: Pick<Clock, "now">;
  readonly applied: Pick<AppliedState, "id">;
}

/** A state that has applied `index`, and an entry of `term` or later, holds every write acknowledged before `at` (monotonic ms). */
export interface CompletePoint {
  readonly at: number;
  readonly index: Index;
  readonly term: Term;
}

/** What a server was after `at`. */
interface Sighting {
  readonly at: number;
  readonly role: Role;
  readonly term: Term;
  readonly commitIndex: Index;
}

/** The latest moment as of which the state of this node is known to be complete. Costs no message: pings are answered anyway. */
export class Freshness {
  readonly #parts: FreshnessParts;
  #completeAt: number | undefined;
  /** The oldest point that is not applied yet: newer ones could run ahead of a slow node forever. */
  #waiting: CompletePoint | undefined;

  /** Nothing is known yet. */
  constructor(parts: FreshnessParts) {
    this.#parts = parts;
  }

  /** Takes note of what is known now; to be called more often than peers are pinged, since each answer replaces the last one. */
  look(): void {
    const latest = completePoint(this.#parts);
    for (const point of [this.#waiting, latest]) {
      if (point === undefined || !this.#holds(point)) continue;
      this.#completeAt = Math.max(this.#completeAt ?? point.at, point.at);
    }
    if (this.#waiting === undefined || this.#holds(this.#waiting)) this.#waiting = latest;
  }

  /** See `NodeReader.ageMs`. */
  ageMs(): number | undefined {
    this.look();
    if (this.#completeAt === undefined) return undefined;
    return Math.max(0, Math.ceil(this.#parts.clock.now() - this.#completeAt));
  }

  #holds({ index, term }: CompletePoint): boolean {
    const { id } = this.#parts.applied;
    return id.index >= index && id.term >= term;
  }
}

/**
 * A leader was seen in term T, and servers that are a majority were in no later term after `at`: a leader of a later term needs
 * the vote of one of them, so none was there before, and what is acknowledged by then is committed at the leader that was seen,
 * or was before its term began. Undefined where no leader or no majority was ever seen.
 */
export function completePoint({ raft, transport, clock }: FreshnessParts): CompletePoint | undefined {
  const { id, role, currentTerm: term, commitIndex, configuration } = raft;
  const sightings = new Map(transport.peers().flatMap((peer) => sightingOf(peer)));
  sightings.set(id, { at: clock.now(), role, term, commitIndex });
  const [leader] = [...sightings.values()].filter((one) => one.role === "Leader").sort((a, b) => b.term - a.term);
  if (leader === undefined || configuration.voters.length === 0) return undefined;
  const majorityAt = quorumValue(configuration, (voter) => {
    const seen = sightings.get(voter);
    return seen === undefined || seen.term > leader.term ? -Infinity : seen.at;
  });
  if (majorityAt === -Infinity) return undefined;
  return { at: Math.min(majorityAt, leader.at), index: leader.commitIndex, term: leader.term };
}

function sightingOf({ id, lastAnswer }: PeerInfo): [] | [readonly [PeerInfo["id"], Sighting]] {
  if (lastAnswer === undefined) return [];
  const { askedAt: at, status: { role, term, commitIndex } } = lastAnswer;
  return [[id, { at, role, term, commitIndex }]];
}
