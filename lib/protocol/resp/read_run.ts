/** GETs that came in one piece: confirmed together, looked up where keys and values lie, answered in one piece. */

import { bytesToString, stringToBytes } from "../../base/bytes.ts";
import type { RunNode } from "../../node/api.ts";
import { Span } from "../../store/span.ts";
import { BulkReader } from "./bulk_reader.ts";
import type { RespVersion } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";

/** What the replies of a run may have together; those of a longer one are made one by one, as there is room for them. */
export const RUN_REPLY_BYTES_MAX = 65_536;
/** A run ends before its keys are longer together. */
export const RUN_KEYS_BYTES_MAX = 65_536;
/** The head and the ends of a reply. */
const REPLY_OVERHEAD_BYTES = 16;

const FORMS = ["GET", "get"].map((name) => ({ name, head: stringToBytes(`*2\r\n$3\r\n${name}\r\n`) }));
const NULLS = { 2: stringToBytes("$-1\r\n"), 3: stringToBytes("_\r\n") };
const DOLLAR = 0x24;
const ZERO = 0x30;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

const replies = new Uint8Array(RUN_REPLY_BYTES_MAX);
const keys = new Uint8Array(RUN_KEYS_BYTES_MAX);

/** What of the requests is taken. */
export interface ReadBounds {
  readonly countMax: number;
  readonly keyBytesMax: number;
}

/** The keys of the requests, in bytes of their own. */
export class ReadRun {
  readonly name: string;
  /** Of the requests on the wire. */
  readonly requestBytes: number;
  readonly #keys: Uint8Array;
  /** Where each key ends. */
  readonly #ends: readonly number[];
  readonly #key = new Span();

  constructor(keys: Uint8Array, { name, requestBytes, ends }: Pick<ReadRun, "name" | "requestBytes"> & {
    readonly ends: readonly number[];
  }) {
    this.name = name;
    this.requestBytes = requestBytes;
    this.#keys = keys;
    this.#ends = ends;
  }

  /** Number of requests. */
  get count(): number {
    return this.#ends.length;
  }

  /** The words of the request at a place. */
  wordsAt(place: number): Words {
    return [this.name, bytesToString(this.#keys, this.#ends[place - 1] ?? 0, this.#ends[place] ?? 0)];
  }

  /** The replies from the state as it is now; undefined when they are too long to be made at once. */
  answer(node: Pick<RunNode, "lookUp">, version: RespVersion): string | undefined {
    let end = 0;
    let isTooLong = false;
    node.lookUp(this.#eachKey(), (value) => {
      isTooLong ||= end + (value?.length ?? 0) + REPLY_OVERHEAD_BYTES > RUN_REPLY_BYTES_MAX;
      if (!isTooLong) end = writeReply(end, value ?? NULLS[version]);
    });
    return isTooLong ? undefined : bytesToString(replies, 0, end);
  }

  *#eachKey(): Iterable<Span> {
    let start = 0;
    for (const end of this.#ends) {
      yield this.#key.set(this.#keys, start, end);
      start = end;
    }
  }
}

/** The run with which some input begins; undefined when that is not at least two whole requests. */
export function readReadRun(input: Span, { countMax, keyBytesMax }: ReadBounds): ReadRun | undefined {
  const form = FORMS.find(({ head }) => new BulkReader(input).passes(head));
  if (form === undefined) return undefined;
  const { name, head } = form;
  const reader = new BulkReader(input);
  const ends: number[] = [];
  const key = new Span();
  let behind = input.start;
  for (let end = 0; ends.length < countMax && reader.passes(head) && reader.passesWord(keyBytesMax);) {
    key.set(reader.bytes, reader.start, reader.end);
    if (end + key.length > RUN_KEYS_BYTES_MAX) break;
    key.copyTo(keys, end);
    end += key.length;
    ends.push(end);
    behind = reader.at;
  }
  if (ends.length < 2) return undefined;
  return new ReadRun(keys.slice(0, ends.at(-1)), { name, requestBytes: behind - input.start, ends });
}

/** Writes a value as a reply, or the reply that says that there is none; the place behind it. */
function writeReply(at: number, value: Span | Uint8Array): number {
  if (value instanceof Uint8Array) {
    replies.set(value, at);
    return at + value.length;
  }
  const { length } = value;
  let to = at;
  replies[to++] = DOLLAR;
  let scale = 1;
  while (scale * 10 <= length) scale *= 10;
  for (; scale >= 1; scale = Math.floor(scale / 10)) replies[to++] = ZERO + Math.floor(length / scale) % 10;
  replies[to++] = CARRIAGE_RETURN;
  replies[to++] = LINE_FEED;
  value.copyTo(replies, to);
  to += length;
  replies[to++] = CARRIAGE_RETURN;
  replies[to++] = LINE_FEED;
  return to;
}
