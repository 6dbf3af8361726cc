/** States of tests, and the bytes that they are given. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { type BlockRecord, isKeyBlock, KeyBlock, readKeyBlock } from "../../lib/kv/snapshot_blocks.ts";
import { SnapshotLoader } from "../../lib/kv/snapshot_loader.ts";
import { StateMachine } from "../../lib/kv/state_machine.ts";
import { Span } from "../../lib/store/span.ts";

/** An empty state, with a seed of its own or that of every other. */
export function emptyState(seed = 1): StateMachine {
  return new StateMachine([seed, 2]);
}

/** A command, or whatever stands in the place of one, as the log has it. */
export function spanOf(text: string): Span {
  return Span.of(stringToBytes(text));
}

/** A copy of every block of a snapshot of the state as it is now. */
export function blocksOf(state: StateMachine): Uint8Array[] {
  const cut = state.cut();
  const blocks: Uint8Array[] = [];
  for (let block = cut.next(); block !== undefined; block = cut.next()) blocks.push(block.slice());
  cut.close();
  return blocks;
}

/** The state that the blocks hold; undefined when one of them is refused. */
export function stateOf(blocks: readonly Uint8Array[]): StateMachine | undefined {
  const state = emptyState(7);
  const loader = new SnapshotLoader(state);
  return blocks.every((block) => loader.load(block)) && loader.finish() ? state : undefined;
}

/** Everything that blocks hold, as text: equal for equal states, in whatever order their keys lie in memory. */
export function contentOf(blocks: readonly Uint8Array[]): string {
  const keys: unknown[][] = [];
  const others: string[] = [];
  for (const block of blocks) {
    if (!isKeyBlock(block)) others.push(bytesToString(block));
    else readKeyBlock(block, (record) => keys.push(listOf(record)) > 0);
  }
  keys.sort(([left], [right]) => String(left) < String(right) ? -1 : 1);
  return JSON.stringify([others, keys]);
}

function listOf({ key, value, createRevision, revision, version, deadline }: BlockRecord): unknown[] {
  return [textOf(key), textOf(value), createRevision, revision, version, deadline];
}

function textOf({ bytes, start, end }: Span): string {
  return bytesToString(bytes, start, end);
}

/** A block of these keys, each as key, value, create revision, revision, version, deadline. */
export function keyBlockOf(
  ...keys: readonly (readonly [string, string, number, number, number, number])[]
): Uint8Array {
  const block = new KeyBlock();
  for (const [key, value, createRevision, revision, version, deadline] of keys) {
    block.add({ key: spanOf(key), value: spanOf(value), createRevision, revision, version, deadline });
  }
  return block.take().slice();
}
