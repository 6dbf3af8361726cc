/** Reads that wait for their confirmation (ReadIndex, thesis 6.4) and then for the state machine to be new enough. */

import { fault } from "../../base/faults.ts";
import type { Index, Term } from "../../raft/types.ts";
import type { ConfirmedRead, Refusal } from "../../raft/update.ts";
import type { ReadOutcome } from "../api.ts";
import type { AppliedState } from "../effects/applied.ts";
import { GATHERED_MAX, GATHERING_MS_MAX } from "../limits.ts";

/** A read handed to the driver. Times are `Clock.now()` milliseconds. */
export interface QueuedRead {
  readonly deadline: number;
  readonly done: (outcome: ReadOutcome) => void;
}

interface Batch {
  readonly askedAt: number;
  readonly reads: readonly QueuedRead[];
}

interface Confirmed {
  readonly index: Index;
  /** The term of the leader that confirmed, and the time that it told. */
  readonly term: Term;
  readonly timeMs: number;
  readonly reads: readonly QueuedRead[];
}

/** Batches of reads: collected in one turn, asked for under one id, confirmed together, served when applied. */
export class PendingReads {
  #collected: QueuedRead[] = [];
  /** Refused once, asked for again at the next tick: at once could go round without end within a turn. */
  #again: QueuedRead[] = [];
  readonly #asked = new Map<number, Batch>();
  #confirmed: Confirmed[] = [];
  #lastId = 0;
  #lastAskedAt = 0;
  #size = 0;

  /** Reads not yet answered. */
  get size(): number {
    return this.#size;
  }

  /** Whether reads wait to be asked for. */
  get hasCollected(): boolean {
    return this.#collected.length > 0;
  }

  /**
   * Whether a confirmation should be asked for at the end of this turn. While a batch is on its way to be confirmed the next
   * one gathers, so that one round serves many: not when that takes long, or when they have become many.
   */
  isDue(now: number): boolean {
    if (!this.hasCollected) return false;
    const isGathering = this.#asked.size > 0 && this.#collected.length < GATHERED_MAX;
    return !isGathering || now - this.#lastAskedAt >= GATHERING_MS_MAX;
  }

  /** Takes a read for the batch of this turn. */
  add(read: QueuedRead): void {
    this.#collected.push(read);
    this.#size += 1;
  }

  /** Closes the batch of this turn under a fresh id, never reused in this process. */
  ask(now: number): number {
    this.#lastId += 1;
    const rest = this.#collected.length > 1 && fault("node/batchOfOneRead") ? this.#collected.splice(1) : [];
    this.#lastAskedAt = now;
    this.#asked.set(this.#lastId, { askedAt: now, reads: this.#collected });
    this.#again.push(...rest);
    this.#collected = [];
    return this.#lastId;
  }

  /** The core confirmed batch `id` in `term`: it may be served once `index` is applied. */
  confirm({ id, index, timeMs }: ConfirmedRead, term: Term): void {
    const batch = this.#asked.get(id);
    if (batch === undefined) return;
    this.#asked.delete(id);
    this.#confirmed.push({ index, term, timeMs, reads: batch.reads });
  }

  /** The core refused batch `id`. With a leader the reads are asked for again at the next tick, else they are not done. */
  refuse(id: number, refusal: Refusal): void {
    const batch = this.#asked.get(id);
    if (batch === undefined) return;
    this.#asked.delete(id);
    const leaderId = "leaderId" in refusal ? refusal.leaderId : undefined;
    if (leaderId !== undefined) { for (const read of batch.reads) this.#again.push(read); }
    else {
      const reason = refusal.reason === "LogFull" ? "Overloaded" : "NoLeader";
      this.#end(batch.reads, { type: "NotDone", reason, leaderId });
    }
  }

  /**
   * Serves what is confirmed at or below what is applied. Where entries of a later leader are applied already, the time that was
   * told is not for them, and the reads are asked for again.
   */
  serve({ id: { index: lastApplied, term }, state }: Pick<AppliedState, "id" | "state">): void {
    if (this.#confirmed.length === 0) return;
    const ready = this.#confirmed.filter((confirmed) => confirmed.index <= lastApplied);
    if (ready.length === 0) return;
    this.#confirmed = this.#confirmed.filter((confirmed) => confirmed.index > lastApplied);
    for (const confirmed of ready) {
      if (confirmed.term < term) this.#again.push(...confirmed.reads);
      else {
        state.learnTime(confirmed.timeMs);
        this.#end(confirmed.reads, { type: "Ready", index: confirmed.index });
      }
    }
  }

  /** Ends reads whose deadline has passed, and collects again those asked for before `askedBefore`. */
  expire(now: number, askedBefore: number): void {
    this.#confirmed = this.#confirmed
      .map((batch) => ({ ...batch, reads: this.#unexpired(batch.reads, now) }))
      .filter((batch) => batch.reads.length > 0);
    for (const read of this.#unexpired(this.#again, now)) this.#collected.push(read);
    this.#again = [];
    for (const [id, batch] of this.#asked) {
      if (batch.askedAt >= askedBefore) continue;
      this.#asked.delete(id);
      for (const read of this.#unexpired(batch.reads, now)) this.#collected.push(read);
    }
  }

  /** Ends every read: the process stops, or nothing may be answered from the state any more. */
  endAll(reason: "Stopping" | "Quarantined"): void {
    const outcome: ReadOutcome = { type: "NotDone", reason, leaderId: undefined };
    for (const { reads } of [...this.#asked.values(), ...this.#confirmed]) this.#end(reads, outcome);
    this.#end([...this.#collected, ...this.#again], outcome);
    this.#asked.clear();
    this.#confirmed = [];
    this.#collected = [];
    this.#again = [];
  }

  #unexpired(reads: readonly QueuedRead[], now: number): readonly QueuedRead[] {
    if (reads.every((read) => read.deadline > now)) return reads;
    const expired = reads.filter((read) => read.deadline <= now);
    this.#end(expired, { type: "NotDone", reason: "Timeout", leaderId: undefined });
    return reads.filter((read) => read.deadline > now);
  }

  /** The last one first: a connection whose replies leave in order then makes all of them in one go, when its first read is told. */
  #end(reads: readonly QueuedRead[], outcome: ReadOutcome): void {
    this.#size -= reads.length;
    for (let at = reads.length - 1; at >= 0; at--) reads[at]?.done(outcome);
  }
}
