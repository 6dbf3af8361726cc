/** What a protocol gives to a conversation: requests from bytes, their place in the order, and bytes for replies. */

import type { ReadOutcome, WriteOutcome } from "../../node/api.ts";
import type { Received } from "../../net/session.ts";
import type { ReplySlot } from "./reply_queue.ts";

/** When a request may begin; and once it is open, what it holds up until it has ended. */
export type Turn =
  /** Begins at once: only its place among the replies is waited for. Holds up nothing. */
  | "Now"
  /** Begins after the reads before it. Holds up reads. */
  | "Write"
  /** Begins after the writes before it. Holds up writes. */
  | "Read"
  /** Begins after everything before it. Holds up everything. */
  | "Alone";

/** How a write or a read has ended. */
export type Outcome = WriteOutcome | ReadOutcome;

/** Bytes that have come and are not done with. */
export interface Input {
  /** Whether there are some that nobody has looked at. */
  readonly hasInput: boolean;
  /** The ordinal number of the request whose end has not come; undefined between two requests. */
  readonly unfinished: number | undefined;
  /** Drops everything and gives the memory back. */
  clear(): void;
}

/**
 * One client's side of a protocol. `E` is an exchange: a request, and its reply as far as it is known. All calls come in the
 * order of the requests, but for `fill`.
 */
export interface Interpreter<E> {
  readonly input: Input;
  /** Whether the client would lose more than its connection by the end of it. */
  readonly holdsState: boolean;
  /** Whether nobody has logged in yet, and somebody has to. */
  readonly isBeforeLogin: boolean;
  /** The exchange that stands where there is none. */
  readonly nothing: E;
  /** Takes bytes; see `ProtocolSession`. The ones before have been looked at. */
  push(received: Received, buffer?: Uint8Array): void;
  /** The next request; undefined when its end has not come. A client that cannot be understood is told so and ended here. */
  next(): E | undefined;
  /** When it may begin. Asked again while it is held. */
  classify(exchange: E): Turn;
  /** Begins it: opens its slot, and fills in the reply at once or when it is known. */
  start(exchange: E): void;
  /** Fills in the reply to what has ended, and notes the time (`Conversation.noteEnd`). A read looks at the state here, and reads do in order. */
  fill(slot: ReplySlot<E>, outcome: Outcome): void;
  /** Sends the reply, which is the next in turn; false while it is not known, or not sent to its end. */
  render(exchange: E): boolean;
  /** All input is looked at, and no more will come: a last word before the conversation ends. */
  inputEnded?(): void;
  /** Tells the client that the end of its request has not come in time. */
  requestTooSlow(): void;
  /** Tells the client that nobody has logged in in time. */
  loginTooSlow(): void;
  /** Nothing more is taken: ends what would go on by itself. */
  end?(): void;
  /** The connection is gone: gives everything back. */
  closed(): void;
}
