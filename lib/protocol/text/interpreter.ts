/** One client's side of the text protocol: requests from lines, lines from answers, and the reports of WATCH. */

import { unreachable } from "../../base/assert.ts";
import type { Timer } from "../../base/clock.ts";
import type { Visitor } from "../../access/gate.ts";
import { type Login, loginId } from "../../access/login.ts";
import type { ConnectionRate } from "../../access/request_rates.ts";
import type { MemberChange } from "../../node/api.ts";
import type { Counter } from "../../observe/metrics.ts";
import { Conversation } from "../conversation/conversation.ts";
import type { Interpreter, Outcome, Turn } from "../conversation/interpreter.ts";
import type { ReplySlot } from "../conversation/reply_queue.ts";
import { UNSENT_BYTES_MAX } from "../../net/limits.ts";
import type { ClientLink, ProtocolSession, Received } from "../../net/session.ts";
import { isLoginNeeded, type SessionContext } from "../session_context.ts";
import { type Asker, auditEnd, auditRefusal, lacksRight } from "./audit.ts";
import { type Exchange, exchangeOf, keyOf, NOTHING, TURNS } from "./exchange.ts";
import { History } from "./history.ts";
import { skipBlanks, trimmedRest } from "./lexer.ts";
import { isSecret, readLine } from "./line_meaning.ts";
import { LineReader } from "./line_reader.ts";
import { certifiedLogin, judgeLogin, refusalOf, refusalToShow, withinRate } from "./logins.ts";
import { memberReply } from "./member.ts";
import { renderMetrics } from "./metrics.ts";
import {
  GOODBYE,
  INCOMPLETE_LINE,
  keyMissing,
  keyWithAge,
  LINE_PROBLEMS,
  LOGIN_TOO_SLOW,
  loginReply,
  NO_USERS,
  notDone,
  OUTCOME_UNKNOWN,
  QUARANTINED,
  snapshotFailed,
  snapshotTaken,
  TOO_SLOW,
  valueInPieces,
  valueOf,
  WATCH_ENDED,
  writeDone,
} from "./outcomes.ts";
import { PiecewiseReply } from "./piecewise_reply.ts";
import { findRepetition } from "./repetition.ts";
import { type ReportContext, reportContextOf } from "./report_context.ts";
import type { LoginRequest, Request } from "./requests.ts";
import { show, SHOWN_PIECE_BYTES } from "./show.ts";

const EXCLAMATION_MARK = 0x21;

/** The server as text clients see it. */
export interface TextContext extends SessionContext {
  /** Where browsers are sent; undefined where no HTTP is served. */
  readonly httpPort: number | undefined;
}

/** Begins a conversation in this protocol. */
export function startTextConversation(link: ClientLink, context: TextContext): ProtocolSession {
  const interpreter = (conversation: Conversation<Exchange>) => new TextInterpreter(conversation, context);
  return new Conversation({ link, context, interpreter });
}

/** From its first line. */
class TextInterpreter implements Interpreter<Exchange>, Visitor {
  readonly input: LineReader;
  readonly nothing: Exchange = exchangeOf(NOTHING);
  readonly #link: ClientLink;
  readonly #context: TextContext;
  readonly #conversation: Conversation<Exchange>;
  readonly #history: History;
  readonly #rate: ConnectionRate | undefined;
  /** The reply that is being sent, where it is long. */
  readonly #long: PiecewiseReply;
  #watchTimer: Timer | undefined;
  #commands = 0;
  #login: Login | undefined;
  #isClosed = false;

  constructor(conversation: Conversation<Exchange>, context: TextContext) {
    this.#link = conversation.link;
    this.#context = context;
    this.#conversation = conversation;
    this.#rate = context.rates?.connection(conversation.now);
    this.input = new LineReader(context.budget, () => this.isBeforeLogin);
    this.#history = new History(context.budget);
    this.#long = new PiecewiseReply(this.#link, context.clock);
  }

  /** See `Interpreter`. */
  get holdsState(): boolean {
    return this.#watchTimer !== undefined;
  }

  /** See `Interpreter`. */
  get isBeforeLogin(): boolean {
    return this.#login === undefined && isLoginNeeded(this.#link, this.#context);
  }

  /** See `Interpreter`. */
  push(received: Received): void {
    this.input.push(received);
  }

  /** See `Interpreter`. */
  next(): Exchange | undefined {
    const line = this.input.next();
    if (line !== undefined) return exchangeOf(this.#rated(this.#read(line)));
    const { problem } = this.input;
    if (problem === "TooLongBeforeLogin") this.#context.metrics.closedBeforeLogin.size.add();
    if (problem !== undefined) this.#hangUp(...LINE_PROBLEMS[problem]);
    return undefined;
  }

  /** See `Interpreter`. */
  classify({ request: { type } }: Exchange): Turn {
    return TURNS[type];
  }

  /** See `Interpreter`. */
  start(exchange: Exchange): void {
    const { node, metrics } = this.#context;
    const { request } = exchange;
    const refusal = refusalOf(request, { gate: this.#context.gate, login: this.#login });
    if (refusal !== undefined) {
      auditRefusal(request, this.#asker());
      return this.#say(refusal, metrics.failed);
    }
    switch (request.type) {
      case "Nothing":
        return;
      case "Write":
        return node.write(request.command, this.#conversation.open(exchange, "Write").ended, loginId(this.#login));
      case "Read":
        return node.read(this.#conversation.open(exchange, "Read").ended);
      case "StaleRead":
        return this.#readStale(exchange, request.key);
      case "Report":
        metrics.succeeded.add();
        return this.#say(request.render(this.#reportContext()));
      case "Refused":
        return this.#say(request.reply, metrics.failed);
      case "Snapshot":
        return this.#takeSnapshot(exchange);
      case "Member":
        return this.#changeMember(exchange, request.change);
      case "Login":
        return this.#logIn(exchange, request);
      case "Watch":
        metrics.succeeded.add();
        return this.#watch(request.seconds * 1_000);
      case "Exit":
        this.#say(GOODBYE, metrics.succeeded);
        return this.#conversation.end();
      case "HangUp":
        metrics.failed.add();
        return this.#hangUp(request.reply, request.reason);
      default:
        return unreachable(request);
    }
  }

  /** See `Interpreter`. */
  fill({ exchange }: ReplySlot<Exchange>, outcome: Outcome): void {
    this.#conversation.noteEnd(false);
    this.#show(exchange, outcome);
  }

  /** See `Interpreter`. */
  render(exchange: Exchange): boolean {
    const { value, reply } = exchange;
    const isLong = value !== undefined && value.length > SHOWN_PIECE_BYTES;
    if (isLong && reply === undefined) {
      if (!this.#long.isOpen) this.#long.open(valueInPieces(exchange.keyText, value), () => this.#longSent(exchange));
      this.#long.goOn();
      return false;
    }
    const line = reply ?? (value === undefined ? undefined : `${valueOf(exchange.keyText, value)}\n`);
    if (line === undefined) return false;
    this.#link.send(line);
    return true;
  }

  /** See `Interpreter`. */
  inputEnded(): void {
    this.#endWatch();
    if (this.input.unfinished !== undefined) this.#say(INCOMPLETE_LINE);
  }

  /** See `Interpreter`. */
  requestTooSlow(): void {
    this.#link.send(`${TOO_SLOW}\n`);
  }

  /** See `Interpreter`. */
  loginTooSlow(): void {
    this.#link.send(`${LOGIN_TOO_SLOW}\n`);
  }

  /** See `Interpreter`. */
  end(): void {
    this.#stopWatch();
  }

  /** See `Interpreter`. */
  closed(): void {
    this.#isClosed = true;
    this.#context.gate.leave(this);
    this.#long.end();
    this.#history.clear();
  }

  /** See `Visitor`. */
  get login(): Login | undefined {
    return this.#login;
  }

  /** See `Visitor`. */
  loginEnded(): void {
    this.#conversation.stop();
  }

  #logIn(exchange: Exchange, request: LoginRequest): void {
    const { gate, metrics } = this.#context;
    if (gate.admits(undefined)) return this.#say(NO_USERS, metrics.failed);
    const outcome = judgeLogin(request, { context: this.#context, link: this.#link });
    this.#settleLater(
      exchange,
      outcome.then((known) => {
        if (known.type === "LoggedIn") this.#enter(known.login);
        return { reply: loginReply(known), isDone: known.type === "LoggedIn" };
      }),
    );
  }

  #enter(login: Login | undefined): void {
    // Its password was still worked on: nobody would leave again.
    if (this.#isClosed || login === undefined) return;
    this.#login = login;
    this.#context.gate.enter(this);
  }

  #show(exchange: Exchange, outcome: Outcome): void {
    const { node, metrics } = this.#context;
    const key = keyOf(exchange);
    switch (outcome.type) {
      case "Done": {
        const { result } = outcome;
        if (lacksRight(result)) auditRefusal(exchange.request, this.#asker());
        const found = result.type === "Put" || (result.type === "Delete" && result.existed);
        exchange.reply = `${writeDone(key, result)}\n`;
        return (found ? metrics.succeeded : metrics.failed).add();
      }
      case "Ready":
        exchange.reply = refusalToShow(key, { gate: this.#context.gate, login: this.#login });
        if (exchange.reply !== undefined) {
          auditRefusal(exchange.request, this.#asker());
          return metrics.failed.add();
        }
        return this.#lookUp(exchange, { key, keyText: show(key) });
      case "NotDone":
        exchange.reply = `${notDone(outcome, node)}\n`;
        return (outcome.reason === "NotLeader" ? metrics.redirected : metrics.failed).add();
      case "Unknown":
        exchange.reply = `${OUTCOME_UNKNOWN}\n`;
        return metrics.failed.add();
      default:
        return unreachable(outcome);
    }
  }

  /** In one turn, so that the age is that of what is read. */
  #readStale(exchange: Exchange, key: string): void {
    const slot = this.#conversation.open(exchange, "Alone");
    const { node, metrics } = this.#context;
    if (node.isQuarantined) {
      exchange.reply = `${QUARANTINED}\n`;
      metrics.failed.add();
    } else this.#lookUp(exchange, { key, keyText: keyWithAge(key, node.ageMs()) });
    this.#conversation.noteEnd(false);
    this.#conversation.settle(slot);
  }

  #lookUp(exchange: Exchange, { key, keyText }: { readonly key: string; readonly keyText: string }): void {
    const { node, metrics } = this.#context;
    exchange.keyText = keyText;
    exchange.value = node.state.get(key)?.value;
    if (exchange.value === undefined) exchange.reply = `${keyMissing(keyText)}\n`;
    (exchange.value === undefined ? metrics.failed : metrics.succeeded).add();
  }

  #read(line: string): Request {
    if (this.#watchTimer !== undefined) {
      this.#endWatch();
      return NOTHING;
    }
    const at = skipBlanks(line, 0);
    if (at === line.length) return NOTHING;
    this.#commands += 1;
    this.#context.metrics.received.add();
    // Who has not logged in is whom the certificate of the connection names.
    if (this.#login === undefined) this.#enter(certifiedLogin(this.#link, this.#context));
    if (line.charCodeAt(at) === EXCLAMATION_MARK) return this.#repeat(trimmedRest(line, at));
    if (!isSecret(line)) this.#history.add(trimmedRest(line, at), this.input.sourceBytes);
    return readLine(line, this.#context.httpPort);
  }

  #rated(request: Request): Request {
    const rate = this.#rate;
    return rate === undefined
      ? request
      : withinRate(request, { rate, login: this.#login, now: this.#conversation.now });
  }

  #repeat(word: string): Request {
    const repetition = findRepetition(word, this.#history);
    if (repetition.type === "NoRepetition") return { type: "Refused", reply: repetition.reply };
    this.#history.add(repetition.line, repetition.line.length);
    this.#say(repetition.announcement);
    return readLine(repetition.line, this.#context.httpPort);
  }

  /** The last piece is sent: what is left of the reply is its place. */
  #longSent(exchange: Exchange): void {
    exchange.reply = "";
    this.#conversation.outputSent();
  }

  /** Puts a reply of one or more lines, the end of its last one left out, behind the replies before it. */
  #say(reply: string, counter?: Counter): void {
    counter?.add();
    this.#conversation.open({ ...exchangeOf(NOTHING), reply: `${reply}\n` }, "Now");
  }

  #takeSnapshot(exchange: Exchange): void {
    // A rejection ends the node; whoever runs the node hears of that from the node itself.
    const ended = this.#context.node.takeSnapshot().then(
      (outcome) => ({ reply: snapshotTaken(outcome), isDone: "id" in outcome }),
      (error) => ({ reply: snapshotFailed(error instanceof Error ? error.message : String(error)), isDone: false }),
    );
    this.#settleLater(exchange, ended);
  }

  #changeMember(exchange: Exchange, change: MemberChange): void {
    const { node, changeMember } = this.#context;
    const ended = changeMember(change, this.#login).then((outcome) => memberReply(change, { outcome, node }));
    this.#settleLater(exchange, ended);
  }

  /** Nothing behind it begins before it has ended, and that never rejects. */
  #settleLater(exchange: Exchange, ended: Promise<{ readonly reply: string; readonly isDone: boolean }>): void {
    const slot = this.#conversation.open(exchange, "Alone");
    const { metrics } = this.#context;
    ended.then(({ reply, isDone }) => {
      auditEnd(exchange.request, { ...this.#asker(), isDone });
      exchange.reply = `${reply}\n`;
      (isDone ? metrics.succeeded : metrics.failed).add();
      this.#conversation.noteEnd(true);
      this.#conversation.settle(slot);
    });
  }

  #watch(periodMs: number): void {
    // A client that does not read gets the next figures when it does.
    if (this.#link.unsentBytes <= UNSENT_BYTES_MAX) this.#say(renderMetrics(this.#reportContext()));
    this.#watchTimer = this.#context.clock.after(periodMs, () => {
      if (this.#context.gate.admits(this.#login)) this.#watch(periodMs);
      else this.#endWatch();
      this.#conversation.flush();
    });
  }

  #endWatch(): void {
    if (this.#watchTimer === undefined) return;
    this.#stopWatch();
    this.#say(WATCH_ENDED);
  }

  #stopWatch(): void {
    this.#watchTimer?.cancel();
    this.#watchTimer = undefined;
  }

  #hangUp(reply: string | undefined, reason: string): void {
    this.#context.warn(`Closed the connection of ${this.#link.remote}: ${reason}`);
    this.#conversation.end();
    if (reply === undefined) this.#link.abort();
    else this.#say(reply);
  }

  #asker(): Asker {
    return { gate: this.#context.gate, login: this.#login, link: this.#link };
  }

  #reportContext(): ReportContext {
    const [link, context, commands, history] = [this.#link, this.#context, this.#commands, this.#history];
    return reportContextOf({ link, context, commands, history });
  }
}
