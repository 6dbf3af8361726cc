/** Commands and their results as operations of a history. */

import { bareCommand, type Call, type Command, decodeCommand } from "../../lib/kv/commands.ts";
import { replyToJson } from "../../lib/kv/replies.ts";
import type { CommandResult } from "../../lib/kv/results.ts";
import type { Operation } from "../linearizability/history.ts";
import { FAMILY } from "./call_maker.ts";

/** What the checkers of histories know; the others are judged as they end, by the model of all keys. */
export const IN_HISTORIES: ReadonlySet<string> = new Set(["get", "put", "delete", "incr", "call", "ask"]);

/** What an operation is before it has ended. */
export type Asked = Pick<Operation, "operation" | "key" | "argument">;

/** A command as an operation of a history. A put if its key is not there counts as a put. */
export function operationOf(command: Command): Asked {
  switch (command.type) {
    case "Put":
      return { operation: "put", key: command.key, argument: command.value };
    case "Delete":
      return { operation: "delete", key: command.key, argument: null };
    case "Call":
      return operationOfCall(command.call, "call");
    case "Transaction": {
      if (!isPutIfAbsent(command)) return { operation: "transaction", key: "", argument: null };
      const [, key = "", value = ""] = command.then[0] ?? [];
      return { operation: "put", key, argument: value };
    }
    default:
      return { operation: command.type.toLowerCase(), key: "", argument: null };
  }
}

/** A call as an operation: "call" or "ask" where histories of its key are judged. */
export function operationOfCall(call: Call, kind: "call" | "ask"): Asked {
  const [name = "", key = ""] = call;
  const isPattern = name === "KEYS";
  if (!isPattern && (key.startsWith(FAMILY.number) || key.startsWith(FAMILY.text))) {
    return { operation: kind, key, argument: JSON.stringify(call) };
  }
  const isPlainCounter = name === "INCR" && key.startsWith(COUNTED);
  // Only what nothing else changes stands in histories under a name that they know.
  return { operation: isPlainCounter ? "incr" : `${name.toLowerCase()} among others`, key, argument: null };
}

/** The family of keys that nothing but INCR changes. */
export const COUNTED = "n";

/** Whether a transaction is that of the workload which stores a value if its key is not there, and else reads it. */
export function isPutIfAbsent(command: Command): boolean {
  if (command.type !== "Transaction") return false;
  const { compares: [compare], otherwise: [read] } = command;
  return compare?.field === "EXISTS" && compare.operand === "0" && read?.[0] === "GET" && read[1] === compare.key;
}

/** How an operation ended, as a history has it. `as` is for one that turned out to be another. */
export interface Shown {
  readonly result: Operation["result"];
  readonly as?: Pick<Operation, "operation" | "argument">;
}

/** A result as a history has it. */
export function shownOf(result: CommandResult, asked: Asked): Shown {
  switch (result.type) {
    case "Put":
      return { result: result.created };
    case "Delete":
      return { result: result.existed };
    case "Reply": {
      if (asked.operation === "incr") return { result: Number(result.reply) };
      return { result: JSON.stringify(replyToJson(result.reply)) };
    }
    case "Transaction": {
      if (asked.operation !== "put") return { result: result.succeeded };
      if (result.succeeded) return { result: true };
      const found = result.replies[0];
      return { result: typeof found === "string" ? found : null, as: { operation: "get", argument: null } };
    }
    default:
      return { result: null };
  }
}

/** A command of a session gets its first answer also where it is sent again under another login. */
export function isSameCommand(logged: string, sent: string): boolean {
  if (logged === sent) return true;
  return decodeCommand(sent)?.session !== undefined && bareCommand(logged) === bareCommand(sent);
}
