/**
 * Tells from the first bytes of a connection which protocol its client speaks.
 *
 * A request of a Redis client begins with `*`. A line may be of either protocol: one that ends in CR LF and begins with a word
 * that only Redis has is an inline request of Redis, every other line is the text protocol's. Empty lines and PING, by which
 * load balancers look whether somebody is there, decide nothing.
 */

import { bytesToString } from "../base/bytes.ts";
import { REDIS_NAMES } from "./resp/redis_names.ts";
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

/** Undecided bytes that are kept: no word that decides is longer, and a longer line is the text protocol's. */
export const UNDECIDED_BYTES_MAX = 1_024;

const STAR = 0x2a;
const NEWLINE = 0x0a;

/** Looks at everything that has come and was not decided; `ended` tells that no more will come. */
export function readOpening(bytes: string, ended: boolean): Opening {
  let at = 0;
  let pings = 0;
  for (;;) {
    const rest = at === 0 ? bytes : bytes.slice(at);
    if (rest === "") return { language: ended ? "text" : undefined, pings, rest };
    if (rest.charCodeAt(0) === STAR) return { language: "resp", pings, rest };
    const end = rest.indexOf("\n");
    if (end === -1) {
      const isDecided = ended || rest.length > UNDECIDED_BYTES_MAX;
      return { language: isDecided ? "text" : undefined, pings, rest };
    }
    const language = languageOfLine(rest.slice(0, Math.min(end + 1, UNDECIDED_BYTES_MAX)));
    if (language !== undefined) return { language, pings, rest };
    if (rest.charCodeAt(0) !== NEWLINE && rest.slice(0, 2) !== "\r\n") pings += 1;
    at += end + 1;
  }
}

/** The language of one client's first bytes, as far as a glance tells: for a refusal. */
export function guessLanguage(bytes: Uint8Array): Language {
  return readOpening(bytesToString(bytes, 0, Math.min(bytes.length, UNDECIDED_BYTES_MAX)), true).language ?? "text";
}

/** Undefined for an empty line and for PING. `line` has its end. */
function languageOfLine(line: string): Language | undefined {
  const word = (/^[^ \t\r\n]*/.exec(line)?.[0] ?? "").toUpperCase();
  if (/^(PING)?\r?\n$/i.test(line)) return undefined;
  const isRedis = line.endsWith("\r\n") && REDIS_NAMES.has(word) && findTextCommand(word) === undefined;
  return isRedis ? "resp" : "text";
}
