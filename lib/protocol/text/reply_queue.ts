/** The replies of one connection in the order of its requests, though they become ready in any order. */

import type { ReadOutcome, WriteOutcome } from "../../node/api.ts";
import { valueOf } from "./outcomes.ts";

/** Slots kept for the next requests; the rest of a burst is given back. */
const SPARE_SLOTS_MAX = 64;

/** What the slots tell their session. */
export interface SlotHandler {
  wrote(slot: ReplySlot, outcome: WriteOutcome): void;
  readDone(slot: ReplySlot, outcome: ReadOutcome): void;
}

/**
 * The place of one reply. Slots are used again and bring their callbacks along, so that a request costs no closure;
 * that is right because the node calls back exactly once.
 */
export class ReplySlot {
  next: ReplySlot | undefined;
  /** The key that was written or read. */
  key = "";
  /** `Clock.now()` when the request was read. */
  startedAt = 0;
  /** The reply with its line end, once it is known. */
  reply: string | undefined;
  /** The value that a read found; it takes the place of `reply` and is made readable only when there is room to send it. */
  value: string | undefined;
  readonly wrote: (outcome: WriteOutcome) => void;
  readonly readDone: (outcome: ReadOutcome) => void;

  /** A slot that reports to `handler`. */
  constructor(handler: SlotHandler) {
    this.wrote = (outcome) => handler.wrote(this, outcome);
    this.readDone = (outcome) => handler.readDone(this, outcome);
  }
}

/** A linked list from the oldest request without a sent reply to the newest. */
export class ReplyQueue {
  readonly #handler: SlotHandler;
  #first: ReplySlot | undefined;
  #last: ReplySlot | undefined;
  #size = 0;
  #spare: ReplySlot | undefined;
  #spareCount = 0;

  /** An empty queue. */
  constructor(handler: SlotHandler) {
    this.#handler = handler;
  }

  /** Requests whose reply has not been taken. */
  get size(): number {
    return this.#size;
  }

  /** Adds a slot at the end. */
  add(key: string, startedAt: number): ReplySlot {
    const slot = this.#makeSlot();
    slot.key = key;
    slot.startedAt = startedAt;
    if (this.#last === undefined) this.#first = slot;
    else this.#last.next = slot;
    this.#last = slot;
    this.#size += 1;
    return slot;
  }

  /** Takes the oldest reply if it is ready. */
  take(): string | undefined {
    const slot = this.#first;
    if (slot === undefined) return undefined;
    const reply = slot.value === undefined ? slot.reply : `${valueOf(slot.key, slot.value)}\n`;
    if (reply === undefined) return undefined;
    this.#first = slot.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#size -= 1;
    this.#recycle(slot);
    return reply;
  }

  #makeSlot(): ReplySlot {
    const spare = this.#spare;
    if (spare === undefined) return new ReplySlot(this.#handler);
    this.#spare = spare.next;
    this.#spareCount -= 1;
    spare.next = undefined;
    return spare;
  }

  #recycle(slot: ReplySlot): void {
    slot.key = "";
    slot.reply = undefined;
    slot.value = undefined;
    if (this.#spareCount >= SPARE_SLOTS_MAX) return;
    slot.next = this.#spare;
    this.#spare = slot;
    this.#spareCount += 1;
  }
}
