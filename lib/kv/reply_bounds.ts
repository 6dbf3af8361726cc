/** How long a reply may become: decided while it is made, since what is too long would cost as much as all of it. */

import type { ErrorReply, Reply } from "./replies.ts";

/** Bytes of one reply, about: a string of the runtime holds no more than twice that. */
export const REPLY_BYTES_MAX = 268_435_456;
/** What an item of a list takes beside its bytes. */
export const ITEM_BYTES = 32;
/** In the place of a reply that would become longer. */
export const REPLY_TOO_LONG: ErrorReply = { error: `ERR the reply is too long (limit ${REPLY_BYTES_MAX} bytes)` };
/** The same for what has changed something. */
const DONE_WITHOUT_REPLY: ErrorReply = { error: "ERR the command was done, and its reply is too long" };

/** Bytes that a reply takes at most, about. */
export function bytesOfReply(reply: Reply): number {
  if (typeof reply === "string") return reply.length + ITEM_BYTES;
  if (typeof reply !== "object" || reply === null || "status" in reply || "error" in reply) return ITEM_BYTES;
  let sum = ITEM_BYTES;
  for (const item of reply) sum += bytesOfReply(item);
  return sum;
}

/** The list of what `replyTo` makes of each item, or an error as soon as it is too long. */
export function listOf<Item>(items: Iterable<Item>, replyTo: (item: Item) => Reply): Reply {
  const replies: Reply[] = [];
  let bytes = ITEM_BYTES;
  for (const item of items) {
    const reply = replyTo(item);
    bytes += bytesOfReply(reply);
    if (bytes > REPLY_BYTES_MAX) return REPLY_TOO_LONG;
    replies.push(reply);
  }
  return replies;
}

/**
 * The replies of a transaction, which are a list of that length at most. Once one has found no room, no further call that only reads
 * is done: each would make a copy that nobody gets. What changes something is done in any case.
 */
export class ReplyRoom {
  #bytes = ITEM_BYTES;
  #isFull = false;

  /** Does a call, unless it only reads and there is no room; its reply, or what stands in its place. */
  reply(isWrite: boolean, run: () => Reply): Reply {
    if (this.#isFull && !isWrite) return REPLY_TOO_LONG;
    const reply = run();
    const bytes = bytesOfReply(reply);
    if (this.#bytes + bytes > REPLY_BYTES_MAX) {
      this.#isFull = true;
      return isWrite ? DONE_WITHOUT_REPLY : REPLY_TOO_LONG;
    }
    this.#bytes += bytes;
    return reply;
  }
}
