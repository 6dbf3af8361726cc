/**
 * Raft 5.3, 6: what is committed is durable on a majority, of the old and of the new voters while the configuration is joint.
 * Raft 5.4.2: and what a leader commits by counting ends with an entry of its own term.
 */

import type { Configuration, Entry, EntryId, NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedCore, CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { Shadows } from "./shadow.ts";

/** Where this check looks. */
export interface QuorumAtCommitParts {
  readonly shadows: Shadows;
  /** Whether an entry is durable on a server, or covered by its snapshot. */
  holdsDurably(id: NodeId, entry: EntryId): boolean;
}

/** The configuration by which a core has taken entries for committed. */
interface Decision {
  readonly upTo: number;
  readonly configuration: Configuration;
}

/** Counts the servers that have each entry when it is first applied, by the configuration that was in force at its commit. */
export class QuorumAtCommit implements RaftCheck {
  readonly name = "quorum-at-commit";
  readonly #parts: QuorumAtCommitParts;
  readonly #commitIndexes = new Map<object, number>();
  /** Those about entries that may not be applied yet, in their order. */
  readonly #decisions = new WeakMap<CheckedCore, readonly Decision[]>();
  readonly #violate: Violate;

  constructor(parts: QuorumAtCommitParts, violate: Violate) {
    this.#parts = parts;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft }: Step): void {
    const before = this.#commitIndexes.get(server.life);
    const { commitIndex, currentTerm } = raft;
    if (before === commitIndex) return;
    this.#commitIndexes.set(server.life, commitIndex);
    const decision = { upTo: commitIndex, configuration: raft.configuration };
    this.#decisions.set(raft, [...this.#decisions.get(raft) ?? [], decision]);
    if (before === undefined || raft.role !== "Leader") return;
    const term = this.#parts.shadows.of(server.id).termAt(commitIndex);
    if (term !== undefined && term !== currentTerm) {
      this.#violate(
        `node ${server.id} committed entry ${commitIndex} of term ${term} by counting in term ${currentTerm}`,
      );
    }
  }

  /** See `RaftCheck`. */
  ended(server: CheckedServer): void {
    this.#commitIndexes.delete(server.life);
  }

  /**
   * See `RaftCheck`. Raft 6: a leader decides by the latest configuration in its log, also about entries before it; but what is committed
   * stays so, and may be applied only when the log has another configuration already.
   */
  committed(entry: Entry, raft: Step["raft"]): void {
    const left = (this.#decisions.get(raft) ?? []).filter(({ upTo }) => upTo >= entry.index);
    this.#decisions.set(raft, left);
    for (const set of majoritySets(left[0]?.configuration ?? raft.configuration)) {
      const holders = set.filter((id) => this.#parts.holdsDurably(id, entry));
      if (isMajority(holders, set)) continue;
      this.#violate(
        `entry ${entry.index}/${entry.term} is committed but durable only on ${holders.join() || "none"} of ${set}`,
      );
    }
  }
}

/** The sets of voters of which a majority must agree, each. */
export function majoritySets({ voters, votersOld }: Configuration): readonly (readonly NodeId[])[] {
  return votersOld.length === 0 ? [voters] : [voters, votersOld];
}

/** Whether these are more than half of a set. */
export function isMajority(ids: readonly NodeId[], set: readonly NodeId[]): boolean {
  return ids.length * 2 > set.length;
}
