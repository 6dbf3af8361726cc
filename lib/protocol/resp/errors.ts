/** Error replies whose first word tells a client what it may do: each text once. */

import { unreachable } from "../../base/assert.ts";
import { textToByteString } from "../../base/bytes.ts";
import type { ErrorReply } from "../../kv/replies.ts";
import { describeMissing } from "../../kv/describe.ts";
import type { MissingRight } from "../../kv/rights.ts";
import type { CommandRefusal } from "../../kv/results.ts";
import { describeRefusal } from "../../access/user_changes.ts";
import type { NodeMonitor, NotDone } from "../../node/api.ts";
import { describeLag } from "../../node/views/lag.ts";
import { describeReach } from "../../node/views/reach.ts";
import type { RespReply } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";

/** The command was appended to the log, and whether it is committed is not known. */
export const OUTCOME_UNKNOWN: RespReply = { error: "TIMEOUT outcome unknown" };
/** The words of Redis. */
export const OUT_OF_MEMORY: RespReply = { error: "OOM command not allowed when used memory > 'maxmemory'." };
/** A node in quarantine, to whatever reads or writes keys. */
export const QUARANTINED: ErrorReply = {
  error: "TRYAGAIN the state of this node is not sound, and it waits for another one; use another node",
};
/** The words of Redis. */
export const NOT_LOGGED_IN: ErrorReply = { error: "NOAUTH Authentication required." };
/** The error of who lacks a right, and which it is. */
export interface PermissionError extends ErrorReply {
  readonly missing: MissingRight;
}

/** The word is that of Redis. */
export function noPermission(missing: MissingRight): PermissionError {
  return { error: `NOPERM ${describeMissing(missing)}`, missing };
}

/** The right that is missing; undefined for every other error. */
export function missingOf(reply: ErrorReply): MissingRight | undefined {
  return "missing" in reply ? (reply as PermissionError).missing : undefined;
}

/** A command of the log that this version does not know. */
export const INVALID_COMMAND: RespReply = { error: "ERR the state machine does not know the command" };

/** Codes of the replies to who lacks a right, or has not said who he is. */
const RIGHTS_CODES: readonly string[] = ["NOAUTH", "NOPERM"];

/** Whether an error says that a right is missing: clients know it by the same code. */
export function isRightsError({ error }: ErrorReply): boolean {
  return RIGHTS_CODES.some((code) => error.startsWith(`${code} `));
}

/** The reply to what was certainly not done. */
export function notDone({ reason }: NotDone, node: NodeMonitor): RespReply {
  switch (reason) {
    case "NotLeader":
    case "NoLeader":
      return noLeader(node);
    case "Overloaded":
      return { error: "BUSY too many requests are waiting; try again later" };
    case "NoSpace":
      return { error: "READONLY the leader's disk is full; reads go on" };
    case "OutOfMemory":
      return OUT_OF_MEMORY;
    case "TooLarge":
      return { error: "ERR the command is too large" };
    case "Stopping":
      return { error: "TRYAGAIN this node is shutting down; use another one" };
    case "Timeout":
      return { error: `TRYAGAIN ${timeout(node)}` };
    case "NotLoggedIn":
      return NOT_LOGGED_IN;
    case "Quarantined":
      return QUARANTINED;
    case "TooOld":
      return {
        error: "TRYAGAIN some member is not known to know of users: try again in a moment, or upgrade the older ones",
      };
    default:
      return unreachable(reason);
  }
}

/** The reply where there is no leader to do the command; nothing was done. */
export function noLeader(node: NodeMonitor): ErrorReply {
  return { error: `CLUSTERDOWN no leader; ${reachOf(node)}` };
}

/** The reply to a command that was not applied now. */
export function refusedReply(reason: CommandRefusal): RespReply {
  switch (reason) {
    case "NoSession":
      return { error: "NOSESSION the session is not open: it expired, was closed, or never existed" };
    case "StaleSequence":
      return { error: "STALESEQ the answer to this sequence number is not kept any more" };
    case "AnswerNotKept":
      return { error: "STALESEQ the command was applied; its answer was too long to be kept" };
    case "SequenceReused":
      return { error: "SEQREUSED another command was applied under this sequence number; this one was not" };
    case "TooManySessions":
      return { error: "BUSY too many sessions are open; try again later" };
    case "ForeignSession":
      return { error: "NOTOWNER the session belongs to another user; nothing was done" };
    case "NotLoggedIn":
      return NOT_LOGGED_IN;
    case "UserExists":
    case "NoSuchUser":
    case "LastUser":
    case "TooManyUsers":
    case "BadUser":
    case "LastAdmin":
    case "NoSuchRight":
    case "WiderRight":
    case "TooManyGrants":
    case "TokenExists":
    case "NoSuchToken":
    case "TooManyTokens":
    case "BadToken":
    case "PasswordNeeded":
      return { error: `ERR ${describeRefusal(reason)}` };
    default:
      return unreachable(reason);
  }
}

/** The reply to a command with a key beyond the limit; undefined when there is none. */
export function longKey(keys: readonly string[], keyBytesMax: number): ErrorReply | undefined {
  const key = keys.find(({ length }) => length > keyBytesMax);
  if (key === undefined) return undefined;
  return { error: `ERR the key of ${key.length} bytes is too long (limit ${keyBytesMax})` };
}

/** The reply to a name that no command has: the words of Redis, by which clients know the error, and what to do about it. */
export function unknownCommand(words: Words): RespReply {
  const [name = ""] = words;
  let shown = "";
  for (let at = 1; at < words.length && shown.length < SHOWN_BYTES_MAX; at++) {
    shown += `'${(words[at] ?? "").slice(0, SHOWN_BYTES_MAX - shown.length)}' `;
  }
  return {
    error: `ERR unknown command '${name.slice(0, SHOWN_BYTES_MAX)}', with args beginning with: ${shown}${NOT_OFFERED}`,
  };
}

const SHOWN_BYTES_MAX = 128;
/** Ends the reply to an unknown command. */
export const NOT_OFFERED = "(KVStore does not offer it; COMMAND LIST and docs/redis.md show which commands it does)";

function timeout(node: NodeMonitor): string {
  const lag = describeLag(node);
  return lag === undefined
    ? `no majority confirmed the request in time; ${reachOf(node)}`
    : `this node is ${textToByteString(lag)}`;
}

function reachOf(node: NodeMonitor): string {
  return textToByteString(describeReach(node, "KV.GET <key> STALE").join("; "));
}
