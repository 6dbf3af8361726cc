/** The replies to reads and writes, and the errors: each text once. All are byte strings of one line without its end. */

import { unreachable } from "../../base/assert.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../kv/commands.ts";
import { describeMissing } from "../../kv/describe.ts";
import type { MissingRight } from "../../kv/rights.ts";
import type { LoginOutcome } from "../../access/gate.ts";
import type { CommandRefusal, CommandResult } from "../../kv/results.ts";
import type { NodeMonitor, NotDone, SnapshotOutcome } from "../../node/api.ts";
import { describeLag } from "../../node/views/lag.ts";
import { describeReach } from "../../node/views/reach.ts";
import { BEFORE_LOGIN_BYTES_MAX } from "../../net/limits.ts";
import { LINE_BYTES_MAX } from "./limits.ts";
import type { LineProblem } from "./line_reader.ts";
import { shorten, show, showInPieces, showText } from "./show.ts";

const UNKNOWN_WORD_CHARACTERS_MAX = 40;

/** Raft cannot tell whether the write will be committed. */
export const OUTCOME_UNKNOWN = "Error: Outcome unknown. The write may or may not take effect.";
/** The reply to EXIT. */
export const GOODBYE = "Goodbye.";
/** Somebody has logged in. */
export const LOGGED_IN = "Logged in.";
/** There are users, and the connection is none's. */
/** What a node in quarantine replies to whatever reads or writes keys. */
export const QUARANTINED =
  "Error: Quarantine. The state of this node is not sound, and it waits for another one; use another node.";
export const NOT_LOGGED_IN = "Error: Authentication required. AUTH <user> <password> logs you in.";
/** Where nobody has to log in. */
export const NO_USERS = "Error: There are no users. Everybody may do everything without logging in.";
/** Follows the last report of WATCH. */
export const WATCH_ENDED = "Watch ended.";
/** Why no further line can be read, for the client and for the log; then the connection is closed. */
export const LINE_PROBLEMS: Readonly<Record<LineProblem, readonly [reply: string, reason: string]>> = {
  TooLong: [`Error: Line too long (limit ${LINE_BYTES_MAX} bytes).`, "its line is too long"],
  TooLongBeforeLogin: [
    `Error: Line too long before login (limit ${BEFORE_LOGIN_BYTES_MAX} bytes).`,
    "its line is too long before login",
  ],
  NoMemory: [
    "Error: Overloaded. All clients together send too much; try again later.",
    "all clients together send too much",
  ],
};
/** Then the connection is closed. */
export const TOO_SLOW = "Error: Request not complete in time.";
/** Then the connection is closed. */
export const LOGIN_TOO_SLOW = "Error: Nobody has logged in in time.";
/** A last line without an end may have been cut off on its way: a value must not be stored in part. */
export const INCOMPLETE_LINE = "Error: Incomplete line. Every command ends with a newline.";

/** The reply to a write that was done. */
export function writeDone(key: string, result: CommandResult): string {
  switch (result.type) {
    case "Put":
      return `${show(key)} added successfully.`;
    case "Delete":
      return result.existed ? `${show(key)} deleted successfully.` : keyMissing(show(key));
    case "Refused":
      return refusal(result.reason);
    case "Forbidden":
      return notPermitted(result.missing);
    case "Reply":
    case "Transaction":
    case "Invalid":
      return INVALID;
    default:
      return unreachable(result);
  }
}

/** Who asks lacks a right. */
export function notPermitted(missing: MissingRight): string {
  return `Error: Not permitted. ${capitalized(describeMissing(missing))}.`;
}

const INVALID = "Error: Invalid command. The state machine does not know it.";

/** Nothing here belongs to a session or is about users. */
function refusal(reason: CommandRefusal): string {
  return reason === "NotLoggedIn" ? NOT_LOGGED_IN : INVALID;
}

/** The reply to a read of a key that exists; `keyText` is the key as it is shown. */
export function valueOf(keyText: string, value: string): string {
  return `value of ${keyText}: ${show(value)}`;
}

/** The whole line of it with its end, for a long value, piece by piece. */
export function* valueInPieces(keyText: string, value: string): Generator<string> {
  yield `value of ${keyText}: `;
  yield* showInPieces(value);
  yield "\n";
}

/** A key as replies to stale reads show it: with the age of the state that was read, see `NodeReader.ageMs`. */
export function keyWithAge(key: string, ageMs: number | undefined): string {
  return `${show(key)} (${ageMs === undefined ? "age unknown" : `at most ${ageMs} ms old`})`;
}

/** The key is not there. */
export function keyMissing(keyText: string): string {
  return `Error: ${keyText} does not exist.`;
}

/** The reply to what was certainly not done. */
export function notDone({ reason, leaderId }: NotDone, node: NodeMonitor): string {
  switch (reason) {
    case "NotLeader":
      return leaderId === undefined ? noLeader(node) : `Error: Not leader. Current leader is Node ${leaderId}`;
    case "NoLeader":
      return noLeader(node);
    case "Overloaded":
      return "Error: Overloaded. Too many requests are waiting; try again later.";
    case "NoSpace":
      return "Error: No space. The leader's disk is full; reads go on.";
    case "OutOfMemory":
      return "Error: Out of memory. The leader's memory limit is reached; reads and DELETE go on.";
    case "TooLarge":
      return `Error: Too large. A key may have ${KEY_BYTES_MAX} bytes, a value ${VALUE_BYTES_MAX} bytes.`;
    case "Stopping":
      return "Error: Stopping. This node is shutting down; use another one.";
    case "Timeout":
      return timeout(node);
    case "NotLoggedIn":
      return NOT_LOGGED_IN;
    case "Quarantined":
      return QUARANTINED;
    case "TooOld":
      return "Error: Not yet. Some member is not known to understand this: try again in a moment, or upgrade the older ones.";
    default:
      return unreachable(reason);
  }
}

/** The reply to AUTH. */
export function loginReply(outcome: LoginOutcome): string {
  const { type } = outcome;
  switch (type) {
    case "LoggedIn":
      return LOGGED_IN;
    case "WrongPassword":
      return "Error: Wrong user or password.";
    case "Busy":
      return "Error: Overloaded. Too many logins are waiting; try again later.";
    case "NotReady":
      return "Error: The users are not known here yet. Try again later.";
    default:
      return unreachable(type);
  }
}

/** The reply to SNAPSHOT. */
export function snapshotTaken(outcome: SnapshotOutcome): string {
  switch (outcome.type) {
    case "Created":
      return `Snapshot created at index ${outcome.id.index} (term ${outcome.id.term}).`;
    case "UpToDate":
      return `Snapshot is up to date at index ${outcome.id.index} (term ${outcome.id.term}).`;
    case "NotSound":
      return QUARANTINED;
    case "Failed":
      return snapshotFailed(outcome.message);
    default:
      return unreachable(outcome);
  }
}

/** No snapshot was made. */
export function snapshotFailed(message: string): string {
  return `Error: Snapshot failed: ${showText(message)}`;
}

/** Wrong arguments; `detail` where the usage does not say it all. */
export function usage(text: string, detail: string | undefined): string {
  return `Error: Usage: ${text}${detail === undefined ? "" : ` (${detail})`}`;
}

/** No command has this name. */
export function unknownCommand(word: string): string {
  return `Error: Unknown command '${shorten(word, UNKNOWN_WORD_CHARACTERS_MAX)}'. Type HELP for the command reference.`;
}

/** `!!` or `!n` names nothing that is kept. */
export function unknownEvent(word: string): string {
  return `Error: Unknown event '${shorten(word, UNKNOWN_WORD_CHARACTERS_MAX)}'. Type HISTORY for the numbers.`;
}

/** What a browser or an HTTP client is told before the connection ends. */
export function notHttp(httpPort: number | undefined): string {
  const where = httpPort === undefined ? "This node serves no HTTP." : `HTTP is on port ${httpPort}.`;
  return `Error: This port speaks the text protocol. ${where}`;
}

function timeout(node: NodeMonitor): string {
  const lag = describeLag(node);
  if (lag !== undefined) return `Error: Timeout. This node is ${showText(lag)}.`;
  return `Error: Timeout. No majority confirmed the request in time. ${reachOf(node)}`;
}

function noLeader(node: NodeMonitor): string {
  return `Error: No leader. ${reachOf(node)}`;
}

/** A sentence each. */
function reachOf(node: NodeMonitor): string {
  const clauses = describeReach(node, "GET <key> STALE");
  return showText(clauses.map((clause) => `${capitalized(clause)}.`).join(" "));
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
