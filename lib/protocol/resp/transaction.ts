/** MULTI and WATCH of one connection: what is queued, and what must not change before EXEC. */

import { type Call, COMMAND_BYTES_MAX, type Compare, TRANSACTION_PARTS_MAX } from "../../kv/commands.ts";
import { changes, runCalls } from "../../kv/calls.ts";
import { missingForParts } from "../../kv/judge.ts";
import type { Reply } from "../../kv/replies.ts";
import type { CommandResult } from "../../kv/results.ts";
import type { NodeReader } from "../../node/api.ts";
import { FAIR_SHARE_BYTES } from "../../net/limits.ts";
import type { MemoryBudget } from "../../net/memory_budget.ts";
import { showResult } from "./call_command.ts";
import { QUEUED_COMMANDS_MAX, WATCHED_KEYS_MAX } from "./limits.ts";
import { type Plan, refuse } from "./plan.ts";
import type { ClientRecord } from "./client_record.ts";
import type { Words } from "./request_reader.ts";
import { encodeReply, type RespReply, sizeOfReply } from "./reply_writer.ts";

const NO_LIST: RespReply = { type: "NoList" };
/** A key that is not there has this revision. */
const ABSENT = "0";

/** What one command of a queue comes to: a call, or a reply that does not depend on the keys. */
export type QueuedForm =
  | { readonly type: "Call"; readonly call: Call }
  | { readonly type: "Answer"; readonly reply: RespReply }
  /** Done and answered at its place in EXEC. */
  | { readonly type: "Act"; readonly act: () => RespReply };

/** One command of a queue. */
export type QueuedCommand = QueuedForm & {
  /** Its number in the table of commands. */
  readonly number: number;
  readonly words: Words;
};

/** The reply to a command that is put into the queue. */
export const QUEUED: RespReply = { status: "QUEUED" };

/** The transaction of a connection. Watched keys carry the revision that they had when they were watched. */
export class Transaction {
  #queue: QueuedCommand[] | undefined;
  /** Bytes of the queue, about. What no command of the log can hold is not gathered either. */
  #queueBytes = 0;
  #isSpoiled = false;
  #watched = new Map<string, string>();
  #watchedBytes = 0;
  readonly #budget: MemoryBudget;

  /** A transaction whose queue and watched keys count for `budget`. */
  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Whether a MULTI is open. */
  get isOpen(): boolean {
    return this.#queue !== undefined;
  }

  /** Commands queued; -1 without MULTI, as CLIENT LIST has it. */
  get queued(): number {
    return this.#queue?.length ?? -1;
  }

  /** Bytes of the queue, about. */
  get queueBytes(): number {
    return this.#queueBytes;
  }

  /** Keys watched. */
  get watched(): number {
    return this.#watched.size;
  }

  /** Whether the client would lose it by the end of its connection. */
  get isInUse(): boolean {
    return this.isOpen || this.watched > 0;
  }

  /** MULTI. */
  open(): void {
    this.#queue = [];
    this.#isSpoiled = false;
  }

  /** Puts a command behind the others; false when there are too many. */
  add(command: QueuedCommand): boolean {
    if (this.#queue === undefined || this.#queue.length >= QUEUED_COMMANDS_MAX) return false;
    const bytes = bytesOf(command);
    if (this.#queueBytes + bytes > COMMAND_BYTES_MAX || this.#takesTooMuch(bytes)) return false;
    this.#queueBytes += bytes;
    this.#budget.add(bytes);
    this.#queue.push(command);
    return true;
  }

  /** A command could not be queued: EXEC will refuse. */
  spoil(): void {
    if (this.#queue !== undefined) this.#isSpoiled = true;
  }

  /** Notes the revision of each key; false when there are too many. A key watched before keeps its older revision. */
  watch(keys: readonly string[], node: NodeReader): boolean {
    for (const key of keys) {
      if (this.#watched.has(key)) continue;
      const bytes = key.length + WORD_BYTES;
      if (this.#watched.size >= WATCHED_KEYS_MAX || this.#watchedBytes + bytes > COMMAND_BYTES_MAX) return false;
      if (this.#takesTooMuch(bytes)) return false;
      this.#watchedBytes += bytes;
      this.#budget.add(bytes);
      this.#watched.set(key, node.state.get(key)?.revision.toString() ?? ABSENT);
    }
    return true;
  }

  /** UNWATCH. */
  unwatch(): void {
    this.#watched.clear();
    this.#budget.add(-this.#watchedBytes);
    this.#watchedBytes = 0;
  }

  /** Gives up the queue and the watched keys. */
  discard(): void {
    this.#queue = undefined;
    this.#budget.add(-this.#queueBytes);
    this.#queueBytes = 0;
    this.#isSpoiled = false;
    this.unwatch();
  }

  /** Whether all clients together hold too much, and this one more than its share. */
  #takesTooMuch(bytes: number): boolean {
    return this.#budget.exceeded && this.#queueBytes + this.#watchedBytes + bytes > FAIR_SHARE_BYTES;
  }

  /** What EXEC comes to; ends the transaction. Called when every request before it has its outcome. */
  take(node: NodeReader, client: ExecClient): Plan {
    const queue = this.#queue ?? [];
    const isSpoiled = this.#isSpoiled;
    const compares = Array.from(this.#watched, ([key, operand]): Compare => {
      return { key, field: "MOD", operator: "=", operand };
    });
    this.discard();
    if (isSpoiled) return refuse("EXECABORT Transaction discarded because of previous errors.");
    const gather = (replies: readonly Reply[]) => gatherReplies(queue, { replies, client });
    const calls = queue.flatMap((command) => command.type === "Call" ? [command.call] : []);
    if (calls.length === 0 && compares.length === 0) return { type: "Act", act: () => gather([]) };
    const isBarrier = queue.some(({ type }) => type === "Act");
    if (calls.some(changes)) return writeOf({ calls, compares, gather, isBarrier });
    return {
      type: "Read",
      isBarrier,
      judge: (rights) => missingForParts({ compares, calls }, rights),
      answer: (shown) => {
        return node.compare(compares) ? gather(runCalls(calls, (call) => node.answer(call, shown))) : NO_LIST;
      },
    };
  }
}

/** What a word and a reply take beside their bytes. */
const WORD_BYTES = 24;

function bytesOf(command: QueuedCommand): number {
  const bytes = command.words.reduce((sum, word) => sum + word.length + WORD_BYTES, WORD_BYTES);
  return command.type === "Answer" ? bytes + sizeOfReply(command.reply) : bytes;
}

interface ExecParts {
  readonly calls: readonly Call[];
  readonly compares: readonly Compare[];
  /** The replies of the calls among the others of the queue. */
  gather(replies: readonly Reply[]): RespReply;
  readonly isBarrier: boolean;
}

function writeOf({ calls, compares, gather, isBarrier }: ExecParts): Plan {
  if (calls.length + compares.length > TRANSACTION_PARTS_MAX) return refuse("ERR the transaction is too large");
  return {
    type: "Write",
    command: { type: "Transaction", compares, then: calls, otherwise: [] },
    session: undefined,
    isBarrier,
    show: (result: CommandResult) => {
      if (result.type !== "Transaction") return showResult(result);
      return result.succeeded ? gather(result.replies) : NO_LIST;
    },
  };
}

/** What the commands that EXEC does may change of their connection, as far as the replies depend on it, and who is told of them. */
type ExecClient = Pick<ClientRecord, "version" | "replies" | "executed">;

interface Gathered {
  readonly replies: readonly Reply[];
  readonly client: ExecClient;
}

/**
 * The replies of the calls, of what was known before and of what is done now, in the order of the queue. A HELLO among them
 * changes how those behind it are written, so that each is written at its turn.
 */
function gatherReplies(queue: readonly QueuedCommand[], { replies, client }: Gathered): RespReply {
  let taken = 0;
  const replyOf = (command: QueuedCommand): RespReply => {
    if (command.type === "Answer") return command.reply;
    if (command.type === "Act") return command.act();
    taken += 1;
    return replies[taken - 1] ?? null;
  };
  const doneReplyOf = (command: QueuedCommand): RespReply => {
    const { number, words } = command;
    const reply = replyOf(command);
    client.executed.push({ number, words, reply });
    return reply;
  };
  if (!queue.some(({ type }) => type === "Act")) return { type: "List", items: queue.map(doneReplyOf) };
  const items = queue.map((command): RespReply => {
    const reply = doneReplyOf(command);
    return { type: "Encoded", bytes: encodeReply(reply, client.version) };
  });
  // CLIENT REPLY SKIP is about the command behind EXEC, which is one command itself.
  if (client.replies === "SkipNext") client.replies = "Skip";
  return { type: "List", items };
}
