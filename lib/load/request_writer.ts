/** Writes requests as RESP into a buffer: a template for each command, with fresh keys and values put into it. */

import { stringToBytes } from "../base/bytes.ts";
import { Random } from "../base/random.ts";
import { type LoadCommand, MSET_KEYS } from "./options.ts";

const KEY_DIGITS = 12;
const DIGIT_ZERO = 48;
const PRINTABLE = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** Values are windows into so many random characters. */
const VALUE_STARTS = 65_536;
/** Up to this length a loop beats a call into the runtime. */
const SHORT_BYTES = 96;

/** What requests are made of. */
export interface RequestPlan {
  readonly command: LoadCommand;
  readonly keys: number;
  readonly valueBytes: number;
  readonly keyOrder: "random" | "sequential";
  readonly readShare: number;
  readonly seed: number;
}

/** A request with the places of its keys' digits and of its values. */
interface Template {
  readonly bytes: Uint8Array;
  readonly keyOffsets: readonly number[];
  readonly valueOffsets: readonly number[];
}

/** The same plan gives the same requests. */
export class RequestWriter {
  /** Length of the longest request. */
  readonly requestBytesMax: number;
  readonly #plan: RequestPlan;
  readonly #random: Random;
  readonly #values: Uint8Array;
  readonly #write: Template;
  readonly #read: Template;
  #next = 0;

  constructor(plan: RequestPlan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#values = randomText(this.#random, VALUE_STARTS + plan.valueBytes);
    // A value of SET is no number, so counters have keys of their own.
    const prefix = plan.command === "incr" ? "counter:" : "key:";
    this.#read = makeTemplate("get", { prefix, valueBytes: 0 });
    this.#write = makeTemplate(plan.command, { prefix, valueBytes: plan.valueBytes });
    this.requestBytesMax = Math.max(this.#read.bytes.length, this.#write.bytes.length);
  }

  /** Writes the next request at `offset`, where `requestBytesMax` bytes must be free. Returns where it ends. */
  append(target: Uint8Array, offset: number): number {
    const { readShare } = this.#plan;
    const template = readShare > 0 && this.#random.chance(readShare) ? this.#read : this.#write;
    target.set(template.bytes, offset);
    for (const at of template.keyOffsets) this.#putKey(target, offset + at);
    for (const at of template.valueOffsets) this.#putValue(target, offset + at);
    return offset + template.bytes.length;
  }

  #putKey(target: Uint8Array, offset: number): void {
    let key = this.#drawKey();
    for (let at = offset + KEY_DIGITS - 1; key > 0; at--) {
      const rest = Math.floor(key / 10);
      target[at] = DIGIT_ZERO + key - rest * 10;
      key = rest;
    }
  }

  #drawKey(): number {
    const { keys, keyOrder } = this.#plan;
    if (keyOrder === "random") return this.#random.below(keys);
    const key = this.#next;
    this.#next = key + 1 === keys ? 0 : key + 1;
    return key;
  }

  #putValue(target: Uint8Array, offset: number): void {
    const { valueBytes } = this.#plan;
    const start = this.#random.below(VALUE_STARTS);
    if (valueBytes > SHORT_BYTES) {
      target.set(this.#values.subarray(start, start + valueBytes), offset);
      return;
    }
    for (let at = 0; at < valueBytes; at++) target[offset + at] = this.#values[start + at] ?? 0;
  }
}

function makeTemplate(
  command: LoadCommand,
  { prefix, valueBytes }: { readonly prefix: string; readonly valueBytes: number },
): Template {
  const key = `${prefix}${"0".repeat(KEY_DIGITS)}`;
  const value = "0".repeat(valueBytes);
  const pairs = command === "mset" ? MSET_KEYS : 1;
  const valued = command === "set" || command === "mset";
  const keyOffsets: number[] = [];
  const valueOffsets: number[] = [];
  let text = `*${1 + pairs * (valued ? 2 : 1)}\r\n${bulk(command.toUpperCase())}`;
  for (let pair = 0; pair < pairs; pair++) {
    text += bulk(key);
    keyOffsets.push(text.length - 2 - KEY_DIGITS);
    if (!valued) continue;
    text += bulk(value);
    valueOffsets.push(text.length - 2 - valueBytes);
  }
  return { bytes: stringToBytes(text), keyOffsets, valueOffsets };
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function randomText(random: Random, length: number): Uint8Array {
  const letters = stringToBytes(PRINTABLE);
  const text = new Uint8Array(length);
  for (let at = 0; at < length; at++) text[at] = letters[random.below(letters.length)] ?? 0;
  return text;
}
