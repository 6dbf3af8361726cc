/** What is to be done for a request: made from its words at once, started when its turn has come. */

import type { Call, Command, SessionUse } from "../../kv/commands.ts";
import type { CommandRow } from "../../kv/command_row.ts";
import type { MissingRight, Rights, Shown } from "../../kv/rights.ts";
import type { CommandResult } from "../../kv/results.ts";
import type { ClientRecord } from "./client_record.ts";
import type { RespContext } from "./context.ts";
import type { RespReply } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";
import type { Transaction } from "./transaction.ts";
import type { ReadRun } from "./read_run.ts";
import type { WriteRun } from "./write_run.ts";

/**
 * A write with a form of its own: a transaction, or a command of a session. Behind a barrier nothing begins before it is
 * answered, since it changes what the answers to come look like.
 */
export interface WritePlan {
  readonly type: "Write";
  readonly command: Command;
  readonly session: SessionUse | undefined;
  readonly show: (result: CommandResult) => RespReply;
  readonly isBarrier?: boolean;
}

/** A read with a form of its own. */
export interface ReadPlan {
  readonly type: "Read";
  /** The first right that it lacks. */
  readonly judge: (rights: Rights) => MissingRight | undefined;
  /** Of keys that it goes through it tells of those in `shown`. */
  readonly answer: (shown: Shown) => RespReply;
  readonly isBarrier?: boolean;
}

/** What a request comes to. */
export type Plan =
  /** Known already; only its place among the replies is waited for. */
  | { readonly type: "Answer"; readonly reply: RespReply }
  /** One call of the table in lib/kv. */
  | { readonly type: "Call"; readonly call: Call; readonly isWrite: boolean }
  | WritePlan
  /** Writes or reads that came in one piece. */
  | { readonly type: "Run"; readonly run: WriteRun | ReadRun }
  /** Answered from the state once that is confirmed to be new enough. */
  | ReadPlan
  /** Does something to the connection while it is answered, such as silencing it: its own reply is placed before. */
  | { readonly type: "Act"; readonly act: () => RespReply }
  /** Depends on how everything before it ended: planned then. */
  | { readonly type: "Later"; readonly plan: () => Plan }
  /** Takes a while; nothing behind it begins before. */
  | { readonly type: "Task"; readonly run: () => Promise<RespReply> }
  /** The last reply of the connection. */
  | { readonly type: "Close"; readonly reply: RespReply };

/** A connection as its commands see it. */
export interface Caller {
  readonly context: RespContext;
  readonly client: ClientRecord;
  readonly transaction: Transaction;
  /** The plan of an inner command, such as ONCE has one. */
  plan(words: Words): Plan;
}

/** What a command does while a MULTI is open. */
export type InTransaction =
  /** It acts at once, outside of the queue. */
  | "AtOnce"
  /** Its answer is known already and stands in the queue. */
  | "Queued"
  /** It changes or tells of more than keys: it is done by EXEC, at its place in the queue. Elsewhere it waits its turn too. */
  | "DoneByExec"
  /** It waits for something itself, so that EXEC could not be one moment: refused, and EXEC with it. */
  | "Refused";

/** A command that is not one of the calls in lib/kv: about the connection, the server, or several calls at once. */
export interface ProtocolCommand extends CommandRow {
  /** Undefined for "Queued". */
  readonly inTransaction?: InTransaction;
  /** Undefined where its subcommands are all that it does. */
  readonly plan?: Planner;
  readonly subcommands?: ReadonlyMap<string, ProtocolSubcommand>;
}

/** A subcommand: its row, and what it does. */
export interface ProtocolSubcommand extends CommandRow {
  readonly plan: Planner;
}

/** What a request comes to, from its words. */
export type Planner = (words: Words, caller: Caller) => Plan;

/** A plan whose reply is known. */
export function answer(reply: RespReply): Plan {
  return { type: "Answer", reply };
}

/** A plan whose reply is an error. */
export function refuse(error: string): Plan {
  return { type: "Answer", reply: { error } };
}

/** A subcommand in capitals; "" when there is none. */
export function subcommandOf(words: Words): string {
  const word = words[1] ?? "";
  return word.length > SUBCOMMAND_LENGTH_MAX ? "" : word.toUpperCase();
}

/** The reply to a subcommand that is not known. */
export function unknownSubcommand(words: Words): Plan {
  const name = (words[0] ?? "").toUpperCase();
  return refuse(`ERR unknown subcommand '${(words[1] ?? "").slice(0, ECHOED_BYTES_MAX)}'. Try ${name} HELP.`);
}

/** The reply to a wrong number of words after a subcommand. */
export function wrongSubcommandArity(words: Words): Plan {
  const name = `${words[0] ?? ""}|${words[1] ?? ""}`.toLowerCase();
  return refuse(`ERR wrong number of arguments for '${name}' command`);
}

/** Bytes of a word that an error shows. */
export const ECHOED_BYTES_MAX = 128;
const SUBCOMMAND_LENGTH_MAX = 32;
