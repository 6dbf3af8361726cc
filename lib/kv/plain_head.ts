/** The head of the most frequent commands, read where it lies: a version, perhaps a login, and nothing else. */

import type { Span } from "../store/span.ts";
import { COMMAND_VERSION } from "./commands.ts";
import { NO_LOGIN } from "./users.ts";

const ZERO = 0x30;
const NINE = 0x39;
const VERSION = ZERO + COMMAND_VERSION;
const LOGIN = "u".charCodeAt(0);
const END_OF_HEADER = ";".charCodeAt(0);

/** Reads one head after the other. */
export class PlainHead {
  /** That of the last head: `NO_LOGIN` for none. */
  login = NO_LOGIN;

  /** The place behind a head of `<version>;` or `<version>u<login>;`; undefined for every other one. */
  read({ bytes, start, end }: Span): number | undefined {
    this.login = NO_LOGIN;
    if (bytes[start] !== VERSION) return undefined;
    if (bytes[start + 1] === END_OF_HEADER) return start + 2;
    if (bytes[start + 1] !== LOGIN) return undefined;
    let login = 0;
    let at = start + 2;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      login = login * 10 + (byte - ZERO);
    }
    if (at === start + 2 || bytes[at] !== END_OF_HEADER || !Number.isSafeInteger(login)) return undefined;
    this.login = login;
    return at + 1;
  }
}
