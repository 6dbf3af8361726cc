/**
 * Entries of one term in a row, as the bytes in which they are written, sent and applied: nothing is encoded twice.
 *
 *     an entry:  offset 0  kind: "C" a command, "N" a no-op, "F" a configuration
 *                       1  length of what follows, 4 bytes, little-endian
 *                       5  the command; nothing; the configuration as JSON in ASCII
 */

import { assert } from "../base/assert.ts";
import { bytesToString, writeString } from "../base/bytes.ts";
import { decodeConfiguration } from "./configuration_codec.ts";
import { type Configuration, type Entry, type EntryId, type Index, type Term, toIndex } from "./types.ts";

/** Bytes of an entry before its content. */
export const ENTRY_HEAD_BYTES = 5;

const COMMAND = 0x43;
const NO_OP = 0x4e;
const CONFIGURATION = 0x46;
const BEYOND_ASCII = /[\u007f-\uffff]/g;
const NO_CONFIGURATIONS: readonly PlacedConfiguration[] = Object.freeze([]);

/** Commands in the form of a run, without a place in the log. */
export interface Commands {
  /** At least one. */
  readonly count: number;
  /** Nobody changes these bytes again. */
  readonly body: Uint8Array;
}

/** A configuration and the index of its entry. */
export interface PlacedConfiguration {
  readonly index: Index;
  readonly configuration: Configuration;
}

/** Bounds of one message. */
export interface RunLimits {
  readonly entriesPerMessageMax: number;
  readonly bytesPerMessageMax: number;
}

interface RunParts extends Commands {
  readonly first: EntryId;
  readonly configurations: readonly PlacedConfiguration[];
}

/** One command, or several that are in the form of a run already. */
export type CommandPart = string | Commands;

/** The form of commands in a run, in order. */
export function encodeCommands(parts: readonly CommandPart[]): Commands {
  const bodies: Uint8Array[] = [];
  let texts: string[] = [];
  let count = 0;
  for (const part of parts) {
    if (typeof part === "string") {
      texts.push(part);
      count += 1;
      continue;
    }
    if (texts.length > 0) bodies.push(layOut(texts, () => COMMAND));
    texts = [];
    bodies.push(part.body);
    count += part.count;
  }
  if (texts.length > 0 || bodies.length === 0) bodies.push(layOut(texts, () => COMMAND));
  return { count, body: concatenate(bodies) };
}

/** The first command, and what follows it; undefined for nothing. */
export function splitFirst(part: CommandPart): readonly [first: string, rest: CommandPart | undefined] {
  if (typeof part === "string") return [part, undefined];
  const { count, body } = part;
  const reader = new EntryReader(body);
  reader.next();
  const rest = count === 1 ? undefined : { count: count - 1, body: body.subarray(reader.end) };
  return [bytesToString(body, reader.start, reader.end), rest];
}

/** Writes the head of an entry for a command of so many bytes; the place behind it. */
export function writeCommandHead(
  body: Uint8Array,
  { at, bytes }: { readonly at: number; readonly bytes: number },
): number {
  writeHead(body, { at, kind: COMMAND, bytes });
  return at + ENTRY_HEAD_BYTES;
}

/** What `encodeCommands` was given. */
export function decodeCommands({ body }: Commands): string[] {
  const reader = new EntryReader(body);
  const commands: string[] = [];
  while (reader.next()) commands.push(bytesToString(body, reader.start, reader.end));
  return commands;
}

/**
 * A run: at least one entry, indexes without a gap from `first` on, one term. Immutable, its bytes too.
 *
 * A part of a run shares its bytes. Where each entry begins is found out once, when somebody needs a part.
 */
export class Run {
  readonly first: EntryId;
  readonly count: number;
  readonly body: Uint8Array;
  /** The configurations among the entries, in order. */
  readonly configurations: readonly PlacedConfiguration[];
  #starts: Uint32Array | undefined;

  private constructor({ first, count, body, configurations }: RunParts) {
    this.first = first;
    this.count = count;
    this.body = body;
    this.configurations = configurations;
  }

  /** Reads bytes from a peer or a disk, which are kept and not copied; undefined when they are not entries. */
  static parse(first: EntryId, body: Uint8Array): Run | undefined {
    const reader = new EntryReader(body);
    const configurations: PlacedConfiguration[] = [];
    let count = 0;
    while (reader.next()) {
      if (reader.kind === CONFIGURATION) {
        const configuration = decodeConfiguration(parseJson(bytesToString(body, reader.start, reader.end)));
        if (configuration === undefined) return undefined;
        configurations.push({ index: toIndex(first.index + count), configuration });
      } else if (reader.kind !== COMMAND && !(reader.kind === NO_OP && reader.start === reader.end)) return undefined;
      count += 1;
    }
    if (count === 0 || !reader.isAtEnd || !Number.isSafeInteger(first.index + count)) return undefined;
    return new Run({
      first,
      count,
      body,
      configurations: configurations.length > 0 ? configurations : NO_CONFIGURATIONS,
    });
  }

  /** Commands that get their place in the log. */
  static ofCommands(first: EntryId, { count, body }: Commands): Run {
    return new Run({ first, count, body, configurations: NO_CONFIGURATIONS });
  }

  /** The run of `entries`: at least one, of one term, without a gap. */
  static of(entries: readonly Entry[]): Run {
    const [first] = entries;
    assert(first !== undefined, "Cannot make a run of no entries");
    const configurations: PlacedConfiguration[] = [];
    for (const [place, entry] of entries.entries()) {
      const follows = entry.index === first.index + place && entry.term === first.term;
      assert(follows, `Cannot put entry ${entry.index}/${entry.term} into a run from ${first.index}/${first.term} on`);
      if (entry.type === "Configuration") {
        configurations.push({ index: entry.index, configuration: entry.configuration });
      }
    }
    const body = layOut(entries.map(contentOf), (place) => kindOf(entries[place] ?? first));
    return new Run({ first: { index: first.index, term: first.term }, count: entries.length, body, configurations });
  }

  /** One run of several of one term that follow each other; their bytes are copied. */
  static join(runs: readonly Run[]): Run {
    const [head] = runs;
    assert(head !== undefined, "Cannot join no runs");
    if (runs.length === 1) return head;
    let count = 0;
    for (const run of runs) {
      assert(run.first.index === head.first.index + count && run.term === head.term, "Cannot join runs with a gap");
      count += run.count;
    }
    const body = concatenate(runs.map((run) => run.body));
    return new Run({ first: head.first, count, body, configurations: runs.flatMap((run) => run.configurations) });
  }

  get firstIndex(): Index {
    return this.first.index;
  }

  get lastIndex(): Index {
    return toIndex(this.first.index + this.count - 1);
  }

  get term(): Term {
    return this.first.term;
  }

  get last(): EntryId {
    return { index: this.lastIndex, term: this.term };
  }

  /** Whether it is the entry with which a leader begins its term, alone. */
  get isNoOp(): boolean {
    return this.count === 1 && this.body[0] === NO_OP;
  }

  /** Bytes of the entries, heads included: what they count towards limits. */
  get bytes(): number {
    return this.body.length;
  }

  /** The entries `from` to `to`, both included. The whole run is itself. */
  slice(from: number, to: number): Run {
    if (from === this.firstIndex && to === this.lastIndex) return this;
    const first = { index: toIndex(from), term: this.term };
    const body = this.body.subarray(this.#startOf(from), this.#startOf(to + 1));
    const configurations = this.configurations.filter(({ index }) => index >= from && index <= to);
    return new Run({ first, count: to - from + 1, body, configurations });
  }

  /** Bytes of the entries `from` to `to`, both included. */
  bytesBetween(from: number, to: number): number {
    return this.#startOf(to + 1) - this.#startOf(from);
  }

  /** The last index of the entries from `from` on that one message may hold; at least `from` itself. */
  lastWithin(from: number, { entriesPerMessageMax, bytesPerMessageMax }: RunLimits): Index {
    let last = Math.min(this.lastIndex, from + entriesPerMessageMax - 1);
    if (from === this.firstIndex && last === this.lastIndex && this.bytes <= bytesPerMessageMax) return toIndex(last);
    while (last > from && this.bytesBetween(from, last) > bytesPerMessageMax) last -= 1;
    return toIndex(last);
  }

  /** Each entry for itself, decoded anew. */
  entries(): Entry[] {
    const { body, term } = this;
    const reader = new EntryReader(body);
    const entries: Entry[] = [];
    let placed = 0;
    for (let index = this.firstIndex; reader.next(); index = toIndex(index + 1)) {
      const configuration = this.configurations[placed]?.configuration;
      if (reader.kind === COMMAND) {
        entries.push({ type: "Command", index, term, command: bytesToString(body, reader.start, reader.end) });
      } else if (reader.kind === CONFIGURATION && configuration !== undefined) {
        entries.push({ type: "Configuration", index, term, configuration });
        placed += 1;
      } else entries.push({ type: "NoOp", index, term });
    }
    return entries;
  }

  /** Where the entry at `index` begins in the body; the body's end for the index behind the last. */
  #startOf(index: number): number {
    if (index === this.firstIndex) return 0;
    if (index === this.lastIndex + 1) return this.body.length;
    this.#starts ??= this.#findStarts();
    const start = this.#starts[index - this.firstIndex];
    assert(start !== undefined && index > this.firstIndex, "Cannot look outside a run");
    return start;
  }

  #findStarts(): Uint32Array {
    const starts = new Uint32Array(this.count);
    const reader = new EntryReader(this.body);
    for (let at = 0; reader.next(); at++) starts[at] = reader.start - ENTRY_HEAD_BYTES;
    return starts;
  }
}

/** Finds one entry after the other in the body of a run. */
export class EntryReader {
  readonly #body: Uint8Array;
  /** Its first byte. */
  kind = 0;
  /** Where its content begins, and where it ends. */
  start = 0;
  end = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** Whether nothing is left behind the entry that was found last. */
  get isAtEnd(): boolean {
    return this.end === this.#body.length;
  }

  get isCommand(): boolean {
    return this.kind === COMMAND;
  }

  /** Goes on to the next entry; false when no whole one is left. */
  next(): boolean {
    const body = this.#body;
    const at = this.end;
    const start = at + ENTRY_HEAD_BYTES;
    if (start > body.length) return false;
    const [low = 0, second = 0, third = 0, high = 0] = [body[at + 1], body[at + 2], body[at + 3], body[at + 4]];
    const end = start + (low | second << 8 | third << 16) + high * 0x1000000;
    if (end > body.length) return false;
    this.kind = body[at] ?? 0;
    this.start = start;
    this.end = end;
    return true;
  }
}

/** Entries of these contents, one behind the other. */
function layOut(contents: readonly string[], kindAt: (place: number) => number): Uint8Array {
  // Made bytes all together: for each of many short commands that takes longer than everything else that is done with it here.
  const text = contents.join("");
  let from = ENTRY_HEAD_BYTES * contents.length;
  const body = new Uint8Array(from + text.length);
  writeString(text, body, from);
  let at = 0;
  for (const [place, { length }] of contents.entries()) {
    writeHead(body, { at, kind: kindAt(place), bytes: length });
    // To the left: what is not moved yet is never written over.
    body.copyWithin(at + ENTRY_HEAD_BYTES, from, from + length);
    at += ENTRY_HEAD_BYTES + length;
    from += length;
  }
  return body;
}

function writeHead(
  body: Uint8Array,
  { at, kind, bytes }: { readonly at: number; readonly kind: number; readonly bytes: number },
): void {
  body[at] = kind;
  body[at + 1] = bytes;
  body[at + 2] = bytes >>> 8;
  body[at + 3] = bytes >>> 16;
  body[at + 4] = bytes >>> 24;
}

/** Several buffers as one; a single one is itself. */
function concatenate(bodies: readonly Uint8Array[]): Uint8Array {
  const [only] = bodies;
  if (bodies.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(bodies.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const body of bodies) {
    whole.set(body, at);
    at += body.length;
  }
  return whole;
}

function kindOf({ type }: Entry): number {
  if (type === "Command") return COMMAND;
  return type === "NoOp" ? NO_OP : CONFIGURATION;
}

function contentOf(entry: Entry): string {
  if (entry.type === "Command") return entry.command;
  if (entry.type === "NoOp") return "";
  // An address is text and may hold what no byte can.
  return JSON.stringify(entry.configuration).replace(BEYOND_ASCII, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON: the answer is the same as for JSON of another shape.
  }
}
