/** Commands and their results as operations of a history. */

import type { Command } from "../../lib/kv/commands.ts";
import type { CommandResult } from "../../lib/kv/results.ts";
import type { Operation } from "../linearizability/history.ts";

/** What the checkers of histories know; the others are judged as they end. */
export const IN_HISTORIES: ReadonlySet<string> = new Set(["get", "put", "delete", "incr"]);

/** A command as an operation of a history. A transaction counts as the put that it does if its key is not there. */
export function operationOf(command: Command): Pick<Operation, "operation" | "key" | "argument"> {
  switch (command.type) {
    case "Put":
      return { operation: "put", key: command.key, argument: command.value };
    case "Delete":
      return { operation: "delete", key: command.key, argument: null };
    case "Call":
      return { operation: "incr", key: command.call[1] ?? "", argument: null };
    case "Transaction": {
      const [, key = "", value = ""] = command.then[0] ?? [];
      return { operation: "put", key, argument: value };
    }
    default:
      return { operation: command.type.toLowerCase(), key: "", argument: null };
  }
}

/** A result as a history has it. */
export function shownOf(result: CommandResult): Operation["result"] {
  if (result.type === "Put") return result.created;
  if (result.type === "Delete") return result.existed;
  const reply = result.type === "Transaction" ? result.replies[0] : result.type === "Reply" ? result.reply : null;
  if (typeof reply === "string" || typeof reply === "number") return reply;
  return typeof reply === "object" && reply !== null && "status" in reply ? reply.status : null;
}
