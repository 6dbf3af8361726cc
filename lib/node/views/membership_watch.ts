/** When the membership changed last as this node saw it, and on the leader how far each learner is behind. */

import type { Clock } from "../../base/clock.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { NodeId } from "../../raft/types.ts";
import type { LearnerLag } from "../api.ts";

/** What it looks at. */
export interface MembershipWatchParts {
  readonly raft: Pick<RaftNode, "role" | "configuration" | "status">;
  /** Monotonic. */
  readonly clock: Pick<Clock, "now">;
  readonly wallClockMs: () => number;
}

/** How far a learner has come: it holds all that was committed at `heldAt`, and has not been seen to hold `targetIndex`. */
interface Mark {
  readonly heldAt: number;
  /** When `targetIndex` was the commit index. */
  readonly targetAt: number;
  readonly targetIndex: number;
}

/** Looks now and then; what happens between two looks is seen at the next one. */
export class MembershipWatch {
  readonly #parts: MembershipWatchParts;
  readonly #marks = new Map<NodeId, Mark>();
  #shape: string;
  #changedMs = 0;

  /** Begins with the configuration that was recovered. */
  constructor(parts: MembershipWatchParts) {
    this.#parts = parts;
    this.#shape = shapeOf(parts.raft);
  }

  /** The date, in ms since 1970, at which voters or learners were seen to have changed last; 0 while they have not in this life. */
  get changedMs(): number {
    return this.#changedMs;
  }

  /** Takes note of what is so now. */
  look(): void {
    const { raft, wallClockMs } = this.#parts;
    const shape = shapeOf(raft);
    if (shape !== this.#shape) this.#changedMs = wallClockMs();
    this.#shape = shape;
    const { learners } = raft.configuration;
    const watched = raft.role === "Leader" ? learners : [];
    for (const id of this.#marks.keys()) if (!watched.includes(id)) this.#marks.delete(id);
    if (watched.length > 0) this.#mark(watched);
  }

  /** See `NodeStatus.learnerLags`. */
  lags(): readonly LearnerLag[] {
    if (this.#marks.size === 0) return [];
    const { commitIndex, matches } = this.#positions();
    const now = this.#parts.clock.now();
    return Array.from(this.#marks, ([id, { heldAt }]) => {
      const entries = Math.max(0, commitIndex - (matches.get(id) ?? 0));
      return { id, entries, ms: entries === 0 ? 0 : now - heldAt };
    });
  }

  #mark(learners: readonly NodeId[]): void {
    const { commitIndex, matches } = this.#positions();
    const now = this.#parts.clock.now();
    for (const id of learners) {
      const mark = this.#marks.get(id);
      const matchIndex = matches.get(id) ?? 0;
      if (mark !== undefined && matchIndex < mark.targetIndex) continue;
      const heldAt = mark === undefined || matchIndex >= commitIndex ? now : mark.targetAt;
      this.#marks.set(id, { heldAt, targetAt: now, targetIndex: commitIndex });
    }
  }

  #positions(): { readonly commitIndex: number; readonly matches: ReadonlyMap<NodeId, number> } {
    const { commitIndex, progress } = this.#parts.raft.status();
    return { commitIndex, matches: new Map(progress.map(({ id, matchIndex }) => [id, matchIndex])) };
  }
}

function shapeOf({ configuration: { voters, votersOld, learners } }: Pick<RaftNode, "configuration">): string {
  return JSON.stringify([voters, votersOld, learners]);
}
