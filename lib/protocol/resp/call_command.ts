/** Calls as commands of the log, in the shortest form, and results as replies. */

import { unreachable } from "../../base/assert.ts";
import type { Call, Command } from "../../kv/commands.ts";
import { OK } from "../../kv/replies.ts";
import type { CommandResult } from "../../kv/results.ts";
import { INVALID_COMMAND, noPermission, refusedReply } from "./errors.ts";
import type { RespReply } from "./reply_writer.ts";

const SET_WORDS = 3;
const DELETE_WORDS = 2;

/** The command that does a call. The two that are by far the most frequent have a form of their own. */
export function commandOfCall(call: Call): Command {
  const [name, key = "", value = ""] = call;
  if (name === "SET" && call.length === SET_WORDS) return { type: "Put", key, value };
  if ((name === "DEL" || name === "UNLINK") && call.length === DELETE_WORDS) return { type: "Delete", key };
  return { type: "Call", call };
}

/** The reply to a call, from the result of its command. */
export function showResult(result: CommandResult): RespReply {
  switch (result.type) {
    case "Put":
      return OK;
    case "Delete":
      return result.existed ? 1 : 0;
    case "Reply":
      return result.reply;
    case "Refused":
      return refusedReply(result.reason);
    case "Forbidden":
      return noPermission(result.missing);
    case "Transaction":
    case "Invalid":
      return INVALID_COMMAND;
    default:
      return unreachable(result);
  }
}
