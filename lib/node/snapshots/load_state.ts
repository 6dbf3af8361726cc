/** Loads the state of a snapshot while the node goes on serving. */

import { type Clock, nextTurn } from "../../base/clock.ts";
import { CorruptionError } from "../../base/errors.ts";
import { fault } from "../../base/faults.ts";
import { SnapshotLoader } from "../../kv/snapshot_loader.ts";
import { StateMachine } from "../../kv/state_machine.ts";
import type { SnapshotSource } from "../../storage/storage.ts";
import type { Seed } from "../../store/key_hash.ts";
import { SNAPSHOT_SLICE_MS } from "../limits.ts";

/** Where the file is, and how time passes. */
export interface LoadParts {
  readonly clock: Clock;
  /** For the hash of keys. */
  readonly seed: Seed;
  /** For the error that names what is damaged: a directory, or the file of a backup. */
  readonly directory: string;
  /** Ms of work between two turns of the event loop; short enough for a node that serves when left out. */
  readonly sliceMs?: number;
}

/**
 * The state in `source`, an empty one where there is none. Rejects with `CorruptionError` for what cannot be read. Once
 * `isClosed` it ends early, with a part of the state.
 */
export async function loadState(
  source: Pick<SnapshotSource, "blocks"> | undefined,
  { clock, seed, directory, sliceMs = SNAPSHOT_SLICE_MS }: LoadParts,
  isClosed = () => false,
): Promise<StateMachine> {
  const state = new StateMachine(seed);
  if (source === undefined) return state;
  const loader = new SnapshotLoader(state);
  const blocks = source.blocks()[Symbol.iterator]();
  let block: Uint8Array | undefined;
  const unreadable = () =>
    new CorruptionError(directory, { offset: 0, what: "the snapshot's content is not of a known form" });
  await inSlices(clock, () => {
    // With a long value to read a block and to load it take some 10 ms each: two steps.
    const read = block;
    block = undefined;
    if (read !== undefined) {
      if (!loader.load(read)) throw unreadable();
      return true;
    }
    const next = blocks.next();
    if (next.done === true || isClosed()) return false;
    block = next.value;
    return true;
  }, { sliceMs });
  if (!isClosed() && !loader.finish()) throw unreadable();
  return state;
}

/** How work is cut into slices. */
export interface SlicePace {
  /** Ms of work in the next slice; read again for each. */
  readonly sliceMs: number;
  /** What is awaited after a slice of so many ms; a turn of the event loop when left out. */
  rest?(workedMs: number): Promise<void>;
}

/** Repeats `step` until it is false, with a rest after every slice. Rejects as `step` throws. */
export async function inSlices(clock: Clock, step: () => boolean, pace: SlicePace): Promise<void> {
  for (;;) {
    const begun = clock.now();
    const { sliceMs } = pace;
    let workedMs = 0;
    do {
      if (!step()) return;
      workedMs = clock.now() - begun;
    } while (workedMs < sliceMs && !fault("node/sliceOfOne"));
    await (pace.rest?.(workedMs) ?? nextTurn(clock));
  }
}
