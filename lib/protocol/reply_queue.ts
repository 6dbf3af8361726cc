/** The replies of one connection in the order of its requests, though they become ready in any order. */

import type { ReadOutcome, WriteOutcome } from "../node/api.ts";

/** Slots kept for the next requests; the rest of a burst is given back. */
const SPARE_SLOTS_MAX = 64;

const NO_WORDS: readonly string[] = [];

/** What the slots tell their session. */
export interface SlotHandler<R> {
  wrote(slot: ReplySlot<R>, outcome: WriteOutcome): void;
  readDone(slot: ReplySlot<R>, outcome: ReadOutcome): void;
  /** The reply of the oldest request, once it is known: made as late as this where it takes much memory. */
  render(slot: ReplySlot<R>): string | undefined;
}

/**
 * The place of one reply. Slots are used again and bring their callbacks along, so that a request costs no closure;
 * that is right because the node calls back exactly once.
 */
export class ReplySlot<R> {
  next: ReplySlot<R> | undefined;
  /** What was asked. */
  request: R;
  /** `Clock.now()` when the request was read. */
  startedAt = 0;
  /** How long it took, once its reply is known. */
  seconds = 0;
  /** The bytes of the reply, once they are known. */
  reply: string | undefined;
  /** What the session counts the request as. */
  kind = 0;
  /** The words of the request, where its session keeps them. */
  words: readonly string[] = NO_WORDS;
  /** It was refused before anything was done. */
  isRejected = false;
  /** The client does not want the reply; its place is kept all the same. */
  isMuted = false;
  readonly wrote: (outcome: WriteOutcome) => void;
  readonly readDone: (outcome: ReadOutcome) => void;

  /** A slot that reports to `handler`. */
  constructor(handler: SlotHandler<R>, request: R) {
    this.request = request;
    this.wrote = (outcome) => handler.wrote(this, outcome);
    this.readDone = (outcome) => handler.readDone(this, outcome);
  }
}

/** A linked list from the oldest request without a sent reply to the newest. */
export class ReplyQueue<R> {
  readonly #handler: SlotHandler<R>;
  /** Stands in a slot that is kept for later, so that it holds on to nothing. */
  readonly #none: R;
  #first: ReplySlot<R> | undefined;
  #last: ReplySlot<R> | undefined;
  #size = 0;
  #spare: ReplySlot<R> | undefined;
  #spareCount = 0;

  /** An empty queue. */
  constructor(handler: SlotHandler<R>, none: R) {
    this.#handler = handler;
    this.#none = none;
  }

  /** Requests whose reply has not been taken. */
  get size(): number {
    return this.#size;
  }

  /** Adds a slot at the end. */
  add(request: R, startedAt: number): ReplySlot<R> {
    const slot = this.#makeSlot(request);
    slot.startedAt = startedAt;
    if (this.#last === undefined) this.#first = slot;
    else this.#last.next = slot;
    this.#last = slot;
    this.#size += 1;
    return slot;
  }

  /** Takes the oldest reply if it is ready; "" for one that is not wanted. */
  take(): string | undefined {
    const slot = this.#first;
    if (slot === undefined) return undefined;
    const reply = this.#handler.render(slot);
    if (reply === undefined) return undefined;
    const { isMuted } = slot;
    this.#first = slot.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#size -= 1;
    this.#recycle(slot);
    return isMuted ? "" : reply;
  }

  #makeSlot(request: R): ReplySlot<R> {
    const spare = this.#spare;
    if (spare === undefined) return new ReplySlot(this.#handler, request);
    this.#spare = spare.next;
    this.#spareCount -= 1;
    spare.next = undefined;
    spare.request = request;
    return spare;
  }

  #recycle(slot: ReplySlot<R>): void {
    slot.request = this.#none;
    slot.reply = undefined;
    slot.words = NO_WORDS;
    slot.isRejected = false;
    slot.isMuted = false;
    if (this.#spareCount >= SPARE_SLOTS_MAX) return;
    slot.next = this.#spare;
    this.#spare = slot;
    this.#spareCount += 1;
  }
}
