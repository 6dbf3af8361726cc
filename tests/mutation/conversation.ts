/** Planted bugs of the conversation with a client, whatever its protocol. */

import { type Mutation, slip } from "./mutation.ts";

const CONVERSATION = "lib/protocol/conversation/conversation.ts";
const REPLY_QUEUE = "lib/protocol/conversation/reply_queue.ts";

/** In the order of their numbers. */
export const CONVERSATION_SLIPS: readonly Mutation[] = [
  slip("M330", "A read begins before the writes of its client have ended", {
    file: CONVERSATION,
    find: '(turn === "Write" || this.#writesOpen === 0)',
    replace: '(turn !== "Alone" || this.#writesOpen === 0)',
  }),
  slip("M331", "What stands alone begins while reads are open", {
    file: CONVERSATION,
    find: '(turn === "Read" || this.#readsOpen === 0)',
    replace: '(turn !== "Write" || this.#readsOpen === 0)',
  }),
  slip("M332", "Something begins behind what stands alone", {
    file: CONVERSATION,
    find: 'else if (turn === "Alone") this.#barrierOpen = true;',
    replace: 'else if (turn === "Alone") this.#barrierOpen = false;',
  }),
  slip("M333", "A client that does not read has its requests begun on and on", {
    file: CONVERSATION,
    find: "this.link.unsentBytes <= UNSENT_BYTES_MAX &&\n",
    replace: "this.link.unsentBytes <= Infinity &&\n",
  }),
  slip("M334", "A request that was held when the input ended is dropped", {
    file: CONVERSATION,
    find: "const exchange = this.#held ?? this.#next();",
    replace: "const exchange = this.#inputEnded ? this.#next() : this.#held ?? this.#next();",
  }),
  slip("M335", "A slot holds on to what was sent until it is used again", {
    file: REPLY_QUEUE,
    find: "    slot.exchange = this.#nothing;\n",
    replace: "    void this.#nothing;\n",
  }),
  slip("M450", "Reads are done as they are confirmed, and not in the order of their replies", {
    file: CONVERSATION,
    find: "slot !== this.#replies.first) slot.postponed",
    replace: "slot.exchange === undefined) slot.postponed",
  }),
  slip("M451", "A read that was confirmed before those in front of it is done with the first of them", {
    file: CONVERSATION,
    find: "      if (slot.postponed !== undefined) this.#perform(slot, slot.postponed);\n",
    replace: "      for (let each: typeof slot | undefined = slot; each !== undefined; each = each.next) {\n" +
      "        if (each.postponed !== undefined) this.#perform(each, each.postponed);\n      }\n",
  }),
];
