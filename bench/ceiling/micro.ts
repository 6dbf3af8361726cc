/**
 * The store of the ceiling alone, or a Map of strings in its place: nanoseconds of each operation and the memory that it took. A
 * process for each, since their memory is compared.
 *
 *     deno run -A bench/ceiling/micro.ts [KEYS] [--map]
 */

import { bytesToString } from "../../lib/base/bytes.ts";
import { Random } from "../../lib/base/random.ts";
import { print } from "../support/print.ts";
import { ByteStore } from "./store.ts";

const KEYS = 1_000_000;
const OPERATIONS = 3_000_000;
const KEY_BYTES = 16;
const VALUE_BYTES = 64;
const MEBIBYTE = 1_048_576;

/** What is measured: both do the same. */
interface Candidate {
  readonly name: string;
  /** The key and its value stand in `source`. */
  put(source: Uint8Array, revision: number): void;
  has(source: Uint8Array): boolean;
}

function byteStore(): Candidate {
  const store = new ByteStore();
  return {
    name: "byte store",
    put: (source, revision) => store.put(source, 0, KEY_BYTES, KEY_BYTES, VALUE_BYTES, revision),
    has: (source) => store.find(source, 0, KEY_BYTES),
  };
}

function mapOfStrings(): Candidate {
  const map = new Map<string, { value: string; revision: number; createRevision: number; version: number }>();
  return {
    name: "Map of strings",
    put(source, revision) {
      const key = bytesToString(source, 0, KEY_BYTES);
      const value = bytesToString(source, KEY_BYTES, KEY_BYTES + VALUE_BYTES);
      const cell = map.get(key);
      if (cell === undefined) {
        map.set(key, { value, revision, createRevision: revision, version: 1 });
        return;
      }
      cell.value = value;
      cell.revision = revision;
      cell.version += 1;
    },
    has: (source) => map.has(bytesToString(source, 0, KEY_BYTES)),
  };
}

/** A key and a value; the key is written anew for each operation. */
class Source {
  readonly bytes = new Uint8Array(KEY_BYTES + VALUE_BYTES).fill(120);

  constructor() {
    new TextEncoder().encodeInto("key:", this.bytes);
  }

  set(key: number): void {
    let left = key;
    for (let at = KEY_BYTES - 1; at >= 4; at--) {
      this.bytes[at] = 48 + left % 10;
      left = Math.floor(left / 10);
    }
  }
}

function timed(name: string, count: number, run: () => void): void {
  const from = performance.now();
  run();
  const ms = performance.now() - from;
  print(`${name}: ${(ms * 1_000_000 / count).toFixed(0)} ns each`);
}

function main(): void {
  const keys = Number(Deno.args.find((word) => /^\d+$/.test(word)) ?? KEYS);
  const random = new Random(1);
  const order = new Uint32Array(OPERATIONS).map(() => random.below(keys));
  const source = new Source();
  const before = Deno.memoryUsage().rss;
  const candidate = Deno.args.includes("--map") ? mapOfStrings() : byteStore();
  print(`${candidate.name}, ${keys} keys`);
  timed("making a key, part of all that follows", OPERATIONS, () => order.forEach((key) => source.set(key)));
  let longestMs = 0;
  timed("new keys", keys, () => {
    for (let key = 0; key < keys; key++) {
      source.set(key);
      const from = performance.now();
      candidate.put(source.bytes, key);
      longestMs = Math.max(longestMs, performance.now() - from);
    }
  });
  timed("overwrites", OPERATIONS, () =>
    order.forEach((key, at) => {
      source.set(key);
      candidate.put(source.bytes, at);
    }));
  let found = 0;
  timed("lookups", OPERATIONS, () =>
    order.forEach((key) => {
      source.set(key);
      if (candidate.has(source.bytes)) found += 1;
    }));
  if (found !== OPERATIONS) throw new Error(`Only ${found} of ${OPERATIONS} keys were found`);
  const grown = (Deno.memoryUsage().rss - before) / MEBIBYTE;
  print(`longest insertion ${longestMs.toFixed(2)} ms, resident memory grew by ${grown.toFixed(0)} MiB`);
}

if (import.meta.main) main();
