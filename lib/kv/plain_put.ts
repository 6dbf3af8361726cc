/** The most frequent command of all, read where it lies: a Put without time and session. */

import { bytesToString } from "../base/bytes.ts";
import { Span } from "../store/span.ts";
import { PlainHead } from "./plain_head.ts";
import { mayUse, type Rights } from "./rights.ts";

const PUT = "P".charCodeAt(0);
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

/** Names key and value of one Put after the other. */
export class PlainPut {
  readonly key = new Span();
  readonly value = new Span();
  readonly #head = new PlainHead();

  /** Who submitted it. */
  get login(): number {
    return this.#head.login;
  }

  /** Whether those are the rights, of somebody or of nobody, that it needs. */
  isFor(rights: Rights | undefined): boolean {
    if (rights === undefined || rights.isAdmin) return rights !== undefined;
    const { bytes, start, end } = this.key;
    return mayUse(rights, { right: "write", prefix: bytesToString(bytes, start, end) });
  }

  /** Whether `command` is such a Put, whole; then `key` and `value` are those of its bytes. */
  read(command: Span): boolean {
    const at = this.#head.read(command);
    if (at === undefined || command.bytes[at] !== PUT) return false;
    const keyEnd = readField(command, at + 1, this.key);
    return keyEnd !== undefined && readField(command, keyEnd, this.value) === command.end;
  }
}

/** Reads `<length>:<bytes>`; the place behind it, or undefined where there is none. */
export function readField({ bytes, end }: Span, from: number, into: Span): number | undefined {
  let length = 0;
  let at = from;
  for (; at < end; at++) {
    const byte = bytes[at] ?? COLON;
    if (byte < ZERO || byte > NINE) break;
    length = length * 10 + (byte - ZERO);
  }
  if (at === from || bytes[at] !== COLON || at + 1 + length > end) return undefined;
  into.set(bytes, at + 1, at + 1 + length);
  return at + 1 + length;
}
