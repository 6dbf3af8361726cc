/** Writes in the log whose outcome is open, by index. Owns their deadlines. */

import type { CommandResult } from "../../kv/results.ts";
import type { CommandPart } from "../../raft/run.ts";
import type { EntryId, Index, NodeId, Term } from "../../raft/types.ts";
import type { WriteOutcome } from "../api.ts";

/** A write whose outcome is open. Times are `Clock.now()` milliseconds, a tick early at most. */
export interface OpenWrite {
  /** Of its command. */
  readonly bytes: number;
  readonly deadline: number;
  /** Bytes that the state may grow by. */
  readonly growthBytes: number;
  /** Takes the outcome; called once. */
  done(outcome: WriteOutcome): void;
}

/** A write handed to the driver, encoded: one command, or several that follow each other in the log. */
export interface QueuedWrite extends OpenWrite {
  readonly command: CommandPart;
  /** Told by `Proposals`, which takes it on that condition. */
  growthBytes: number;
  /** Each of several commands, with an outcome of its own; that of the whole write is the outcome of each. */
  readonly parts?: readonly OpenWrite[];
}

/** What applying an entry gave, and who leads now. */
export interface AppliedOutcome {
  readonly result: CommandResult;
  readonly leaderId: NodeId | undefined;
}

interface PendingWrite {
  readonly index: Index;
  readonly term: Term;
  readonly write: OpenWrite;
}

const COMPACT_AFTER = 4_096;

/**
 * A queue in ascending order of index. All deadlines are equally long, so the front expires first.
 *
 * Invariant: indexes rise strictly. A second write at an index (this node led twice) makes the older one unknown.
 */
export class PendingWrites {
  #queue: PendingWrite[] = [];
  #head = 0;
  #bytes = 0;
  #growthBytes = 0;

  /** Writes whose outcome is open. */
  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** Bytes of their commands. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of memory that they hold, those in the log apart. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /** Bytes that the state may grow by when they are applied. */
  get growthBytes(): number {
    return this.#growthBytes;
  }

  /** The term of the oldest of them. */
  get term(): Term | undefined {
    return this.#queue[this.#head]?.term;
  }

  /** The writes have been appended from `first` on, all in its term. */
  add({ index: first, term }: EntryId, writes: readonly QueuedWrite[]): void {
    this.#dropFrom(first);
    let index: number = first;
    for (const queued of writes) {
      for (const write of queued.parts ?? [queued]) {
        this.#queue.push({ index: index as Index, term, write });
        this.#bytes += write.bytes;
        this.#growthBytes += write.growthBytes;
        index += 1;
      }
    }
  }

  /**
   * Entry `id` was applied with that outcome. Another term at a write's index means that it is certainly not done; so does a later
   * term before it, since the terms of a log do not fall (Raft 5.3).
   */
  applied({ index, term }: EntryId, { result, leaderId }: AppliedOutcome): void {
    // Entries are applied one by one, so a gap means that the state jumped over what lies in it.
    this.jumpedTo((index - 1) as Index);
    const front = this.#queue[this.#head];
    if (front?.index === index && front.term === term) {
      this.#pop();
      return front.write.done({ type: "Done", result });
    }
    for (
      let front = this.#queue[this.#head];
      front !== undefined && (front.index === index || front.term < term);
      front = this.#queue[this.#head]
    ) {
      this.#pop();
      front.write.done({ type: "NotDone", reason: "NotLeader", leaderId });
    }
  }

  /** The state jumped to a snapshot at `index`: what lies at or below it is unknown. */
  jumpedTo(index: Index): void {
    for (
      let front = this.#queue[this.#head];
      front !== undefined && front.index <= index;
      front = this.#queue[this.#head]
    ) {
      this.#pop();
      front.write.done({ type: "Unknown" });
    }
  }

  /** Ends the writes whose deadline has passed as unknown. */
  expire(now: number): void {
    for (
      let front = this.#queue[this.#head];
      front !== undefined && front.write.deadline <= now;
      front = this.#queue[this.#head]
    ) {
      this.#pop();
      front.write.done({ type: "Unknown" });
    }
  }

  /** Ends every write as unknown: the process stops, or its outcome could only be told from a state that is not sound. */
  endAll(): void {
    this.expire(Infinity);
  }

  #dropFrom(first: Index): void {
    const overwritten: PendingWrite[] = [];
    for (
      let last = this.#queue.at(-1);
      this.size > 0 && last !== undefined && last.index >= first;
      last = this.#queue.at(-1)
    ) {
      this.#queue.pop();
      this.#forget(last.write);
      overwritten.push(last);
    }
    for (const pending of overwritten.reverse()) pending.write.done({ type: "Unknown" });
  }

  #forget({ bytes, growthBytes }: OpenWrite): void {
    this.#bytes -= bytes;
    this.#growthBytes -= growthBytes;
  }

  #pop(): void {
    const front = this.#queue[this.#head];
    if (front === undefined) return;
    this.#forget(front.write);
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= COMPACT_AFTER && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
