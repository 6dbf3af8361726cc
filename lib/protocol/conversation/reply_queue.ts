/** The places of one connection's replies, in the order of its requests, though the replies become ready in any order. */

import type { ReadOutcome } from "../../node/api.ts";
import type { Outcome, Turn } from "./interpreter.ts";

/** Slots kept for the next requests; the rest of a burst is given back. */
const SPARE_SLOTS_MAX = 64;

/** Hears how what a slot stands for has ended. `E` is a request and its reply. */
export type SlotEnded<E> = (slot: ReplySlot<E>, outcome: Outcome) => void;

/**
 * The place of one reply. Slots are used again and bring their callback along, so that a request costs no closure;
 * that is right because the node calls back exactly once.
 */
export class ReplySlot<E> {
  next: ReplySlot<E> | undefined;
  exchange: E;
  /** Requests that it stands for. */
  requests = 1;
  /** What the request holds up until it has ended. */
  turn: Turn = "Now";
  /** `Clock.now()` when the request was read. */
  startedAt = 0;
  /** Bytes that had come when the request was read, itself among them. */
  receivedBytes = 0;
  /** The read is confirmed, and done once its reply is the next. */
  postponed: ReadOutcome | undefined;
  readonly ended: (outcome: Outcome) => void;

  /** A slot that reports to `ended`. */
  constructor(exchange: E, ended: SlotEnded<E>) {
    this.exchange = exchange;
    this.ended = (outcome) => ended(this, outcome);
  }
}

/** A linked list from the oldest request without a sent reply to the newest. */
export class ReplyQueue<E> {
  readonly #ended: SlotEnded<E>;
  /** Stands in a slot that is kept for later, so that it holds on to nothing. */
  readonly #nothing: E;
  #first: ReplySlot<E> | undefined;
  #last: ReplySlot<E> | undefined;
  #size = 0;
  #spare: ReplySlot<E> | undefined;
  #spareCount = 0;

  /** An empty queue. */
  constructor(nothing: E, ended: SlotEnded<E>) {
    this.#nothing = nothing;
    this.#ended = ended;
  }

  /** Requests whose reply has not been sent. */
  get size(): number {
    return this.#size;
  }

  /** The slot of the oldest of them. */
  get first(): ReplySlot<E> | undefined {
    return this.#first;
  }

  /** Adds a slot at the end, for one request or several. */
  add(exchange: E, requests = 1): ReplySlot<E> {
    const slot = this.#makeSlot(exchange);
    slot.requests = requests;
    if (this.#last === undefined) this.#first = slot;
    else this.#last.next = slot;
    this.#last = slot;
    this.#size += requests;
    return slot;
  }

  /** Gives each of the requests that a slot stands for one of its own; returns those behind the first, which keeps it. */
  split(slot: ReplySlot<E>, exchanges: readonly E[]): readonly ReplySlot<E>[] {
    const [first = this.#nothing, ...rest] = exchanges;
    slot.exchange = first;
    slot.requests = 1;
    let last = slot;
    return rest.map((exchange) => {
      const added = this.#makeSlot(exchange);
      added.requests = 1;
      added.turn = slot.turn;
      added.startedAt = slot.startedAt;
      added.receivedBytes = slot.receivedBytes;
      added.next = last.next;
      last.next = added;
      if (this.#last === last) this.#last = added;
      last = added;
      return added;
    });
  }

  /** The first reply has been sent: its slot may be used again. */
  drop(): void {
    const slot = this.#first;
    if (slot === undefined) return;
    this.#first = slot.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#size -= slot.requests;
    slot.exchange = this.#nothing;
    if (this.#spareCount >= SPARE_SLOTS_MAX) return;
    slot.next = this.#spare;
    this.#spare = slot;
    this.#spareCount += 1;
  }

  #makeSlot(exchange: E): ReplySlot<E> {
    const spare = this.#spare;
    if (spare === undefined) return new ReplySlot(exchange, this.#ended);
    this.#spare = spare.next;
    this.#spareCount -= 1;
    spare.next = undefined;
    spare.exchange = exchange;
    return spare;
  }
}
