/** SESSION, ONCE and TXN: what this server has beyond Redis, for commands that must take effect exactly once or together. */

import { changes, checkCall, findCall, keysOf } from "../../../kv/calls.ts";
import { missingForParts } from "../../../kv/judge.ts";
import { byName, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import { type Call, type Command, type Compare, makeCompare, TRANSACTION_PARTS_MAX } from "../../../kv/commands.ts";
import { parseInteger64 } from "../../../kv/integers.ts";
import type { ErrorReply, Reply } from "../../../kv/replies.ts";
import { SESSION_TTL_MS } from "../../../kv/sessions.ts";
import { commandOfCall, showResult } from "../call_command.ts";
import { longKey } from "../errors.ts";
import { type Caller, type Plan, type ProtocolCommand, type ProtocolSubcommand, refuse } from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";

/** Words of one comparison in TXN: key, field, operator, operand. */
const COMPARE_WORDS = 4;

const SESSION: GivenFacts = {
  access: "Session",
  group: "transactions",
  since: "7.0.0",
  isBeyondRedis: true,
  flags: ["noscript", "fast"],
};
const CONTAINS_CALLS: GivenFacts = {
  ...SESSION,
  flags: ["denyoom", "noscript", "movablekeys"],
  timing: "Clock",
  grows: "ItsCalls",
};

/** The commands of this file. */
export const SESSION_COMMANDS: readonly ProtocolCommand[] = [
  {
    ...row("SESSION <subcommand> [<argument> ...]", {
      ...SESSION,
      flags: ["noscript"],
      categories: ["@transaction"],
      helpSince: "7.0.0",
    }),
    inTransaction: "Refused",
    summary: "Opens, keeps alive or closes a session, in which each command takes effect at most once.",
    subcommands: byName<ProtocolSubcommand>([
      {
        ...subcommand("SESSION OPEN [<ttl-ms>]", { ...SESSION, most: 3, timing: "Clock", grows: "OwnBytes" }),
        summary: "Opens a session and returns its id.",
        plan: ([, , word]) => {
          const ttlMs = word === undefined ? SESSION_TTL_MS.otherwise : positiveInteger(word);
          return ttlMs === undefined ? NOT_POSITIVE : write({ type: "OpenSession", ttlMs, isOwned: true });
        },
      },
      {
        ...subcommand("SESSION KEEPALIVE <id>", { ...SESSION, timing: "Clock" }),
        summary: "Lets the time to live begin anew.",
        plan: (words) => writeToSession("KeepAlive", words),
      },
      {
        ...subcommand("SESSION CLOSE <id>", SESSION),
        summary: "Ends the session.",
        plan: (words) => writeToSession("CloseSession", words),
      },
    ]),
  },
  {
    ...row("ONCE <session> <sequence> <command> [<argument> ...]", CONTAINS_CALLS),
    inTransaction: "Refused",
    summary:
      "Does a command of a session unless its sequence number was done before; then gives the first answer again.",
    plan: planOnce,
  },
  {
    ...row("TXN <n> {<key> <field> <operator> <operand>} <n> {<argc> <word> ...} <n> {<argc> <word> ...}", {
      ...CONTAINS_CALLS,
      access: "Write",
      arity: -4,
    }),
    inTransaction: "Refused",
    summary: "Compares, and does one of two lists of commands at once.",
    plan: planTransaction,
  },
];

function writeToSession(type: "KeepAlive" | "CloseSession", [, , word = ""]: Words): Plan {
  const session = positiveInteger(word);
  return session === undefined ? NOT_POSITIVE : write({ type, session });
}

function write(command: Command): Plan {
  return { type: "Write", command, session: undefined, show: showResult };
}

function planOnce(words: Words, caller: Caller): Plan {
  const id = positiveInteger(words[1] ?? "");
  const sequence = positiveInteger(words[2] ?? "");
  if (id === undefined || sequence === undefined) return NOT_POSITIVE;
  // Looked at before it is planned: MULTI, for one, acts at once.
  const inner = (words[3] ?? "").toUpperCase();
  if (inner !== "TXN" && findCall([inner]) === undefined) return NOT_FOR_ONCE;
  const plan = caller.plan(words.slice(3));
  if (plan.type === "Answer" || (plan.type === "Call" && !plan.isWrite)) return plan;
  const session = { id, sequence };
  if (plan.type === "Call") return { type: "Write", command: commandOfCall(plan.call), session, show: showResult };
  return plan.type === "Write" ? { ...plan, session } : plan;
}

/** `TXN <compares> {key field operator operand} <then> {words of a call, their number first} <else> {...}`. */
function planTransaction(words: Words, { context: { node, keyBytesMax } }: Caller): Plan {
  const reader = new PartReader(words);
  const compares = reader.compares();
  const then = reader.calls();
  const otherwise = reader.calls();
  const problem = reader.problem ?? (reader.isAtEnd ? undefined : BAD_FORM);
  if (problem !== undefined) return { type: "Answer", reply: problem };
  if (compares.length + then.length + otherwise.length > TRANSACTION_PARTS_MAX) {
    return refuse("ERR the transaction is too large");
  }
  const keys = [...compares.map(({ key }) => key), ...then.flatMap(keysOf), ...otherwise.flatMap(keysOf)];
  const refusal = longKey(keys, keyBytesMax);
  if (refusal !== undefined) return { type: "Answer", reply: refusal };
  if (![...then, ...otherwise].some(changes)) {
    return {
      type: "Read",
      judge: (rights) => missingForParts({ compares, calls: [...then, ...otherwise] }, rights),
      answer: (shown) => {
        const succeeded = node.compare(compares);
        return showTransaction(succeeded, (succeeded ? then : otherwise).map((call) => node.answer(call, shown)));
      },
    };
  }
  return {
    type: "Write",
    command: { type: "Transaction", compares, then, otherwise },
    session: undefined,
    show: (result) => {
      if (result.type === "Transaction") return showTransaction(result.succeeded, result.replies);
      return showResult(result);
    },
  };
}

function showTransaction(succeeded: boolean, replies: readonly Reply[]): RespReply {
  return [succeeded ? 1 : 0, replies];
}

const BAD_FORM: ErrorReply = { error: "ERR TXN needs: compares, then, else, each with its number first" };
const NOT_FOR_ONCE: Plan = refuse("ERR ONCE takes a command on keys, or TXN");
const NOT_POSITIVE: Plan = refuse("ERR value is not a positive integer or out of range");

/** Takes the words of TXN apart. The first problem stays; what is read after it is not used. */
class PartReader {
  readonly #words: Words;
  #at = 1;
  #problem: ErrorReply | undefined;

  constructor(words: Words) {
    this.#words = words;
  }

  get problem(): ErrorReply | undefined {
    return this.#problem;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#words.length;
  }

  compares(): readonly Compare[] {
    const compares: Compare[] = [];
    for (let left = this.#count(); left > 0 && this.#problem === undefined; left--) {
      const [key = "", field = "", ...rest] = this.#words.slice(this.#at, this.#at + COMPARE_WORDS);
      const compare = makeCompare([key, field.toUpperCase(), ...rest]);
      this.#at += COMPARE_WORDS;
      if (compare !== undefined) compares.push(compare);
      else this.#problem = { error: "ERR a comparison is: key VALUE|VERSION|CREATE|MOD|EXISTS =|!=|<|> operand" };
    }
    return compares;
  }

  calls(): readonly Call[] {
    const calls: Call[] = [];
    for (let left = this.#count(); left > 0 && this.#problem === undefined; left--) {
      const size = this.#count();
      const [name = "", ...rest] = this.#words.slice(this.#at, this.#at + size);
      const call = [name.toUpperCase(), ...rest];
      this.#at += size;
      if (size === 0 || this.#at > this.#words.length) this.#problem ??= BAD_FORM;
      else if (findCall(call) === undefined) this.#problem = { error: "ERR TXN takes commands on keys only" };
      else this.#problem = checkCall(call);
      calls.push(call);
    }
    return calls;
  }

  #count(): number {
    const count = parseInteger64(this.#words[this.#at] ?? "");
    this.#at += 1;
    if (typeof count === "number" && count >= 0 && count <= this.#words.length) return count;
    this.#problem ??= BAD_FORM;
    return 0;
  }
}

function positiveInteger(word: string): number | undefined {
  const number = parseInteger64(word);
  return typeof number === "number" && number > 0 ? number : undefined;
}
