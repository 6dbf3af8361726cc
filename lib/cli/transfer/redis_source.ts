/** The strings of a running Redis as the source of an import: SCAN, and each value with what is left of its deadline, at one moment. */

import { bytesToString, stringToBytes } from "../../base/bytes.ts";
import { bytesOf, integerOf, listOf } from "../../client/entries.ts";
import { ServerError } from "../../client/errors.ts";
import type { Reply } from "../../client/replies.ts";
import type { Word } from "../../client/words.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../kv/commands.ts";
import { type ImportSource, type LeftOut, showKey } from "./import_run.ts";
import type { LineRecord } from "./record_line.ts";
import type { RedisLink } from "./redis_link.ts";

/** Keys that one SCAN looks at. */
export const REDIS_SCAN_KEYS = 500;
/** Bytes of values that are asked for at once, unless a single one has more. */
export const REDIS_READ_BYTES_MAX = 4_194_304;
/** Keys that are left out and named, of each kind. */
export const NAMED_KEYS_MAX = 5;
/** Characters that mean something in a pattern. */
const PATTERN_CHARACTERS = /[*?[\]\\^-]/g;

/** A key that has a string, as far as was known when its length was asked for. */
interface Candidate {
  readonly key: Uint8Array;
  readonly bytes: number;
}

/** Keys that are left out for one reason. */
class Others {
  keys = 0;
  readonly named: string[] = [];

  /** Counts a key, and says whether it is one to be named. */
  count(): boolean {
    this.keys += 1;
    return this.keys <= NAMED_KEYS_MAX;
  }

  get shown(): string {
    const more = this.keys > this.named.length ? ", ..." : "";
    return `${this.named.join(", ")}${more}`;
  }
}

/** See `ImportSource`. Keys that change while they are read are taken before or after that; SCAN may give a key more than once. */
export class RedisSource implements ImportSource {
  readonly noun = "key";
  place = 0;
  readonly #link: RedisLink;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #otherTypes = new Others();
  readonly #tooLong = new Others();

  /** Keys begin with `prefix`, a byte string. */
  constructor(link: RedisLink, { prefix, now }: { readonly prefix: string; readonly now: () => number }) {
    this.#link = link;
    this.#prefix = prefix;
    this.#now = now;
  }

  get name(): string {
    return this.#link.name;
  }

  async *records(): AsyncGenerator<LineRecord, void, undefined> {
    const pattern: readonly Word[] = this.#prefix === ""
      ? []
      : ["MATCH", stringToBytes(`${this.#prefix.replace(PATTERN_CHARACTERS, "\\$&")}*`)];
    let cursor: Word = "0";
    do {
      const [next, keys] = listOf(await this.#link.ask(["SCAN", cursor, ...pattern, "COUNT", REDIS_SCAN_KEYS]));
      for (const part of inParts(await this.#strings(listOf(keys).map(bytesOf)))) yield* await this.#read(part);
      cursor = bytesToString(bytesOf(next));
    } while (cursor !== "0");
  }

  leftOut(): readonly LeftOut[] {
    const types = `of other types, which KVStore has not: ${this.#otherTypes.shown}`;
    const sizes = `above ${KEY_BYTES_MAX} bytes of key or ${VALUE_BYTES_MAX} of value: ${this.#tooLong.shown}`;
    return [
      { keys: this.#otherTypes.keys, why: types, name: "otherTypes" },
      { keys: this.#tooLong.keys, why: sizes, name: "tooLong", isFailure: true },
    ];
  }

  /** Those of the keys that have a string that fits. */
  async #strings(keys: readonly Uint8Array[]): Promise<readonly Candidate[]> {
    const lengths = await Promise.all(keys.map((key) => this.#link.try(["STRLEN", key])));
    const found: Candidate[] = [];
    for (const [at, key] of keys.entries()) {
      const length = lengths[at];
      if (isOfOtherType(length)) await this.#nameType(key);
      else if (length instanceof ServerError) throw this.#link.refusal("STRLEN", length);
      else if (key.length > KEY_BYTES_MAX || Number(integerOf(length)) > VALUE_BYTES_MAX) this.#nameTooLong(key);
      else found.push({ key, bytes: Number(integerOf(length)) });
    }
    return found;
  }

  async #read(candidates: readonly Candidate[]): Promise<readonly LineRecord[]> {
    const answers = await Promise.all(
      candidates.map(({ key }) => this.#link.together([["GET", key], ["PTTL", key]])),
    );
    const nowMs = this.#now();
    const records: LineRecord[] = [];
    for (const [at, { key }] of candidates.entries()) {
      const [value, left] = answers[at] ?? [];
      if (isOfOtherType(value)) await this.#nameType(key);
      // Gone meanwhile.
      else if (value === null) continue;
      else if (bytesOf(value).length > VALUE_BYTES_MAX) this.#nameTooLong(key);
      else records.push(recordOf(key, { value: bytesOf(value), leftMs: Number(integerOf(left)), nowMs }));
    }
    this.place += records.length;
    return records;
  }

  async #nameType(key: Uint8Array): Promise<void> {
    if (!this.#otherTypes.count()) return;
    const type = await this.#link.try(["TYPE", key]);
    this.#otherTypes.named.push(`${showKey(bytesToString(key))} (${typeof type === "string" ? type : "unknown"})`);
  }

  #nameTooLong(key: Uint8Array): void {
    if (this.#tooLong.count()) this.#tooLong.named.push(showKey(bytesToString(key)));
  }
}

function isOfOtherType(reply: Reply | undefined): boolean {
  return reply instanceof ServerError && reply.code === "WRONGTYPE";
}

/** Parts whose values are read together. */
function* inParts(candidates: readonly Candidate[]): Generator<readonly Candidate[]> {
  let [part, bytes]: [Candidate[], number] = [[], 0];
  for (const candidate of candidates) {
    if (part.length > 0 && bytes + candidate.bytes > REDIS_READ_BYTES_MAX) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(candidate);
    bytes += candidate.bytes;
  }
  if (part.length > 0) yield part;
}

/** `leftMs` as PTTL has it: below 0 without a deadline. */
function recordOf(
  key: Uint8Array,
  { value, leftMs, nowMs }: { readonly value: Uint8Array; readonly leftMs: number; readonly nowMs: number },
): LineRecord {
  const times = leftMs < 0 ? { expiresAt: undefined, ttlMs: undefined } : { expiresAt: nowMs + leftMs, ttlMs: leftMs };
  return { key: bytesToString(key), value: bytesToString(value), ...times };
}
