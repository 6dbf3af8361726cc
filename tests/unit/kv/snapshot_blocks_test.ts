/** The keys of a block are told of ahead, so that the waits for what leads to their records overlap. */

import { assert, assertEquals } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { KeyBlock, readKeyBlock } from "../../../lib/kv/snapshot_blocks.ts";
import { EXPECTED_KEYS_MAX } from "../../../lib/store/expected_keys.ts";
import type { Span } from "../../../lib/store/span.ts";
import { span } from "../store/bytes.ts";

function blockOf(keys: number): Uint8Array {
  const block = new KeyBlock();
  for (let at = 1; at <= keys; at++) {
    block.add({ key: span(`k${at}`), value: span("v"), createRevision: at, revision: at, version: 1, deadline: 0 });
  }
  return block.take();
}

/** What happens while a block is read, in order: keys that are told of, that they are fetched, and records. */
function readingOf(block: Uint8Array): { readonly isWhole: boolean; readonly events: readonly string[] } {
  const events: string[] = [];
  const name = ({ bytes, start, end }: Span) => bytesToString(bytes, start, end);
  const isWhole = readKeyBlock(block, ({ key }) => events.push(name(key)) > 0, {
    add: (key) => void events.push(`+${name(key)}`),
    fetch: () => events.push("fetch"),
  });
  return { isWhole, events };
}

Deno.test("each key of a block is told of once, some records ahead and never more than are expected at once", () => {
  const keys = 2 * EXPECTED_KEYS_MAX + 3;
  const { isWhole, events } = readingOf(blockOf(keys));
  assert(isWhole);
  const wanted: string[] = [];
  for (let first = 1; first <= keys; first += EXPECTED_KEYS_MAX) {
    const names = Array.from({ length: Math.min(EXPECTED_KEYS_MAX, keys + 1 - first) }, (_, at) => `k${first + at}`);
    wanted.push(...names.map((key) => `+${key}`), "fetch", ...names);
  }
  assertEquals(events, wanted);
});

Deno.test("of a block that is cut off no key is told of that has no whole record", () => {
  const block = blockOf(3);
  for (let length = 1; length < block.length; length++) {
    const { isWhole, events } = readingOf(block.subarray(0, length));
    const taken = events.filter((event) => event.startsWith("k"));
    assertEquals(isWhole, taken.length > 0 && blockOf(taken.length).length === length);
    assertEquals(events.filter((event) => event.startsWith("+")), taken.map((key) => `+${key}`));
  }
});
