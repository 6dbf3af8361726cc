/** The counters, read where they lie: INCR, DECR, INCRBY and DECRBY without time and session, each as the Put of its sum. */

import { stringToBytes } from "../base/bytes.ts";
import { KeyBuffer, Span } from "../store/span.ts";
import { COMMAND_VERSION } from "./commands.ts";
import { parseShortInteger } from "./integers.ts";
import { PlainHead } from "./plain_head.ts";
import { readField } from "./plain_put.ts";

interface Form {
  /** Everything between the head and the key. */
  readonly head: Uint8Array;
  readonly sign: 1 | -1;
  /** Whether a number follows the key; else it is 1. */
  readonly hasAmount: boolean;
}

const FORMS: readonly Form[] = [
  { head: stringToBytes("C2:4:INCR"), sign: 1, hasAmount: false },
  { head: stringToBytes("C2:4:DECR"), sign: -1, hasAmount: false },
  { head: stringToBytes("C3:6:INCRBY"), sign: 1, hasAmount: true },
  { head: stringToBytes("C3:6:DECRBY"), sign: -1, hasAmount: true },
];
const PUT_HEAD = Span.of(stringToBytes(`${COMMAND_VERSION};P`));
const ZERO = 0x30;
const COLON = 0x3a;
const MINUS = 0x2d;
const TEN = 10;
/** A sum of two numbers of 15 digits has one more at most, and a sign; with the length before it. */
const VALUE_FIELD_BYTES_MAX = 20;

/** Names the key of one counter after the other, and makes the Put that does the same. */
export class PlainCounter {
  readonly key = new Span();
  /** What `add` made last: a Put as the log has it. */
  readonly put = new KeyBuffer();
  /** The value of that Put, among its bytes. */
  readonly value = new Span();
  /** The key with its length. */
  readonly #keyField = new Span();
  readonly #number = new Span();
  readonly #head = new PlainHead();
  #amount = 0;

  /** Who submitted it. */
  get login(): number {
    return this.#head.login;
  }

  /** Whether `command` is such a call, whole, and its number so short that it is exact; then `key` is that of its bytes. */
  read(command: Span): boolean {
    const at = this.#head.read(command);
    if (at === undefined) return false;
    for (const form of FORMS) if (hasAt(command, at, form.head)) return this.#readBehind(form, { command, at });
    return false;
  }

  /** What the counter comes to, now that its value is `before`; undefined when that is no number, or too long to be exact. */
  add(before: Span | undefined): number | undefined {
    const number = before === undefined ? 0 : parseShortInteger(before);
    if (number === undefined) return undefined;
    const sum = number + this.#amount;
    this.#makePut(sum);
    return sum;
  }

  #readBehind({ head, sign, hasAmount }: Form, { command, at }: PlacedCommand): boolean {
    const keyAt = at + head.length;
    const keyEnd = readField(command, keyAt, this.key);
    if (keyEnd === undefined) return false;
    this.#keyField.set(command.bytes, keyAt, keyEnd);
    this.#amount = sign;
    if (!hasAmount) return keyEnd === command.end;
    if (readField(command, keyEnd, this.#number) !== command.end) return false;
    const amount = parseShortInteger(this.#number);
    this.#amount = sign * (amount ?? 0);
    return amount !== undefined;
  }

  #makePut(sum: number): void {
    const field = this.#keyField;
    const { put } = this;
    put.resize(PUT_HEAD.length + field.length + VALUE_FIELD_BYTES_MAX);
    PUT_HEAD.copyTo(put.bytes, 0);
    field.copyTo(put.bytes, PUT_HEAD.length);
    put.end = PUT_HEAD.length + field.length;
    this.#append(lengthOf(sum));
    put.bytes[put.end] = COLON;
    put.end += 1;
    const valueAt = put.end;
    this.#append(sum);
    this.value.set(put.bytes, valueAt, put.end);
  }

  /** Writes a whole number in decimal behind what there is of the Put. */
  #append(number: number): void {
    const { put } = this;
    if (number < 0) put.bytes[put.end] = MINUS;
    put.end += lengthOf(number);
    let place = put.end - 1;
    let rest = Math.abs(number);
    do {
      put.bytes[place] = ZERO + rest % TEN;
      rest = Math.floor(rest / TEN);
      place -= 1;
    } while (rest > 0);
  }
}

/** A command, and where it goes on behind its head. */
interface PlacedCommand {
  readonly command: Span;
  readonly at: number;
}

function hasAt({ bytes }: Span, start: number, head: Uint8Array): boolean {
  // Most commands are told apart by the last byte.
  for (let at = head.length - 1; at >= 0; at--) if (bytes[start + at] !== head[at]) return false;
  return true;
}

/** Of a whole number in decimal. */
function lengthOf(number: number): number {
  let length = number < 0 ? 2 : 1;
  for (let rest = Math.abs(number); rest >= TEN; rest = Math.floor(rest / TEN)) length += 1;
  return length;
}
