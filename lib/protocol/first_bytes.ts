/**
 * Tells from the first bytes of a connection which protocol its client speaks.
 *
 * A request of a Redis client begins with `*`. A line may be of either protocol: one that ends in CR LF and begins with a word
 * that only Redis has is an inline request of Redis, every other line is the text protocol's. Empty lines and PING, by which
 * load balancers look whether somebody is there, decide nothing.
 */

import { bytesToString } from "../base/bytes.ts";
import { findCommand as findRedisCommand } from "./resp/commands.ts";
import { OTHER_REDIS_NAMES } from "./resp/redis_names.ts";
import { findCommand as findTextCommand } from "./text/commands.ts";

/** The protocols of the client port. */
export type Language = "resp" | "text";

/** What the first bytes come to so far. */
export interface Opening {
  /** Undefined while more bytes are needed. */
  readonly language: Language | undefined;
  /** PINGs that came before, to be answered. */
  readonly pings: number;
  /** The bytes that the protocol begins with, or that are not decided yet; a byte string. */
  readonly rest: string;
}

/** Undecided bytes that are kept: the longest line, its end included, that opens a session of Redis. Tokens of AUTH are long. */
export const UNDECIDED_BYTES_MAX = 8_192;

const STAR = 0x2a;

/** Looks at everything that has come and was not decided; `ended` tells that no more will come. */
export function readOpening(bytes: string, ended: boolean): Opening {
  let at = 0;
  let pings = 0;
  for (;;) {
    const rest = at === 0 ? bytes : bytes.slice(at);
    if (rest === "") return { language: ended ? "text" : undefined, pings, rest };
    if (rest.charCodeAt(0) === STAR) return { language: "resp", pings, rest };
    const end = rest.indexOf("\n") + 1;
    if (end === 0) return { language: languageOfBeginning(rest, ended), pings, rest };
    const language = languageOfLine(rest, end);
    if (language !== undefined) return { language, pings, rest };
    if (end > "\r\n".length) pings += 1;
    at += end;
  }
}

/** The language of one client's first bytes, as far as a glance tells: for a refusal. */
export function guessLanguage(bytes: Uint8Array): Language {
  return readOpening(bytesToString(bytes, 0, Math.min(bytes.length, UNDECIDED_BYTES_MAX)), true).language ?? "text";
}

/** Undefined for an empty line and for PING, behind which another line decides. */
function languageOfLine(text: string, end: number): Language | undefined {
  if (end > UNDECIDED_BYTES_MAX) return "text";
  const line = text.slice(0, end);
  if (EMPTY_OR_PING.test(line)) return undefined;
  return line.endsWith("\r\n") && isOnlyOfRedis(firstWord(line)) ? "resp" : "text";
}

/** Undefined while the rest of the line may still tell: only a line that begins with a word of Redis is waited for. */
function languageOfBeginning(text: string, ended: boolean): Language | undefined {
  if (ended || text.length >= UNDECIDED_BYTES_MAX) return "text";
  const word = firstWord(text);
  const isWhole = BLANK.test(text.charAt(word.length));
  return isWhole && !isOnlyOfRedis(word) ? "text" : undefined;
}

const EMPTY_OR_PING = /^(PING)?\r?\n$/i;
const BLANK = /[ \t]/;

function firstWord(text: string): string {
  return /^[^ \t\r\n]*/.exec(text)?.[0] ?? "";
}

function isOnlyOfRedis(word: string): boolean {
  const textCommand = findTextCommand(word);
  if (textCommand !== undefined) return textCommand.isOfRedisToo === true && word.toUpperCase() === textCommand.name;
  return findRedisCommand(word)?.isBeyondRedis === false || OTHER_REDIS_NAMES.has(word.toUpperCase());
}
