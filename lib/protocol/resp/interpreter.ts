/** One client's side of the Redis protocol: plans from requests, replies from outcomes. */

import { unreachable } from "../../base/assert.ts";
import { loginId } from "../../access/login.ts";
import type { ConnectionRate } from "../../access/request_rates.ts";
import { type ErrorReply, isErrorReply } from "../../kv/replies.ts";
import { Conversation } from "../conversation/conversation.ts";
import type { Interpreter, Outcome, Turn } from "../conversation/interpreter.ts";
import type { ReplySlot } from "../conversation/reply_queue.ts";
import type { ReadOutcome } from "../../node/api.ts";
import type { ClientLink, ProtocolSession, Received } from "../../net/session.ts";
import { addressOf, isLoginNeeded } from "../session_context.ts";
import { auditCommand } from "./audit.ts";
import { commandOfCall, showResult } from "./call_command.ts";
import type { ClientHoldings, ClientRecord } from "./client_record.ts";
import { missingForCall } from "../../kv/judge.ts";
import { shownBy } from "../../kv/rights.ts";
import { AUDITED, FAST, OPEN, UNKNOWN_COMMAND } from "./commands.ts";
import type { RespContext } from "./context.ts";
import { noPermission, NOT_LOGGED_IN, notDone, OUTCOME_UNKNOWN } from "./errors.ts";
import type { Caller, Plan } from "./plan.ts";
import { planRequest, planWithinRate, refusalForAdmins } from "./planner.ts";
import { encodeReply, type RespReply } from "./reply_writer.ts";
import { requestBytes, RequestReader, type Words } from "./request_reader.ts";
import type { EndedRequest } from "./statistics/server_statistics.ts";
import { Transaction } from "./transaction.ts";
import { ReadRun } from "./read_run.ts";
import { takeRun } from "./take_run.ts";
import type { WriteRun } from "./write_run.ts";

/** A request, and its reply once it is known. */
interface Exchange {
  plan: Plan;
  /** The number of the command in the table. */
  readonly kind: number;
  readonly words: Words;
  /** It was refused before anything was done. */
  readonly isRejected: boolean;
  /** How long it took. */
  seconds: number;
  /** The client does not want the reply; its place is kept all the same. */
  isMuted: boolean;
  /** The bytes of the reply. */
  reply: string | undefined;
}

type Slot = ReplySlot<Exchange>;

const NO_WORDS: Words = [];
const NOTHING = exchangeOf({ type: "Answer", reply: null }, {});
const TOO_SLOW = "-ERR Protocol error: request not complete in time\r\n";
const LOGIN_TOO_SLOW = "-NOAUTH nobody has logged in in time\r\n";

/** Begins a conversation in this protocol. */
export function startRespConversation(link: ClientLink, context: RespContext): ProtocolSession {
  const interpreter = (conversation: Conversation<Exchange>) => new RespInterpreter(conversation, context);
  return new Conversation({ link, context, interpreter });
}

/** From its first request; it enters the client into the list of clients. */
class RespInterpreter implements Interpreter<Exchange>, Caller {
  readonly context: RespContext;
  readonly client: ClientRecord;
  readonly transaction: Transaction;
  readonly input: RequestReader;
  readonly nothing = NOTHING;
  readonly #link: ClientLink;
  readonly #conversation: Conversation<Exchange>;
  readonly #rate: ConnectionRate | undefined;
  /** The words of the request that was read last, until it has a slot. */
  #words: Words = NO_WORDS;

  constructor(conversation: Conversation<Exchange>, context: RespContext) {
    this.#link = conversation.link;
    this.#conversation = conversation;
    this.context = context;
    this.#rate = context.rates?.connection(conversation.now);
    this.client = context.clients.add({
      link: this.#link,
      holdings: () => this.#holdings(),
      gate: context.gate,
      end: () => conversation.stop(),
    });
    this.transaction = new Transaction(context.budget);
    this.input = new RequestReader(context.budget, {
      wordBytesMax: context.valueBytesMax,
      isBeforeLogin: () => this.isBeforeLogin,
    });
  }

  /** See `Interpreter`. */
  get holdsState(): boolean {
    return this.transaction.isInUse;
  }

  /** See `Interpreter`. */
  get isBeforeLogin(): boolean {
    return this.client.login === undefined && isLoginNeeded(this.#link, this.context);
  }

  /** See `Interpreter`. */
  push(received: Received, buffer?: Uint8Array): void {
    this.client.lastAt = this.#conversation.now;
    this.input.push(received, buffer);
  }

  /** See `Interpreter`. */
  next(): Exchange | undefined {
    const run = this.input.hasSeveral ? this.#nextRun() : undefined;
    if (run !== undefined) return run;
    const request = this.input.next();
    if (request === undefined) {
      this.#checkInput();
      return undefined;
    }
    this.context.metrics.received.add();
    this.#identify();
    if ("refusal" in request) {
      this.transaction.spoil();
      return exchangeOf({ type: "Answer", reply: { error: request.refusal } }, {});
    }
    const rate = this.#rate;
    const plan = rate === undefined
      ? planRequest(request, this)
      : planWithinRate(request, this, { rate, now: this.#conversation.now });
    const { commandNumber: kind, isRejected } = this.client;
    this.#words = request;
    return exchangeOf(plan, { kind, words: request, isRejected });
  }

  /** Writes or reads that are done just so, whatever comes before them: those that came together are taken together. */
  #nextRun(): Exchange | undefined {
    if (this.#rate !== undefined) return undefined;
    this.#identify();
    const run = takeRun(this, { input: this.input, countMax: 1 + this.#conversation.roomForMore });
    return run && exchangeOf({ type: "Run", run }, { kind: this.client.commandNumber });
  }

  /** Who has not logged in is whom the certificate of the connection names. */
  #identify(): void {
    const { certified } = this.#link;
    if (certified === undefined || this.client.login !== undefined) return;
    const login = this.context.gate.certified(certified, { address: addressOf(this.#link), protocol: "redis" });
    if (login !== undefined) this.client.login = login;
  }

  /** See `Caller`. */
  plan(words: Words): Plan {
    return planRequest(words, this);
  }

  /** See `Interpreter`. */
  classify({ plan }: Exchange): Turn {
    if (plan.type === "Run") return plan.run instanceof ReadRun ? "Read" : "Write";
    return plan.type === "Call" ? plan.isWrite ? "Write" : "Read" : TURNS[plan.type];
  }

  /** See `Interpreter`. */
  start(exchange: Exchange): void {
    const { plan } = exchange;
    const { node } = this.context;
    const refusal = ACTING.includes(plan.type) ? this.#refusalToAct(exchange) : undefined;
    if (refusal !== undefined) return this.#answer(exchange, () => refusal);
    switch (plan.type) {
      case "Answer":
        return this.#answer(exchange, () => plan.reply);
      case "Call":
        if (!plan.isWrite) return node.read(this.#open(exchange, "Read").ended);
        return node.submit(commandOfCall(plan.call), this.#open(exchange, "Write").ended, this.client.origin);
      case "Write": {
        const { ended } = this.#open(exchange, plan.isBarrier === true ? "Alone" : "Write");
        return node.submit(plan.command, ended, { ...this.client.origin, session: plan.session });
      }
      case "Run":
        return this.#startRun(exchange, plan.run);
      case "Read":
        return node.read(this.#open(exchange, plan.isBarrier === true ? "Alone" : "Read").ended);
      case "Act":
        return this.#answer(exchange, plan.act);
      case "Later":
        exchange.plan = plan.plan();
        return this.start(exchange);
      case "Task":
        return this.#perform(exchange, plan.run);
      case "Close":
        this.#answer(exchange, () => plan.reply);
        return this.#conversation.end();
      default:
        return unreachable(plan);
    }
  }

  /** See `Interpreter`. */
  fill(slot: Slot, outcome: Outcome): void {
    const { exchange } = slot;
    const { plan } = exchange;
    const isConfirmation = outcome.type === "Ready" || outcome.type === "NotDone";
    if (plan.type === "Run" && plan.run instanceof ReadRun && isConfirmation) {
      return this.#fillReads(slot, { run: plan.run, outcome });
    }
    const reply = this.#show(exchange.plan, outcome);
    this.#complete(slot, { reply, isLong: outcome.type === "Ready" && isLong(exchange) });
  }

  /** See `Interpreter`. */
  render({ reply }: Exchange): boolean {
    if (reply === undefined) return false;
    if (reply !== "") this.#link.send(reply);
    return true;
  }

  /** See `Interpreter`. */
  requestTooSlow(): void {
    this.#link.send(TOO_SLOW);
  }

  /** See `Interpreter`. */
  loginTooSlow(): void {
    this.#link.send(LOGIN_TOO_SLOW);
  }

  /** See `Interpreter`. */
  closed(): void {
    this.transaction.discard();
    this.context.clients.remove(this.client);
  }

  /** Every byte has been looked at. What cannot be read is the last of a connection. */
  #checkInput(): void {
    const { problem } = this.input;
    if (problem === undefined) return;
    if (this.input.isOverBeforeLogin) this.context.metrics.closedBeforeLogin.size.add();
    this.context.warn(`Closed the connection of ${this.#link.remote}: ${problem}`);
    this.start(exchangeOf({ type: "Close", reply: { error: problem } }, {}));
  }

  #show(plan: Plan, outcome: Outcome): RespReply {
    const { node } = this.context;
    switch (outcome.type) {
      case "Done":
        return plan.type === "Write" ? plan.show(outcome.result) : showResult(outcome.result);
      case "Ready":
        return this.#read(plan);
      case "NotDone":
        return notDone(outcome, node);
      case "Unknown":
        return OUTCOME_UNKNOWN;
      default:
        return unreachable(outcome);
    }
  }

  #read(plan: Plan): RespReply {
    const { node } = this.context;
    const rights = node.users.rightsOf(loginId(this.client.login));
    if (rights === undefined) return NOT_LOGGED_IN;
    const call = plan.type === "Call" ? plan.call : [];
    const missing = plan.type === "Read" ? plan.judge(rights) : missingForCall(call, rights);
    if (missing !== undefined) return noPermission(missing);
    const shown = shownBy(rights);
    return plan.type === "Read" ? plan.answer(shown) : node.answer(call, shown);
  }

  /** What acts here waits for its turn, and the user, or a right of his, may be gone since it was planned. */
  #refusalToAct({ kind }: Exchange): ErrorReply | undefined {
    const { gate } = this.context;
    const { login } = this.client;
    return gate.admits(login) || OPEN[kind] === true ? refusalForAdmins(kind, { gate, login }) : NOT_LOGGED_IN;
  }

  #complete({ exchange, startedAt }: Slot, end: { readonly reply: RespReply; readonly isLong: boolean }): void {
    const { reply } = end;
    this.#conversation.noteEnd(end.isLong);
    exchange.seconds = (this.#conversation.now - startedAt) / 1_000;
    this.#count(exchange, reply);
    exchange.reply = exchange.isMuted ? "" : encodeReply(reply, this.client.version);
  }

  /** A request has its reply: counts it, and tells of it who hears of such. */
  #count(request: EndedRequest, reply: RespReply): void {
    const { metrics, statistics } = this.context;
    const isError = isErrorReply(reply);
    if (isError) metrics.failed.add();
    else metrics.succeeded.add();
    if (isError || AUDITED[request.kind] === true || this.client.executed.length > 0) {
      auditCommand(request, reply, this);
    }
    statistics.ended(request, reply, this.client);
  }

  #startRun(exchange: Exchange, run: WriteRun | ReadRun): void {
    const { node } = this.context;
    const slot = this.#conversation.openSeveral(exchange, { turn: this.classify(exchange), requests: run.count });
    if (run instanceof ReadRun) return node.read(slot.ended, run.count);
    node.submitRun(run.commands, (outcome, place) => {
      if (!run.take(place, this.#show(exchange.plan, outcome))) return;
      this.#completeRun(slot, run);
      exchange.reply = run.encode(this.client.version);
      this.#conversation.settle(slot);
    });
  }

  /** The replies of reads from the state; where they cannot be made all at once, each request ends by itself. */
  #fillReads(slot: Slot, { run, outcome }: { readonly run: ReadRun; readonly outcome: ReadOutcome }): void {
    const { node } = this.context;
    const isAdmin = node.users.rightsOf(loginId(this.client.login))?.isAdmin === true;
    const reply = outcome.type === "Ready" && isAdmin ? run.answer(node, this.client.version) : undefined;
    if (reply !== undefined) {
      this.#completeRun(slot, run);
      slot.exchange.reply = reply;
      return;
    }
    const { kind } = slot.exchange;
    const exchanges = Array.from({ length: run.count }, (_, place) => {
      const words = run.wordsAt(place);
      return exchangeOf({ type: "Call", call: ["GET", ...words.slice(1)], isWrite: false }, { kind, words });
    });
    this.#conversation.split(slot, { exchanges, outcome });
    this.fill(slot, outcome);
  }

  #completeRun({ exchange, startedAt }: Slot, run: WriteRun | ReadRun): void {
    this.#conversation.noteEnd(false);
    exchange.seconds = (this.#conversation.now - startedAt) / 1_000;
    let place = 0;
    const { kind, seconds, isRejected } = exchange;
    const request = {
      kind,
      seconds,
      isRejected,
      get words(): Words {
        return run.wordsAt(place);
      },
    };
    const replies = run instanceof ReadRun ? [] : run.replies;
    for (; place < run.count; place++) this.#count(request, replies[place] ?? null);
  }

  #perform(exchange: Exchange, run: () => Promise<RespReply>): void {
    const slot = this.#open(exchange, "Alone");
    const settle = (reply: RespReply) => {
      this.#complete(slot, { reply, isLong: true });
      this.#conversation.settle(slot);
    };
    // A rejection ends the node; whoever runs the node hears of that from the node itself.
    run().then(settle, (error) => settle({ error: `ERR ${error instanceof Error ? error.message : String(error)}` }));
  }

  /** Its place is there before it acts: it may silence what comes behind. */
  #answer(exchange: Exchange, act: () => RespReply): void {
    const slot = this.#open(exchange, "Now");
    this.#complete(slot, { reply: act(), isLong: isLong(exchange) });
  }

  #open(exchange: Exchange, turn: Turn): Slot {
    const { client } = this;
    this.#words = NO_WORDS;
    exchange.isMuted = client.replies !== "On";
    if (client.replies === "SkipNext") client.replies = "Skip";
    else if (client.replies === "Skip") client.replies = "On";
    return this.#conversation.open(exchange, turn);
  }

  #holdings(): ClientHoldings {
    const { queued, queueBytes } = this.transaction;
    const wordBytes = this.#words.reduce((sum, word) => sum + word.length, 0);
    return { inputBytes: this.input.inputBytes + requestBytes(this.#words), wordBytes, queued, queueBytes };
  }
}

/** Plans that do something to this node or connection when they begin. */
const ACTING: readonly Plan["type"][] = ["Act", "Later", "Task"];

/** When a plan may begin. */
const TURNS: Readonly<Record<Exclude<Plan["type"], "Call" | "Run">, Turn>> = {
  Answer: "Now",
  Write: "Write",
  Read: "Read",
  Act: "Alone",
  Later: "Alone",
  Task: "Alone",
  Close: "Alone",
};

function exchangeOf(
  plan: Plan,
  { kind = UNKNOWN_COMMAND, words = NO_WORDS, isRejected = false }: Partial<Exchange>,
): Exchange {
  return { plan, kind, words, isRejected, seconds: 0, isMuted: false, reply: undefined };
}

function isLong({ kind }: Exchange): boolean {
  return FAST[kind] === false;
}
