/** Writes that were taken and are not proposed yet: they wait for the sync in flight (group commit). */

import { fault } from "../../base/faults.ts";
import { BYTES_PER_PROPOSAL_MAX, COMMANDS_PER_PROPOSAL_MAX } from "../limits.ts";
import type { QueuedWrite } from "./pending_writes.ts";

/** A queue that is emptied batch by batch. */
export class WriteQueue {
  #writes: QueuedWrite[] = [];
  #size = 0;
  #bytes = 0;
  #growthBytes = 0;

  /** Number of commands. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of their commands. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that the state may grow by when they are applied. */
  get growthBytes(): number {
    return this.#growthBytes;
  }

  /** Adds at the end. */
  push(write: QueuedWrite): void {
    this.#writes.push(write);
    this.#size += countOf(write);
    this.#bytes += write.bytes;
    this.#growthBytes += write.growthBytes;
  }

  /** Takes out the writes whose deadline has passed: they were never proposed. */
  expire(now: number): readonly QueuedWrite[] {
    const first = this.#writes[0];
    if (first === undefined || first.deadline > now) return [];
    // All have the same time to wait, so the first that is left ends the search.
    const left = this.#writes.findIndex(({ deadline }) => deadline > now);
    const expired = this.#writes.splice(0, left === -1 ? this.#writes.length : left);
    for (const write of expired) {
      this.#size -= countOf(write);
      this.#bytes -= write.bytes;
      this.#growthBytes -= write.growthBytes;
    }
    return expired;
  }

  /** Takes the writes of one proposal from the front: at least one, within the limits of a proposal. */
  takeBatch(): { readonly writes: readonly QueuedWrite[]; readonly bytes: number } {
    let taken = 0;
    let count = 0;
    let bytes = 0;
    let growthBytes = 0;
    const most = fault("node/batchOfOne") ? 1 : COMMANDS_PER_PROPOSAL_MAX;
    for (const write of this.#writes) {
      const size = countOf(write);
      if (taken > 0 && (count + size > most || bytes + write.bytes > BYTES_PER_PROPOSAL_MAX)) break;
      taken += 1;
      count += size;
      bytes += write.bytes;
      growthBytes += write.growthBytes;
    }
    const writes = taken === this.#writes.length ? this.#writes : this.#writes.slice(0, taken);
    this.#writes = taken === this.#writes.length ? [] : this.#writes.slice(taken);
    this.#size -= count;
    this.#bytes -= bytes;
    this.#growthBytes -= growthBytes;
    return { writes, bytes };
  }
}

/** Number of commands of a write. */
export function countOf({ parts }: QueuedWrite): number {
  return parts?.length ?? 1;
}
