/** The ceiling must do the work that it is measured for: what it stores, reads and sends is held against simple models. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { encodeRequest } from "../../tests/support/resp/encode.ts";
import { applyBatch, BATCH_HEAD_BYTES, CONFIRM, isIntact, kindOf, numberIn, sealBatch, ShortFrame } from "./frame.ts";
import { copyBytes, writeUint32 } from "./bytes.ts";
import { RequestReader } from "./request.ts";
import { HEAD_BYTES } from "./shard.ts";
import { ByteStore } from "./store.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function valueOf(store: ByteStore, key: string): string | undefined {
  const bytes = encoder.encode(key);
  if (!store.find(bytes, 0, bytes.length)) return undefined;
  const start = store.record + HEAD_BYTES + bytes.length;
  return decoder.decode(store.shard.bytes.slice(start, start + store.shard.valueBytes(store.record)));
}

function put(store: ByteStore, { key, value, revision }: { key: string; value: string; revision: number }): void {
  const bytes = encoder.encode(key + value);
  store.put(bytes, 0, key.length, key.length, value.length, revision);
}

Deno.test("the byte store holds what a Map holds, through growth and through values that outgrow their room", () => {
  const random = new Random(1);
  const store = new ByteStore();
  const model = new Map<string, string>();
  for (let revision = 1; revision <= 30_000; revision++) {
    const key = `key:${random.below(8_000)}`;
    const value = String(revision).padEnd(random.below(300), "x");
    put(store, { key, value, revision });
    model.set(key, value);
  }
  assertEquals(store.size, model.size);
  for (const [key, value] of model) assertEquals(valueOf(store, key), value, key);
  for (const key of ["", "key:", "key:8000", "key:1x"]) assertEquals(valueOf(store, key), undefined, key);
  put(store, { key: "", value: "", revision: 1 });
  assertEquals(valueOf(store, ""), "");
});

Deno.test("a request is read wherever its bytes were cut", () => {
  const text = [["SET", "key", "a\r\nb"], ["GET", ""], ["CONFIG", "GET", "save", "x"]].map((words) => {
    return encodeRequest(...words);
  });
  const bytes = encoder.encode(text.join(""));
  const reader = new RequestReader();
  const ends = text.map((_, at) => text.slice(0, at + 1).join("").length);
  for (let end = 0; end <= bytes.length; end++) {
    let at = 0;
    const read: number[] = [];
    for (let next = 0; at < end && next >= 0;) {
      // What lies behind the end is from an older read.
      next = reader.read(bytes, at, end);
      if (next >= 0) read.push(at = next);
    }
    assertEquals(read, ends.filter((one) => one <= end), `cut at ${end}`);
  }
  assertEquals(reader.read(bytes, 0, bytes.length), ends[0]);
  const word = (at: number) => {
    const start = reader.starts[at] ?? 0;
    return decoder.decode(bytes.subarray(start, start + (reader.lengths[at] ?? 0)));
  };
  assertEquals([0, 1, 2].map(word), ["SET", "key", "a\r\nb"]);
});

Deno.test("a batch is applied as it was gathered, and is known when it was damaged", () => {
  const bytes = new Uint8Array(1_024);
  let end = BATCH_HEAD_BYTES;
  for (const [key, value] of [["a", "1"], ["bb", ""], ["a", "x".repeat(250)]] as const) {
    writeUint32(bytes, end, key.length);
    writeUint32(bytes, end + 4, value.length);
    const words = encoder.encode(key + value);
    copyBytes(words, 0, words.length, bytes, end + 8);
    end += 8 + words.length;
  }
  const number = 2 ** 40 + 1;
  sealBatch(bytes, end, { number, committed: 7 });
  const frame = bytes.subarray(0, end);
  assert(isIntact(frame));
  assertEquals([numberIn(frame), numberIn(frame, 16)], [number, 7]);
  const store = new ByteStore();
  assertEquals(applyBatch(store, bytes, { length: end, index: 10 }), 13);
  assertEquals([valueOf(store, "a"), valueOf(store, "bb"), store.size], ["x".repeat(250), "", 2]);
  bytes[end - 1] = 0;
  assertEquals(isIntact(frame), false);
  const confirm = new ShortFrame().set(CONFIRM, number);
  assertEquals([kindOf(confirm), numberIn(confirm)], [CONFIRM, number]);
});
