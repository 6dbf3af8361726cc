/** One client's conversation in the Redis protocol: requests in, replies out in the same order. */

import { unreachable } from "../../base/assert.ts";
import { isErrorReply } from "../../kv/replies.ts";
import type { ReadOutcome, WriteOutcome } from "../../node/api.ts";
import { REQUESTS_IN_FLIGHT_MAX, UNSENT_BYTES_MAX } from "../limits.ts";
import type { ClientLink, ProtocolSession, SessionContext, Standing } from "../protocol.ts";
import { ReplyQueue, type ReplySlot, type SlotHandler } from "../reply_queue.ts";
import { commandOfCall, showResult } from "./call_command.ts";
import type { ClientHoldings, ClientRecord } from "./client_record.ts";
import { notDone, OUTCOME_UNKNOWN } from "./errors.ts";
import { FAST, UNKNOWN_COMMAND } from "./commands.ts";
import type { Conversation, Plan } from "./plan.ts";
import { planRequest } from "./planner.ts";
import { encodeReply, type RespReply } from "./reply_writer.ts";
import { requestBytes, RequestReader, type Words } from "./request_reader.ts";
import { noteEnd } from "./statistics/note_end.ts";
import { Transaction } from "./transaction.ts";

/** What a slot waits for; an answer that was known at once needs none. */
type Awaited = Extract<Plan, { readonly type: "Call" | "Write" | "Read" | "Task" }>;

const NO_WORDS: Words = [];

/** Stands in slots whose reply is known. */
const NOTHING: Awaited = { type: "Call", call: [], isWrite: false };

/**
 * Program order of one connection: writes run side by side, and so do reads, but a read begins after the writes before it
 * have finished, and a write after the reads before it. The request whose turn has not come is held, and none is looked at
 * behind it until then.
 */
export class RespSession implements ProtocolSession, SlotHandler<Awaited>, Conversation {
  readonly context: SessionContext;
  readonly client: ClientRecord;
  readonly transaction: Transaction;
  readonly #link: ClientLink;
  readonly #requests: RequestReader;
  readonly #replies: ReplyQueue<Awaited>;
  #held: Plan | undefined;
  /** What the request held, or the last one, counts as. */
  #kind: number = UNKNOWN_COMMAND;
  #words: Words = NO_WORDS;
  #isRejected = false;
  #writesOpen = 0;
  #readsOpen = 0;
  /** A task, or an EXEC that changes how replies are written: nothing behind it begins. */
  #barrierOpen = false;
  #advancing = false;
  #inTurnQueue = false;
  #inputEnded = false;
  /** No further request is taken; once the replies are out, the link is finished. */
  #ended = false;
  /** The time of this turn, as far as it is known. */
  #now: number;

  /** A session at its first request. */
  constructor(link: ClientLink, context: SessionContext) {
    this.#link = link;
    this.context = context;
    this.client = context.clients.add({ link, holdings: () => this.#holdings() });
    this.transaction = new Transaction(context.budget);
    this.#requests = new RequestReader(context.budget, { wordBytesMax: context.valueBytesMax });
    this.#replies = new ReplyQueue<Awaited>(this, NOTHING);
    this.#now = link.openedAt;
  }

  /** See `ProtocolSession`. */
  get full(): boolean {
    return !this.#ended && (this.#requests.hasInput || this.#held !== undefined || !this.#hasRoom());
  }

  /** See `ProtocolSession`. */
  get standing(): Standing {
    if (this.#ended || this.full || this.#replies.size > 0) return { type: "Busy" };
    return this.#requests.receiving ?? { type: this.transaction.isInUse ? "Holding" : "Idle" };
  }

  /** See `ProtocolSession`. */
  receive(chunk: string): void {
    if (this.#ended) return;
    this.#now = this.context.turnTime.now();
    this.client.lastAt = this.#now;
    this.#requests.push(chunk);
    this.#advance();
  }

  /** See `ProtocolSession`. */
  inputEnded(): void {
    this.#inputEnded = true;
    this.#advance();
  }

  /** See `ProtocolSession`. */
  outputSent(): void {
    this.#emit();
    this.#advance();
  }

  /** See `ProtocolSession`. */
  stop(): void {
    this.#end();
    this.#finishIfDone();
  }

  /** See `ProtocolSession`. */
  closed(): void {
    this.#end();
    this.transaction.discard();
    this.context.clients.remove(this.client);
  }

  /** See `Conversation`. */
  plan(words: Words): Plan {
    return planRequest(words, this);
  }

  /** See `SlotHandler`. */
  wrote(slot: ReplySlot<Awaited>, outcome: WriteOutcome): void {
    this.#writesOpen -= 1;
    this.#endBarrier(slot.request);
    const reply = this.#showWrite(slot.request, outcome);
    this.#now = this.context.turnTime.atEnd();
    this.#settle(slot, reply);
  }

  /** See `SlotHandler`. */
  readDone(slot: ReplySlot<Awaited>, outcome: ReadOutcome): void {
    this.#readsOpen -= 1;
    this.#endBarrier(slot.request);
    const reply = this.#showRead(slot.request, outcome);
    this.#now = this.#endOf(slot.kind);
    this.#settle(slot, reply);
  }

  /** See `SlotHandler`. */
  render({ reply }: ReplySlot<Awaited>): string | undefined {
    return reply;
  }

  #showWrite(request: Awaited, outcome: WriteOutcome): RespReply {
    switch (outcome.type) {
      case "Done":
        return request.type === "Write" ? request.show(outcome.result) : showResult(outcome.result);
      case "NotDone":
        return notDone(outcome, this.context.node);
      case "Unknown":
        return OUTCOME_UNKNOWN;
      default:
        return unreachable(outcome);
    }
  }

  #showRead(request: Awaited, outcome: ReadOutcome): RespReply {
    const { node } = this.context;
    if (outcome.type === "NotDone") return notDone(outcome, node);
    return request.type === "Read" ? request.answer() : node.answer(callOf(request));
  }

  /** The time at which what was done in this turn has ended. */
  #endOf(kind: number): number {
    const { turnTime } = this.context;
    return FAST[kind] === false ? turnTime.atLongEnd() : turnTime.atEnd();
  }

  /** A request has its reply, as of `#now`, and others may have waited for that. */
  #settle(slot: ReplySlot<Awaited>, reply: RespReply): void {
    this.context.metrics.commandSeconds.record((this.#now - slot.startedAt) / 1_000);
    this.#complete(slot, reply);
    this.#emit();
    if (this.#held !== undefined || this.#requests.hasInput || this.#ended || this.#inputEnded) this.#advance();
    else if (!this.full) this.#link.wake();
  }

  #complete(slot: ReplySlot<Awaited>, reply: RespReply): void {
    const { metrics } = this.context;
    const isError = isErrorReply(reply);
    if (isError) metrics.failed.add();
    else metrics.succeeded.add();
    metrics.commands.count(slot.kind, isError);
    slot.seconds = (this.#now - slot.startedAt) / 1_000;
    noteEnd(slot, reply, this);
    slot.reply = slot.isMuted ? "" : encodeReply(reply, this.client.version);
  }

  /** Sends the replies that are ready and in turn, as long as the client takes them. */
  #emit(): void {
    while (this.#link.unsentBytes <= UNSENT_BYTES_MAX) {
      const reply = this.#replies.take();
      if (reply === undefined) return;
      if (reply !== "") this.#link.send(reply);
    }
  }

  /** Takes requests as long as there are some and their turn has come. */
  #advance(): void {
    // A request that is answered at once leads back here: a loop must not become a recursion as deep as the input is long.
    if (this.#advancing) return;
    this.#advancing = true;
    while (!this.#ended) {
      // Replies that are known at once make room; where none is sent, nobody would call again.
      if (!this.#hasRoom()) this.#emit();
      if (!this.#hasRoom()) break;
      if (this.#held === undefined && !this.#takeRequest()) break;
      const plan = this.#held;
      if (plan === undefined || !this.#mayStart(plan)) break;
      this.#held = undefined;
      this.#start(plan);
    }
    this.#emit();
    this.#advancing = false;
    this.#finishIfDone();
    if (!this.full) this.#link.wake();
  }

  /** Makes the plan of the next request; false when there is none now. */
  #takeRequest(): boolean {
    if (this.#waitsForTurn()) return false;
    const request = this.#requests.next();
    if (request === undefined) {
      this.#allTaken();
      return false;
    }
    this.context.metrics.received.add();
    if ("refusal" in request) {
      this.transaction.spoil();
      this.#held = { type: "Answer", reply: { error: request.refusal } };
      this.#kind = UNKNOWN_COMMAND;
      this.#words = NO_WORDS;
    } else {
      this.#held = planRequest(request, this);
      this.#kind = this.client.commandNumber;
      this.#words = request;
      this.#isRejected = this.client.isRejected;
    }
    return true;
  }

  /** Whether this turn's share of input is used up; then the session goes on in the next one. */
  #waitsForTurn(): boolean {
    if (this.#inTurnQueue) return true;
    if (!this.#requests.hasInput || this.context.turns.take(this.#resume)) return false;
    this.#inTurnQueue = true;
    return true;
  }

  readonly #resume = (): void => {
    this.#inTurnQueue = false;
    this.#advance();
  };

  #holdings(): ClientHoldings {
    const { queued, queueBytes } = this.transaction;
    const wordBytes = this.#words.reduce((sum, word) => sum + word.length, 0);
    return { inputBytes: this.#requests.inputBytes + requestBytes(this.#words), wordBytes, queued, queueBytes };
  }

  #hasRoom(): boolean {
    return this.#replies.size < REQUESTS_IN_FLIGHT_MAX && this.#link.unsentBytes <= UNSENT_BYTES_MAX &&
      !this.#barrierOpen;
  }

  /** Every byte has been looked at. What cannot be read, or ends in the middle of a request, is the last of a connection. */
  #allTaken(): void {
    const { problem } = this.#requests;
    if (problem !== undefined) {
      this.context.warn(`Closed the connection of ${this.#link.remote}: ${problem}`);
      this.#kind = UNKNOWN_COMMAND;
      this.#answer({ error: problem });
      return this.#end();
    }
    if (this.#inputEnded) this.#end();
  }

  #mayStart(plan: Plan): boolean {
    switch (plan.type) {
      case "Answer":
        return true;
      case "Call":
        return plan.isWrite ? this.#readsOpen === 0 : this.#writesOpen === 0;
      case "Write":
        return this.#readsOpen === 0;
      case "Read":
        return this.#writesOpen === 0;
      case "Act":
      case "Later":
      case "Task":
      case "Close":
        return this.#readsOpen === 0 && this.#writesOpen === 0;
      default:
        return unreachable(plan);
    }
  }

  #start(plan: Plan): void {
    switch (plan.type) {
      case "Answer":
        return this.#answer(plan.reply);
      case "Call":
        return plan.isWrite ? this.#write(plan) : this.#read(plan);
      case "Write":
        return this.#write(plan);
      case "Read":
        return this.#read(plan);
      case "Act":
        return this.#act(plan);
      case "Later":
        return this.#start(plan.plan());
      case "Task":
        return this.#perform(plan);
      case "Close":
        this.#answer(plan.reply);
        return this.#end();
      default:
        return unreachable(plan);
    }
  }

  #write(plan: Extract<Plan, { readonly type: "Call" | "Write" }>): void {
    this.#writesOpen += 1;
    const slot = this.#add(plan);
    const { node } = this.context;
    if (plan.type === "Call") return node.submit(commandOfCall(plan.call), slot.wrote);
    this.#beginBarrier(plan);
    node.submit(plan.command, slot.wrote, plan.session);
  }

  #read(plan: Extract<Plan, { readonly type: "Call" | "Read" }>): void {
    this.#readsOpen += 1;
    this.#beginBarrier(plan);
    this.context.node.read(this.#add(plan).readDone);
  }

  #beginBarrier(plan: Awaited): void {
    if ((plan.type === "Read" || plan.type === "Write") && plan.isBarrier === true) this.#barrierOpen = true;
  }

  #endBarrier(plan: Awaited): void {
    if ((plan.type === "Read" || plan.type === "Write") && plan.isBarrier === true) this.#barrierOpen = false;
  }

  #perform(plan: Extract<Plan, { readonly type: "Task" }>): void {
    const slot = this.#add(plan);
    this.#barrierOpen = true;
    const settle = (reply: RespReply) => {
      this.#barrierOpen = false;
      this.#now = this.context.turnTime.atLongEnd();
      this.#settle(slot, reply);
    };
    // A rejection ends the node; whoever runs the node hears of that from the node itself.
    plan.run().then(
      settle,
      (error) => settle({ error: `ERR ${error instanceof Error ? error.message : String(error)}` }),
    );
  }

  /** Puts a known reply behind the replies before it. */
  #answer(reply: RespReply): void {
    const slot = this.#add(NOTHING);
    this.#now = this.#endOf(slot.kind);
    this.#complete(slot, reply);
  }

  #act(plan: Extract<Plan, { readonly type: "Act" }>): void {
    const slot = this.#add(NOTHING);
    const reply = plan.act();
    this.#now = this.#endOf(slot.kind);
    this.#complete(slot, reply);
  }

  #add(request: Awaited): ReplySlot<Awaited> {
    const slot = this.#replies.add(request, this.#now);
    const { client } = this;
    slot.kind = this.#kind;
    slot.words = this.#words;
    // The slot lets go of them with the reply.
    this.#words = NO_WORDS;
    slot.isRejected = this.#isRejected;
    if (client.replies === "On") return slot;
    slot.isMuted = true;
    if (client.replies === "SkipNext") client.replies = "Skip";
    else if (client.replies === "Skip") client.replies = "On";
    return slot;
  }

  #end(): void {
    this.#ended = true;
    this.#held = undefined;
    this.#requests.clear();
  }

  #finishIfDone(): void {
    if (this.#ended && this.#replies.size === 0) this.#link.finish();
  }
}

function callOf(request: Awaited): readonly string[] {
  return request.type === "Call" ? request.call : [];
}
