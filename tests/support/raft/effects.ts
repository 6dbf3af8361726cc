/** What steps of a core led to, and how a test asks for it. */

import { assertEquals, fail } from "@std/assert";
import type { Message } from "../../../lib/raft/messages.ts";
import type { Entry, HardState, NodeId } from "../../../lib/raft/types.ts";
import type { Update } from "../../../lib/raft/update.ts";
import { entriesIn } from "../runs.ts";

/** The message type with discriminant `T`. */
export type MessageOf<T extends Message["type"]> = Extract<Message, { readonly type: T }>;

/** One Update, or several in a row as if they were one. */
export class Effects implements Update {
  readonly hardState: HardState | undefined;
  readonly writes: Update["writes"];
  readonly snapshotChunks: Update["snapshotChunks"];
  readonly messages: Update["messages"];
  readonly durableMessages: Update["durableMessages"];
  readonly apply: Update["apply"];
  readonly confirmedReads: Update["confirmedReads"];
  readonly refusedReads: Update["refusedReads"];
  readonly accepted: Update["accepted"];
  readonly refused: Update["refused"];

  constructor(updates: readonly Update[]) {
    this.hardState = updates.findLast((update) => update.hardState !== undefined)?.hardState;
    this.writes = updates.flatMap((update) => update.writes);
    this.snapshotChunks = updates.flatMap((update) => update.snapshotChunks);
    this.messages = updates.flatMap((update) => update.messages);
    this.durableMessages = updates.flatMap((update) => update.durableMessages);
    this.apply = updates.flatMap((update) => update.apply);
    this.confirmedReads = updates.flatMap((update) => update.confirmedReads);
    this.refusedReads = updates.flatMap((update) => update.refusedReads);
    this.accepted = updates.flatMap((update) => update.accepted);
    this.refused = updates.flatMap((update) => update.refused);
  }

  /** Every message of `type`, to `peer` if given, whichever list it leaves by. */
  sent<T extends Message["type"]>(type: T, peer?: NodeId): MessageOf<T>[] {
    return pick([...this.messages, ...this.durableMessages], type)
      .filter((message) => peer === undefined || message.to === peer);
  }

  /** The one message of `type`, to `peer` if given; fails when there are none or several. */
  sole<T extends Message["type"]>(type: T, peer?: NodeId): MessageOf<T> {
    const found = this.sent(type, peer);
    assertEquals(found.length, 1, `messages of type ${type}`);
    return found[0] ?? fail();
  }

  /** Entries written, all writes together. */
  get written(): Entry[] {
    return entriesIn(this.writes.map(({ run }) => run));
  }

  /** Entries handed out for application. */
  get applied(): Entry[] {
    return entriesIn(this.apply);
  }

  /** Ids of the confirmed reads. */
  get confirmedIds(): number[] {
    return this.confirmedReads.map((read) => read.id);
  }
}

/** The messages of one type. */
export function pick<T extends Message["type"]>(messages: readonly Message[], type: T): MessageOf<T>[] {
  return messages.filter((message): message is MessageOf<T> => message.type === type);
}
