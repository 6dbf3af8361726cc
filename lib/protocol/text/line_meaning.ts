/** From a line to what it asks for. Repetitions (`!!`, `!n`) are the session's, which has the history. */

import { findCommand, usageReply } from "./commands.ts";
import type { PutCommand } from "../../kv/commands.ts";
import type { UsageError } from "./arguments.ts";
import { skipBlanks, trimmedRest, wordEnd } from "./lexer.ts";
import { endsInOptions } from "./set_options.ts";
import { quote, shorten } from "./show.ts";
import { notHttp, unknownCommand } from "./outcomes.ts";
import type { HangUpRequest, Request } from "./requests.ts";

const LETTER_O = 0x6f;
const TO_LOWER_CASE = 0x20;
const WEB_PAGE_PREFIXES: readonly string[] = ["post ", "host:"];
const HTTP_REQUEST = /^[ \t]*[^ \t]+[ \t]+HTTP\/[0-9]/;

const WEB_PAGE: HangUpRequest = { type: "HangUp", reply: undefined, reason: "it sent an HTTP request" };

/** What the line asks for. `httpPort` is where browsers are sent, if anywhere. */
export function readLine(line: string, httpPort: number | undefined): Request {
  if (isWebPage(line)) return WEB_PAGE;
  const at = skipBlanks(line, 0);
  const end = wordEnd(line, at);
  const word = line.slice(at, end);
  const command = findCommand(word);
  if (command === undefined) return { type: "Refused", reply: unknownCommand(word) };
  const request = command.read(line, end);
  if (request.type === "Write" && request.command.type === "Put" && word.toUpperCase() === "SET") {
    const refusal = refuseOptions(line, request.command);
    if (refusal !== undefined) return { type: "Refused", reply: usageReply(command, refusal) };
  }
  if (request.type !== "UsageError") return request;
  if (command.name === "GET" && HTTP_REQUEST.test(line.slice(end, skipBlanks(line, end) + HTTP_TARGET_BYTES_MAX))) {
    return { type: "HangUp", reply: notHttp(httpPort), reason: "it sent an HTTP request" };
  }
  return { type: "Refused", reply: usageReply(command, request) };
}

/**
 * SET of Redis has options, and the word is known from there. The rest of the line is the value here: one that ends in such
 * options was meant otherwise, so that it is refused instead of being stored.
 */
function refuseOptions(line: string, { key, value }: PutCommand): UsageError | undefined {
  // Within quotes they are what somebody wants to store.
  if (!endsInOptions(value) || !trimmedRest(line, 0).endsWith(value)) return undefined;
  const quoted = `SET ${isPlainWord(key) ? key : quote(key)} ${quote(value)}`;
  return {
    type: "UsageError",
    detail: `options are not known here: to store them as they are write ${shorten(quoted, HINT_CHARACTERS_MAX)}, ` +
      "to use them a Redis client",
  };
}

/** Whether a line is of a command that takes secrets. */
export function isSecret(line: string): boolean {
  const at = skipBlanks(line, 0);
  return findCommand(line.slice(at, wordEnd(line, at)))?.isSecret === true;
}

const HINT_CHARACTERS_MAX = 200;

function isPlainWord(key: string): boolean {
  return /^[!#-&(-~]+$/.test(key);
}

/** Longest path of an HTTP request that is recognised. */
const HTTP_TARGET_BYTES_MAX = 8_192;

/** Whether a web page made a browser send this: it can do that to any port of the machine it runs on. */
function isWebPage(line: string): boolean {
  // Both have an o there, and no command has, so that commands pay for one comparison.
  if ((line.charCodeAt(1) | TO_LOWER_CASE) !== LETTER_O) return false;
  return WEB_PAGE_PREFIXES.includes(line.slice(0, 5).toLowerCase());
}
