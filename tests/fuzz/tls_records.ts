/** Handshakes of TLS that nobody means: what a program has sent, cut, changed, reordered, repeated and blown up. */

import type { Random } from "../../lib/base/random.ts";
import { anyBytes, mutate } from "./mutators.ts";
import { randomSplit } from "./splits.ts";

const HEAD_BYTES = 5;
/** The longest payload of a record. */
const PAYLOAD_BYTES_MAX = 16_384;
const HANDSHAKE = "\x16\x03\x01";
/** Change of cipher, alert, handshake, data, heartbeat, and one that there is none of. */
const TYPES: readonly string[] = ["\x14", "\x15", "\x16", "\x17", "\x18", "\x99"];
/** The length of a message that fills them is far more than a handshake may take. */
const LONG_RECORDS_MAX = 24;
const TINY_RECORDS_MAX = 400;

/** What a client does on one connection. */
export interface Attempt {
  /** How it was made. */
  readonly way: string;
  /** Written one after the other. */
  readonly pieces: readonly string[];
  /** Says that nothing more comes, waits for ever, or is gone. */
  readonly then: "EndsInput" | "Waits" | "Leaves";
}

type Way = (records: readonly string[], random: Random) => string;

const WAYS: Readonly<Record<string, Way>> = {
  whole: (records) => records.join(""),
  "the beginning": ([hello = ""], random) => hello.slice(0, random.between(1, hello.length)),
  changed: (records, random) => {
    const at = random.below(records.length);
    return records.map((record, each) => each === at ? keepType(mutate(record, random)) : record).join("");
  },
  "changed within its record": ([hello = "", ...more], random) => {
    return [recordOf(mutate(hello.slice(HEAD_BYTES), random)), ...more].join("");
  },
  "in another order": (records, random) => {
    return Array.from({ length: random.between(2, 6) }, () => random.pick(records)).join("");
  },
  "in many records": ([hello = ""], random) => {
    const most = random.pick([1, 3, 20, 200]);
    const pieces: string[] = [];
    for (let at = HEAD_BYTES; at < hello.length; at += most) {
      pieces.push(recordOf(hello.slice(at, at + most)));
      if (random.chance(0.1)) pieces.push(recordOf(""));
    }
    return pieces.join("");
  },
  "too long for a record": ([hello = ""], random) => {
    const length = random.between(PAYLOAD_BYTES_MAX + 1, 65_535);
    const payload = hello.slice(HEAD_BYTES).padEnd(random.pick([0, 100, length]), "\0");
    return `${HANDSHAKE}${number16(length)}${payload}`;
  },
  "too long for a message": (_, random) => {
    const head = `\x01${random.pick(["\xff\xff\xff", "\x7f\xff\xff", "\x02\x00\x00"])}`;
    const rest = Array.from({ length: random.between(1, LONG_RECORDS_MAX) }, () => {
      return recordOf("\0".repeat(PAYLOAD_BYTES_MAX));
    });
    return [recordOf(head), ...rest].join("");
  },
  "many tiny records": (_, random) => {
    const count = random.between(1, TINY_RECORDS_MAX);
    const tiny = () => `${random.pick(TYPES)}\x03\x03${number16(1)}${random.pick(["\0", "\x01", "\xff"])}`;
    return keepType(Array.from({ length: count }, tiny).join(""));
  },
  junk: (_, random) => `\x16${anyBytes(random, 2_000)}`,
};

/** The ways in which attempts are made. */
export const ATTEMPT_WAYS: readonly string[] = Object.keys(WAYS);

/** An attempt, made from what a program has sent, record by record. */
export function makeAttempt(records: readonly string[], random: Random): Attempt {
  const way = random.pick(ATTEMPT_WAYS);
  const bytes = WAYS[way]?.(records, random) ?? "";
  const pieces = random.chance(0.5) ? [bytes] : randomSplit(bytes, random).slice(0, PIECES_MAX);
  const then = random.pick(["EndsInput", "EndsInput", "Waits", "Leaves"] as const);
  return { way, pieces, then };
}

/** The records that bytes consist of; what is left behind the last whole one is one more. */
export function recordsOf(bytes: string): readonly string[] {
  const records: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = HEAD_BYTES + (bytes.charCodeAt(at + 3) << 8) + bytes.charCodeAt(at + 4);
    records.push(bytes.slice(at, at + length));
    at += length;
  }
  return records;
}

const PIECES_MAX = 50;

/** What begins otherwise is no TLS, and has tests of its own. */
function keepType(bytes: string): string {
  return `\x16${bytes.slice(1)}`;
}

function recordOf(payload: string): string {
  return `${HANDSHAKE}${number16(Math.min(payload.length, 65_535))}${payload}`;
}

function number16(value: number): string {
  return String.fromCharCode(value >> 8, value & 0xff);
}
