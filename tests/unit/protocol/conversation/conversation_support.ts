/** A conversation in a made-up protocol: each byte but a space is a request, by the first letter of its turn. */

import { assert } from "@std/assert";
import { ClientMetrics } from "../../../../lib/net/client_metrics.ts";
import { Conversation } from "../../../../lib/protocol/conversation/conversation.ts";
import type { Interpreter, Outcome, Turn } from "../../../../lib/protocol/conversation/interpreter.ts";
import type { ReplySlot } from "../../../../lib/protocol/conversation/reply_queue.ts";
import { REQUESTS_PER_TURN_MAX } from "../../../../lib/net/limits.ts";
import { TurnBudget } from "../../../../lib/net/turn_budget.ts";
import { TurnTime } from "../../../../lib/net/turn_time.ts";
import { Registry } from "../../../../lib/observe/metrics.ts";
import { toIndex } from "../../../../lib/raft/types.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { RecordingLink } from "../text/session_support.ts";

/** Begins a request whose end has not come: nothing may follow it. */
export const UNFINISHED = "_";
/** The client says goodbye. */
export const GOODBYE = "g";

const TURNS: Readonly<Record<string, Turn>> = { n: "Now", w: "Write", r: "Read", a: "Alone", g: "Alone" };

/** A request and what becomes of it. */
export interface TestExchange {
  readonly letter: string;
  readonly number: number;
  reply: string | undefined;
}

/** What a conversation is tried with. */
export interface BenchOptions {
  readonly requestsPerTurnMax?: number;
  /** Bytes of each reply beside its name. */
  readonly replyBytes?: number;
}

/** One client. Requests are answered by `finish`, those that wait for nothing at once. */
export class ConversationBench implements Interpreter<TestExchange> {
  readonly clock = new VirtualClock();
  readonly link = new RecordingLink();
  readonly metrics = new ClientMetrics(new Registry());
  readonly nothing: TestExchange = { letter: "", number: -1, reply: undefined };
  /** What was called, and when: `w3` started, `w3.` filled in, `r3!` as not done, `end`, `closed`, `last word`. */
  readonly seen: string[] = [];
  /** Those that wait, by their names. */
  readonly open = new Map<string, ReplySlot<TestExchange>>();
  /** Replies of which only a part is sent. */
  readonly partial = new Set<string>();
  readonly conversation: Conversation<TestExchange>;
  /** Of all clients of the server. */
  connections = 1;
  /** Of its node. */
  isQuarantined = false;
  holdsState = false;
  readonly isBeforeLogin = false;
  readonly #replyBytes: number;
  #bytes = "";
  #requests = 0;

  /** A conversation before its first request. */
  constructor({ requestsPerTurnMax = REQUESTS_PER_TURN_MAX, replyBytes = 0 }: BenchOptions = {}) {
    const { clock, link, metrics } = this;
    this.#replyBytes = replyBytes;
    const turns = new TurnBudget(clock, requestsPerTurnMax);
    const turnTime = new TurnTime(clock);
    const context = { metrics, turns, turnTime, connections: () => this.connections, node: this };
    this.conversation = new Conversation({ link, context, interpreter: () => this });
  }

  /** See `Interpreter`. */
  get input(): Interpreter<TestExchange>["input"] {
    return {
      hasInput: this.#bytes !== "" && this.#bytes !== UNFINISHED,
      unfinished: this.#bytes === UNFINISHED ? this.#requests : undefined,
      clear: () => this.#bytes = "",
    };
  }

  /** See `Interpreter`. */
  push(received: string): void {
    this.#bytes = this.#bytes.replace(UNFINISHED, "") + received.replaceAll(" ", "");
  }

  /** See `Interpreter`. */
  next(): TestExchange | undefined {
    const letter = this.#bytes.charAt(0);
    if (letter === "" || letter === UNFINISHED) return undefined;
    this.#bytes = this.#bytes.slice(1);
    this.#requests += 1;
    return { letter, number: this.#requests - 1, reply: undefined };
  }

  /** See `Interpreter`. */
  classify({ letter }: TestExchange): Turn {
    return TURNS[letter] ?? "Now";
  }

  /** See `Interpreter`. */
  start(exchange: TestExchange): void {
    const name = nameOf(exchange);
    this.seen.push(name);
    const isKnown = exchange.letter === "n" || exchange.letter === GOODBYE;
    const slot = this.conversation.open(exchange, isKnown ? "Now" : this.classify(exchange));
    if (isKnown) exchange.reply = this.#replyTo(exchange);
    else this.open.set(name, slot);
    if (exchange.letter === GOODBYE) this.conversation.end();
  }

  /** See `Interpreter`. */
  fill({ exchange }: ReplySlot<TestExchange>, { type }: Outcome): number {
    this.seen.push(`${nameOf(exchange)}${type === "NotDone" ? "!" : "."}`);
    exchange.reply = this.#replyTo(exchange);
    this.conversation.noteEnd(false);
    return exchange.reply.length;
  }

  /** See `Interpreter`. */
  render({ reply }: TestExchange): boolean {
    if (reply === undefined || this.partial.has(reply.trim())) return false;
    this.link.send(reply);
    return true;
  }

  /** See `Interpreter`. */
  inputEnded(): void {
    this.seen.push("last word");
  }

  /** See `Interpreter`. */
  loginTooSlow(): void {
    this.link.send("login too slow");
  }

  requestTooSlow(): void {
    this.link.send("too slow ");
  }

  /** See `Interpreter`. */
  end(): void {
    if (!this.seen.includes("end")) this.seen.push("end");
  }

  /** See `Interpreter`. */
  closed(): void {
    this.seen.push("closed");
  }

  /** What was asked by that name is answered. */
  finish(name: string): void {
    const slot = this.open.get(name);
    assert(slot !== undefined, `${name} is open`);
    this.open.delete(name);
    slot.ended(name.startsWith("w") ? { type: "Unknown" } : { type: "Ready", index: toIndex(1) });
  }

  /** What `seen` has got since the last call. */
  takeSeen(): string {
    return this.seen.splice(0).join(" ");
  }

  /** What was sent since the last call. */
  takeOutput(): string {
    const { output } = this.link;
    this.link.output = "";
    return output.trim();
  }

  #replyTo(exchange: TestExchange): string {
    return `${nameOf(exchange)}${"x".repeat(this.#replyBytes)} `;
  }
}

function nameOf({ letter, number }: TestExchange): string {
  return `${letter}${number}`;
}
