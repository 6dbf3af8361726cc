/** The calls and returns of the operations of one key as a linked list in the order of time, from which operations can be lifted. */

import type { Operation } from "./history.ts";
import { ascending } from "./order.ts";

/** Where the list begins; also its end, since an event never follows itself. */
const HEAD = 0;

/** Events are numbers from 1; at equal times calls stand before returns, so operations that only touch are concurrent. */
export class Timeline {
  /** The operations, all with a known outcome, by call. Their positions here are their ranks. */
  readonly operations: readonly Operation[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** For each event, the rank of its operation; returns are stored as `-1 - rank`. */
  readonly #ranks: Int32Array;
  readonly #callEvents: Int32Array;
  readonly #returnEvents: Int32Array;

  constructor(operations: readonly Operation[]) {
    const size = operations.length;
    this.operations = byCall(operations);
    this.#next = new Int32Array(2 * size + 1);
    this.#previous = new Int32Array(2 * size + 1);
    for (let event = 1; event <= 2 * size; event++) {
      this.#next[event - 1] = event;
      this.#previous[event] = event - 1;
    }
    this.#previous[HEAD] = 2 * size;
    this.#ranks = new Int32Array(2 * size + 1);
    // The end of the list calls nothing.
    this.#ranks[HEAD] = -1;
    this.#callEvents = new Int32Array(size);
    this.#returnEvents = new Int32Array(size);
    this.#merge();
  }

  /** The first event that is left. There is one as long as an operation is left. */
  get first(): number {
    return this.#next[HEAD] ?? HEAD;
  }

  /** The event after this one. */
  after(event: number): number {
    return this.#next[event] ?? HEAD;
  }

  /** The rank of the operation that this event calls, or -1 for a return. */
  called(event: number): number {
    return Math.max(this.#ranks[event] ?? -1, -1);
  }

  /** The operation that returns first among those left: one of its concurrent operations or itself has to come next. */
  firstReturning(): Operation {
    let event = this.first;
    while (event !== HEAD && (this.#ranks[event] ?? 0) >= 0) event = this.after(event);
    return this.at(-1 - (this.#ranks[event] ?? 0));
  }

  /** The event that calls the operation of this rank. */
  callOf(rank: number): number {
    return this.#callEvents[rank] ?? HEAD;
  }

  /** The operation of this rank. */
  at(rank: number): Operation {
    const operation = this.operations[rank];
    if (operation === undefined) throw new RangeError(`Cannot find operation ${rank} of ${this.operations.length}`);
    return operation;
  }

  /** Takes the operation of this rank out. From its call event, `after` still leads to what stands behind. */
  lift(rank: number): void {
    this.#unlink(this.#returnEvents[rank] ?? HEAD);
    this.#unlink(this.#callEvents[rank] ?? HEAD);
  }

  /** Puts the operation that was lifted last back. */
  restore(rank: number): void {
    this.#link(this.#callEvents[rank] ?? HEAD);
    this.#link(this.#returnEvents[rank] ?? HEAD);
  }

  #merge(): void {
    const byReturn = ascending(Float64Array.from(this.operations, (operation) => operation.return ?? 0));
    let event = 1;
    let rank = 0;
    for (const returning of byReturn) {
      const end = this.at(returning).return ?? 0;
      for (; rank < this.operations.length && this.at(rank).call <= end; rank++) {
        this.#callEvents[rank] = event;
        this.#ranks[event++] = rank;
      }
      this.#returnEvents[returning] = event;
      this.#ranks[event++] = -1 - returning;
    }
  }

  #unlink(event: number): void {
    const before = this.#previous[event] ?? HEAD;
    const after = this.#next[event] ?? HEAD;
    this.#next[before] = after;
    this.#previous[after] = before;
  }

  #link(event: number): void {
    this.#next[this.#previous[event] ?? HEAD] = event;
    this.#previous[this.#next[event] ?? HEAD] = event;
  }
}

/** The operations in the order of their calls. */
export function byCall(operations: readonly Operation[]): Operation[] {
  return operations.toSorted((a, b) => a.call - b.call);
}
