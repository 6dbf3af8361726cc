/** One client's conversation in the text protocol: lines in, replies out in the same order. */

import { unreachable } from "../../base/assert.ts";
import type { Timer } from "../../base/clock.ts";
import type { ReadOutcome, WriteOutcome } from "../../node/api.ts";
import type { Counter } from "../../observe/metrics.ts";
import { REQUESTS_IN_FLIGHT_MAX, UNSENT_BYTES_MAX } from "../limits.ts";
import type { ClientLink, ProtocolSession, SessionContext, Standing } from "../protocol.ts";
import { ReplyQueue, type ReplySlot, type SlotHandler } from "../reply_queue.ts";
import { History } from "./history.ts";
import { skipBlanks, trimmedRest } from "./lexer.ts";
import { readLine } from "./line_meaning.ts";
import { LineReader } from "./line_reader.ts";
import { renderMetrics } from "./metrics.ts";
import {
  GOODBYE,
  INCOMPLETE_LINE,
  keyMissing,
  LINE_TOO_LONG,
  NO_MEMORY,
  notDone,
  OUTCOME_UNKNOWN,
  snapshotFailed,
  snapshotTaken,
  valueInPieces,
  valueOf,
  WATCH_ENDED,
  writeDone,
} from "./outcomes.ts";
import { PiecewiseReply } from "./piecewise_reply.ts";
import { findRepetition } from "./repetition.ts";
import type { ReportContext } from "./report_context.ts";
import type { Request } from "./requests.ts";
import { SHOWN_PIECE_BYTES } from "./show.ts";

const EXCLAMATION_MARK = 0x21;

/** What a reply is about: a key, and the value that a read found, made readable only when there is room to send it. */
interface Subject {
  readonly key: string;
  value: string | undefined;
}

const NO_SUBJECT: Subject = { key: "", value: undefined };

/**
 * Program order of one connection: writes run side by side, and so do reads, but a read begins after the writes before it
 * have finished, and a write after the reads before it; everything else after all that came before it. The request whose
 * turn has not come is held, and no further line is looked at until then.
 */
export class TextSession implements ProtocolSession, SlotHandler<Subject> {
  readonly #link: ClientLink;
  readonly #context: SessionContext;
  readonly #lines: LineReader;
  readonly #history: History;
  readonly #replies: ReplyQueue<Subject>;
  /** The reply that is being sent, where it is long. */
  readonly #long: PiecewiseReply;
  #held: Request | undefined;
  #writesOpen = 0;
  #readsOpen = 0;
  #snapshotOpen = false;
  #watchTimer: Timer | undefined;
  #commands = 0;
  #advancing = false;
  #inTurnQueue = false;
  #inputEnded = false;
  /** No further line is taken; once the replies are out, the link is finished. */
  #ended = false;
  /** The time of this turn, as far as it is known. */
  #now: number;

  /** A session at its first line. */
  constructor(link: ClientLink, context: SessionContext) {
    this.#link = link;
    this.#context = context;
    this.#lines = new LineReader(context.budget);
    this.#history = new History(context.budget);
    this.#replies = new ReplyQueue(this, NO_SUBJECT);
    this.#long = new PiecewiseReply({ clock: context.clock, link, ended: () => this.outputSent() });
    this.#now = link.openedAt;
  }

  /** See `ProtocolSession`. */
  get full(): boolean {
    return !this.#ended && (this.#lines.hasInput || this.#held !== undefined || !this.#hasRoom());
  }

  /** See `ProtocolSession`. */
  get standing(): Standing {
    if (this.#ended || this.full || this.#isReplying) return { type: "Busy" };
    const request = this.#lines.unfinished;
    if (request !== undefined) return { type: "Receiving", request };
    return { type: this.#watchTimer === undefined ? "Idle" : "Holding" };
  }

  /** See `ProtocolSession`. */
  receive(chunk: string): void {
    if (this.#ended) return;
    this.#now = this.#context.turnTime.now();
    this.#lines.push(chunk);
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
    this.#long.end();
    this.#history.clear();
  }

  /** See `SlotHandler`. */
  wrote(slot: ReplySlot<Subject>, outcome: WriteOutcome): void {
    this.#writesOpen -= 1;
    const { succeeded, failed } = this.#context.metrics;
    if (outcome.type === "Done") {
      const { result } = outcome;
      const found = result.type === "Put" || (result.type === "Delete" && result.existed);
      slot.reply = `${writeDone(slot.request.key, result)}\n`;
      this.#settle(slot, found ? succeeded : failed);
    } else if (outcome.type === "NotDone") {
      slot.reply = `${notDone(outcome, this.#context.node)}\n`;
      this.#settle(slot, outcome.reason === "NotLeader" ? this.#context.metrics.redirected : failed);
    } else {
      slot.reply = `${OUTCOME_UNKNOWN}\n`;
      this.#settle(slot, failed);
    }
  }

  /** See `SlotHandler`. */
  readDone(slot: ReplySlot<Subject>, outcome: ReadOutcome): void {
    this.#readsOpen -= 1;
    const { node, metrics } = this.#context;
    if (outcome.type === "NotDone") {
      slot.reply = `${notDone(outcome, node)}\n`;
      return this.#settle(slot, outcome.reason === "NotLeader" ? metrics.redirected : metrics.failed);
    }
    const record = node.state.get(slot.request.key);
    if (record === undefined) slot.reply = `${keyMissing(slot.request.key)}\n`;
    else slot.request.value = record.value;
    this.#settle(slot, record === undefined ? metrics.failed : metrics.succeeded);
  }

  /** See `SlotHandler`. */
  render({ reply, request: { key, value } }: ReplySlot<Subject>): string | undefined {
    if (value === undefined) return reply;
    if (value.length <= SHOWN_PIECE_BYTES) return `${valueOf(key, value)}\n`;
    this.#long.open(valueInPieces(key, value));
    return "";
  }

  #add(key: string): ReplySlot<Subject> {
    return this.#replies.add({ key, value: undefined }, this.#now);
  }

  /** A read or write has its outcome. */
  #settle(slot: ReplySlot<Subject>, counter: Counter): void {
    const { turnTime, metrics } = this.#context;
    counter.add();
    this.#now = turnTime.now();
    metrics.commandSeconds.record((this.#now - slot.startedAt) / 1_000);
    this.#emit();
    this.#advance();
  }

  /** Sends the replies that are ready and in turn, as long as the client takes them. */
  #emit(): void {
    while (this.#link.unsentBytes <= UNSENT_BYTES_MAX) {
      if (this.#long.isOpen) return this.#long.goOn();
      const reply = this.#replies.take();
      if (reply === undefined) return;
      this.#link.send(reply);
    }
  }

  /** Takes lines as long as there are some and their turn has come. */
  #advance(): void {
    // A request that is answered at once leads back here: a loop must not become a recursion as deep as the input is long.
    if (this.#advancing) return;
    this.#advancing = true;
    while (!this.#ended && this.#hasRoom()) {
      if (this.#held === undefined) {
        if (this.#waitsForTurn()) break;
        const line = this.#lines.next();
        if (line === undefined) {
          this.#allLinesTaken();
          break;
        }
        this.#takeLine(line);
        continue;
      }
      const request = this.#held;
      if (!this.#mayStart(request)) break;
      this.#held = undefined;
      this.#start(request);
    }
    this.#advancing = false;
    this.#finishIfDone();
    if (!this.full) this.#link.wake();
  }

  /** Whether this turn's share of input is used up; then the session goes on in the next one. */
  #waitsForTurn(): boolean {
    if (this.#inTurnQueue) return true;
    if (!this.#lines.hasInput || this.#context.turns.take(this.#resume)) return false;
    this.#inTurnQueue = true;
    return true;
  }

  readonly #resume = (): void => {
    this.#inTurnQueue = false;
    this.#advance();
  };

  #hasRoom(): boolean {
    return this.#replies.size < REQUESTS_IN_FLIGHT_MAX && this.#link.unsentBytes <= UNSENT_BYTES_MAX &&
      !this.#snapshotOpen;
  }

  #allLinesTaken(): void {
    switch (this.#lines.problem) {
      case "TooLong":
        return this.#hangUp(LINE_TOO_LONG, "its line is too long");
      case "NoMemory":
        return this.#hangUp(NO_MEMORY, "all clients together send too much");
      case undefined:
        break;
    }
    if (!this.#inputEnded) return;
    this.#endWatch();
    if (this.#lines.hasPartial) this.#answer(INCOMPLETE_LINE);
    this.#end();
  }

  #takeLine(line: string): void {
    if (this.#watchTimer !== undefined) return this.#endWatch();
    const at = skipBlanks(line, 0);
    if (at === line.length) return;
    this.#commands += 1;
    this.#context.metrics.received.add();
    if (line.charCodeAt(at) === EXCLAMATION_MARK) return this.#repeat(trimmedRest(line, at));
    this.#history.add(trimmedRest(line, at), this.#lines.sourceBytes);
    this.#held = readLine(line, this.#context.httpPort);
  }

  #repeat(word: string): void {
    const repetition = findRepetition(word, this.#history);
    if (repetition.type === "NoRepetition") {
      this.#held = { type: "Refused", reply: repetition.reply };
      return;
    }
    this.#history.add(repetition.line, repetition.line.length);
    this.#answer(repetition.announcement);
    this.#held = readLine(repetition.line, this.#context.httpPort);
  }

  #mayStart({ type }: Request): boolean {
    switch (type) {
      case "Write":
        return this.#readsOpen === 0;
      case "Read":
        return this.#writesOpen === 0;
      case "Refused":
      case "HangUp":
        return true;
      default:
        return this.#readsOpen === 0 && this.#writesOpen === 0;
    }
  }

  #start(request: Request): void {
    const { node, metrics } = this.#context;
    switch (request.type) {
      case "Write":
        this.#writesOpen += 1;
        return node.write(request.command, this.#add(request.command.key).wrote);
      case "Read":
        this.#readsOpen += 1;
        return node.read(this.#add(request.key).readDone);
      case "Report":
        metrics.succeeded.add();
        return this.#answer(request.render(this.#reportContext()));
      case "Refused":
        metrics.failed.add();
        return this.#answer(request.reply);
      case "Snapshot":
        return this.#takeSnapshot();
      case "Watch":
        metrics.succeeded.add();
        return this.#watch(request.seconds * 1_000);
      case "Exit":
        metrics.succeeded.add();
        this.#answer(GOODBYE);
        return this.#end();
      case "HangUp":
        metrics.failed.add();
        return this.#hangUp(request.reply, request.reason);
      default:
        return unreachable(request);
    }
  }

  /** Puts a reply of one or more lines, the end of its last one left out, behind the replies before it. */
  #answer(reply: string): void {
    this.#replies.add(NO_SUBJECT, this.#now).reply = `${reply}\n`;
    this.#emit();
  }

  #takeSnapshot(): void {
    const slot = this.#replies.add(NO_SUBJECT, this.#now);
    this.#snapshotOpen = true;
    const settle = (reply: string, counter: Counter) => {
      this.#snapshotOpen = false;
      slot.reply = `${reply}\n`;
      counter.add();
      this.#emit();
      this.#advance();
    };
    const { node, metrics } = this.#context;
    // A rejection ends the node; whoever runs the node hears of that from the node itself.
    node.takeSnapshot().then(
      (outcome) => settle(snapshotTaken(outcome), outcome.type === "Failed" ? metrics.failed : metrics.succeeded),
      (error) => settle(snapshotFailed(error instanceof Error ? error.message : String(error)), metrics.failed),
    );
  }

  #watch(periodMs: number): void {
    // A client that does not read gets the next figures when it does.
    if (this.#link.unsentBytes <= UNSENT_BYTES_MAX) this.#answer(renderMetrics(this.#reportContext()));
    this.#watchTimer = this.#context.clock.after(periodMs, () => this.#watch(periodMs));
  }

  #endWatch(): void {
    if (this.#watchTimer === undefined) return;
    this.#stopWatch();
    this.#answer(WATCH_ENDED);
  }

  #stopWatch(): void {
    this.#watchTimer?.cancel();
    this.#watchTimer = undefined;
  }

  #hangUp(reply: string | undefined, reason: string): void {
    this.#context.warn(`Closed the connection of ${this.#link.remote}: ${reason}`);
    this.#end();
    if (reply === undefined) return this.#link.abort();
    this.#answer(reply);
  }

  #end(): void {
    this.#ended = true;
    this.#held = undefined;
    this.#stopWatch();
    this.#lines.clear();
  }

  get #isReplying(): boolean {
    return this.#replies.size > 0 || this.#long.isOpen;
  }

  #finishIfDone(): void {
    if (this.#ended && !this.#isReplying) this.#link.finish();
  }

  #reportContext(): ReportContext {
    const link = this.#link;
    return {
      node: this.#context.node,
      connection: {
        commands: this.#commands,
        bytesReceived: link.bytesReceived,
        bytesSent: link.bytesSent,
        openForMs: this.#context.clock.now() - link.openedAt,
        history: this.#history,
      },
      connections: this.#context.connections(),
      connectionsMax: this.#context.connectionsMax(),
    };
  }
}
