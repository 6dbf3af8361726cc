/** What random bytes of the longest value cost on their way: no step makes them longer, which is what JSON of them did. */

import { assert, assertEquals } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { encodeCommand, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import { SnapshotLoader } from "../../../lib/kv/snapshot_loader.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { decodeOutcome, encodeOutcome } from "../../../lib/node/writes/outcomes.ts";
import { Run } from "../../../lib/raft/run.ts";
import { type Entry, toIndex, toTerm } from "../../../lib/raft/types.ts";
import { encodeMessage } from "../../../lib/transport/codec.ts";
import { emptyState, spanOf } from "../../support/state.ts";

/** Beside the value: key, lengths, the list. */
const OVERHEAD_BYTES_MAX = 200;
const RANDOM_BYTES_MAX = 65_536;

function randomValue(): string {
  const drawn = new Uint8Array(VALUE_BYTES_MAX);
  for (let at = 0; at < drawn.length; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(drawn.subarray(at, at + RANDOM_BYTES_MAX));
  }
  return bytesToString(drawn);
}

const VALUE = randomValue();

function assertNotLonger(bytes: number): void {
  assert(bytes <= VALUE.length + OVERHEAD_BYTES_MAX, `${bytes} bytes of ${VALUE.length}`);
}

Deno.test("random bytes of the longest value get no longer in the log, between nodes, and on their way to the leader", () => {
  const command = encodeCommand({ type: "Call", call: ["SET", "k", VALUE] });
  const entries: readonly Entry[] = [{ type: "Command", index: toIndex(1), term: toTerm(1), command }];
  const { first, body } = Run.of(entries);
  assertNotLonger(body.length);
  assertEquals(Run.parse(first, body)?.entries(), entries);
  const forward = { type: "Forward", from: 0, to: 1, incarnation: 1, id: 1, after: 0, commands: [command] } as const;
  assertNotLonger(encodeMessage(forward).body.length);
});

Deno.test("random bytes of the longest value get no longer in a snapshot", () => {
  const state = emptyState();
  state.apply(1, spanOf(encodeCommand({ type: "Put", key: "k", value: VALUE })));
  const cut = state.cut();
  const loaded = emptyState();
  const loader = new SnapshotLoader(loaded);
  for (let block = cut.next(); block !== undefined; block = cut.next()) {
    assertNotLonger(block.length);
    assert(loader.load(block));
  }
  assert(loader.finish());
  assert(loaded.get("k")?.value === VALUE);
});

Deno.test("a reply of the longest value gets no longer on its way back to the node that forwarded", () => {
  const outcome: WriteOutcome = { type: "Done", result: { type: "Reply", revision: 7, reply: VALUE } };
  const text = encodeOutcome(outcome);
  assertNotLonger(text.length);
  assert(text.endsWith(VALUE));
  const back = decodeOutcome(text);
  assert(back.type === "Done" && back.result.type === "Reply" && back.result.reply === VALUE);
  for (const other of ["S", "S7", `S:${VALUE}`, `Sx:${VALUE}`, "S7:short", `S9007199254740993:${VALUE}`]) {
    assertEquals(decodeOutcome(other), { type: "Unknown" });
  }
});
