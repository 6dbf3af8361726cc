/**
 * One client's conversation, whatever the protocol: which request may begin, and the replies in the order of the requests.
 *
 * Program order of one connection: writes run side by side, and so do reads, but a read begins after the writes before it
 * have finished, and a write after the reads before it; see `Turn` for the rest. The request whose turn has not come is held,
 * and none is looked at behind it until then.
 *
 * A read looks at the state when its reply is the next to be sent, never before its confirmation: reads are confirmed in any order, and
 * a reply must not show an older state than one before it. Nor is more copied from the state than the client has room for.
 *
 * Knows neither bytes nor replies: those are the interpreter's.
 */

import {
  REQUESTS_IN_FLIGHT_BYTES_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  REQUESTS_IN_FLIGHT_MIN,
  REQUESTS_IN_FLIGHT_SHARED,
  UNSENT_BYTES_MAX,
} from "../../net/limits.ts";
import type { ClientLink, ProtocolSession, Received, Standing } from "../../net/session.ts";
import type { NodeReader, ReadOutcome } from "../../node/api.ts";
import type { SessionContext } from "../session_context.ts";
import type { Interpreter, Turn } from "./interpreter.ts";
import { ReplyQueue, type ReplySlot } from "./reply_queue.ts";

/** What a conversation is made of. */
export interface ConversationParts<E> {
  readonly link: ClientLink;
  readonly context: Pick<SessionContext, "metrics" | "turns" | "turnTime" | "connections"> & {
    readonly node: Pick<NodeReader, "isQuarantined">;
  };
  /** The interpreter of the conversation that is being made. */
  readonly interpreter: (conversation: Conversation<E>) => Interpreter<E>;
}

/** How a read ends that looks at a state of which is known by now that it is not sound. */
const NOT_SOUND: ReadOutcome = { type: "NotDone", reason: "Quarantined", leaderId: undefined };

/** Life: open, then ended: nothing more is taken, and once the replies are out, the link is finished. */
export class Conversation<E> implements ProtocolSession {
  readonly link: ClientLink;
  readonly #context: ConversationParts<E>["context"];
  readonly #interpreter: Interpreter<E>;
  readonly #replies: ReplyQueue<E>;
  /** The next request, while its turn has not come. */
  #held: E | undefined;
  #writesOpen = 0;
  #readsOpen = 0;
  /** Something is open that stands alone. */
  #barrierOpen = false;
  #advancing = false;
  #inTurnQueue = false;
  #inputEnded = false;
  #ended = false;
  #now: number;
  #receivedBytes = 0;

  /** A conversation before its first request. */
  constructor({ link, context, interpreter }: ConversationParts<E>) {
    this.link = link;
    this.#context = context;
    this.#now = link.openedAt;
    this.#interpreter = interpreter(this);
    this.#replies = new ReplyQueue(this.#interpreter.nothing, (slot, outcome) => {
      if (outcome.type === "Ready" && slot !== this.#replies.first) slot.postponed = outcome;
      else {
        this.#interpreter.fill(slot, outcome);
        this.settle(slot);
      }
    });
  }

  /** The time of this turn, as far as it is known. */
  get now(): number {
    return this.#now;
  }

  /** See `ProtocolSession`. */
  get full(): boolean {
    return !this.#ended && (this.#interpreter.input.hasInput || this.#held !== undefined || !this.#hasRoom());
  }

  /** See `ProtocolSession`. */
  get standing(): Standing {
    if (this.#ended || this.full || this.#replies.size > 0) return { type: "Busy" };
    const request = this.#interpreter.input.unfinished;
    if (request !== undefined) return { type: "Receiving", request };
    return { type: this.#interpreter.holdsState ? "Holding" : "Idle" };
  }

  /** See `ProtocolSession`. */
  get isBeforeLogin(): boolean {
    return this.#interpreter.isBeforeLogin;
  }

  /** See `ProtocolSession`. */
  receive(received: Received, buffer?: Uint8Array): void {
    if (this.#ended) return;
    this.#now = this.#context.turnTime.now();
    this.#receivedBytes += received.length;
    this.#interpreter.push(received, buffer);
    this.#advance();
  }

  /** See `ProtocolSession`. */
  inputEnded(): void {
    this.#inputEnded = true;
    this.#advance();
  }

  /** See `ProtocolSession`. */
  requestTooSlow(): void {
    this.#interpreter.requestTooSlow();
    this.link.finish();
  }

  /** See `ProtocolSession`. */
  loginTooSlow(): void {
    this.#interpreter.loginTooSlow();
    this.link.finish();
  }

  /** See `ProtocolSession`. */
  outputSent(): void {
    this.#advance();
  }

  /** See `ProtocolSession`. */
  stop(): void {
    this.end();
    this.#finishIfDone();
  }

  /** See `ProtocolSession`. */
  closed(): void {
    this.end();
    this.#interpreter.closed();
  }

  /** The place of a reply behind those before it. What is open until `settle` holds up others as `turn` says. */
  open(exchange: E, turn: Turn): ReplySlot<E> {
    return this.#open(exchange, { turn, requests: 1 });
  }

  /** The same for several requests that are answered together. */
  openSeveral(exchange: E, several: { readonly turn: Turn; readonly requests: number }): ReplySlot<E> {
    return this.#open(exchange, several);
  }

  /** What was opened as several reads ends one by one after all, all of them so: the slot is that of the first from now on. */
  split(
    slot: ReplySlot<E>,
    { exchanges, outcome }: { readonly exchanges: readonly E[]; readonly outcome: ReadOutcome },
  ): void {
    const others = this.#replies.split(slot, exchanges);
    this.#readsOpen += others.length;
    for (const each of others) each.ended(outcome);
  }

  /** How many requests may be taken together now, one having been taken. */
  get roomForMore(): number {
    return Math.min(this.#context.turns.left, this.#requestsMax - this.#replies.size - 1);
  }

  #open(exchange: E, { turn, requests }: { readonly turn: Turn; readonly requests: number }): ReplySlot<E> {
    if (turn === "Write") this.#writesOpen += 1;
    else if (turn === "Read") this.#readsOpen += 1;
    else if (turn === "Alone") this.#barrierOpen = true;
    const slot = this.#replies.add(exchange, requests);
    slot.turn = turn;
    slot.startedAt = this.#now;
    slot.receivedBytes = this.#receivedBytes;
    return slot;
  }

  /** Something ended now; the clock is read for what may have taken long. */
  noteEnd(isLong: boolean): void {
    const { turnTime } = this.#context;
    this.#now = isLong ? turnTime.atLongEnd() : turnTime.atEnd();
  }

  /** What was open has its reply, as of the last `noteEnd`: goes on with what waited for it. */
  settle(slot: ReplySlot<E>): void {
    this.#close(slot);
    const goesOn = this.#held !== undefined || this.#interpreter.input.hasInput || this.#ended || this.#inputEnded;
    if (goesOn) return this.#advance();
    this.flush();
    if (!this.full) this.link.wake();
  }

  /** Sends the replies that are ready and in turn, as long as the client takes them. */
  flush(): void {
    while (this.link.unsentBytes <= UNSENT_BYTES_MAX) {
      const slot = this.#replies.first;
      if (slot === undefined) return;
      if (slot.postponed !== undefined) this.#perform(slot, slot.postponed);
      if (!this.#interpreter.render(slot.exchange)) return;
      this.#replies.drop();
    }
  }

  /** Takes no further request; once the replies are out, the link is finished. */
  end(): void {
    this.#ended = true;
    this.#held = undefined;
    this.#interpreter.input.clear();
    this.#interpreter.end?.();
  }

  /** Takes requests as long as there are some and their turn has come, and sends the replies that are ready. */
  #advance(): void {
    // A request that is answered at once leads back here: a loop must not become a recursion as deep as the input is long.
    if (this.#advancing) return;
    this.#advancing = true;
    do {
      // Replies that are known at once make room; where none is sent, nobody would call again.
      this.flush();
    } while (!this.#ended && this.#hasRoom() && this.#startNext());
    this.flush();
    this.#advancing = false;
    this.#finishIfDone();
    if (!this.full) this.link.wake();
  }

  /** Starts the next request; false when there is none whose turn has come. */
  #startNext(): boolean {
    const exchange = this.#held ?? this.#next();
    if (exchange === undefined) return false;
    const mayStart = this.#mayStart(this.#interpreter.classify(exchange));
    this.#held = mayStart ? undefined : exchange;
    if (mayStart) this.#interpreter.start(exchange);
    return mayStart;
  }

  #next(): E | undefined {
    if (this.#waitsForTurn()) return undefined;
    const exchange = this.#interpreter.next();
    if (exchange === undefined && this.#inputEnded && !this.#ended) {
      this.#interpreter.inputEnded?.();
      this.end();
    }
    return exchange;
  }

  /** Whether this turn's share of input is used up; then the conversation goes on in the next one. */
  #waitsForTurn(): boolean {
    if (this.#inTurnQueue) return true;
    if (!this.#interpreter.input.hasInput || this.#context.turns.take(this.#resume)) return false;
    this.#inTurnQueue = true;
    return true;
  }

  readonly #resume = (): void => {
    this.#inTurnQueue = false;
    this.#advance();
  };

  /**
   * Does a read that was confirmed before its turn, which may be long ago where a client takes its replies slowly. What waits for its end
   * goes on once the reply, which is sent next, is out.
   */
  #perform(slot: ReplySlot<E>, outcome: ReadOutcome): void {
    slot.postponed = undefined;
    this.#interpreter.fill(slot, this.#context.node.isQuarantined ? NOT_SOUND : outcome);
    this.#close(slot);
  }

  #close({ turn, startedAt, requests }: ReplySlot<E>): void {
    if (turn === "Write") this.#writesOpen -= 1;
    else if (turn === "Read") this.#readsOpen -= 1;
    else this.#barrierOpen = false;
    this.#context.metrics.commandSeconds.record((this.#now - startedAt) / 1_000, requests);
  }

  #mayStart(turn: Turn): boolean {
    return turn === "Now" ||
      (turn === "Read" || this.#readsOpen === 0) && (turn === "Write" || this.#writesOpen === 0);
  }

  #hasRoom(): boolean {
    return this.#mayBeMore() && this.link.unsentBytes <= UNSENT_BYTES_MAX &&
      !this.#barrierOpen;
  }

  #mayBeMore(): boolean {
    const { size } = this.#replies;
    // For the first ones nobody has to be counted.
    return size < REQUESTS_IN_FLIGHT_MIN || size < this.#requestsMax;
  }

  get #requestsMax(): number {
    // To within what came at once with the oldest of them.
    const bytes = this.#receivedBytes - (this.#replies.first?.receivedBytes ?? this.#receivedBytes);
    return bytes < REQUESTS_IN_FLIGHT_BYTES_MAX
      ? requestsInFlightMax(this.#context.connections())
      : REQUESTS_IN_FLIGHT_MIN;
  }

  #finishIfDone(): void {
    if (this.#ended && this.#replies.size === 0) this.link.finish();
  }
}

/** Requests of each connection that may be under way while so many are open, at least one: an equal share of those of all, within bounds. */
export function requestsInFlightMax(connections: number): number {
  const share = Math.floor(REQUESTS_IN_FLIGHT_SHARED / connections);
  return Math.min(REQUESTS_IN_FLIGHT_MAX, Math.max(REQUESTS_IN_FLIGHT_MIN, share));
}
