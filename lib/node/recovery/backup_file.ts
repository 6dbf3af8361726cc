/** Reads the file of a backup, from front to end: every checksum, and every record as a start would load it. */

import { assert } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import { CorruptionError, FormatVersionError } from "../../base/errors.ts";
import type { Compression } from "../../storage/block_codec.ts";
import { isKeyBlock, readKeyBlock } from "../../kv/snapshot_blocks.ts";
import type { StateMachine } from "../../kv/state_machine.ts";
import {
  readSnapshot,
  type SnapshotHead,
  type SnapshotInput,
  type SnapshotSummary,
} from "../../storage/snapshot_format.ts";
import { checkLevel } from "../../storage/version_check.ts";
import { knownContents } from "../known_contents.ts";
import { inSlices, loadState } from "../snapshots/load_state.ts";
import { Pace } from "../snapshots/pace.ts";

/** What a backup is read with. */
export interface BackupReading {
  readonly clock: Clock;
  /** A number in [0, 1). */
  random(): number;
}

/** A backup that is whole. */
export interface LoadedBackup {
  readonly summary: SnapshotSummary;
  readonly state: StateMachine;
}

/** What people are told of a backup; JSON-able. */
export interface BackupFacts {
  /** Null where it was taken before the cluster had an id. */
  readonly clusterId: string | null;
  /** The last entry that it includes, whose index is its revision. */
  readonly index: number;
  readonly term: number;
  /** The cluster's time as of that entry, in ms since 1970; 0 where nothing told it. */
  readonly timeMs: number;
  readonly keys: number;
  /** Keys with a deadline, whether or not it has passed. */
  readonly expiring: number;
  /** Bytes of keys and values. */
  readonly keyBytes: number;
  readonly sessions: number;
  readonly users: number;
  /** As the nodes show it that have applied the same entries. */
  readonly digest: string;
  readonly blocks: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly compression: Compression;
  /** Of the blocks before they were compressed. */
  readonly plainBytes: number;
}

/**
 * Loads all of `file`, which takes as much memory as a node does. Rejects with `CorruptionError`, which says where, and with
 * `FormatVersionError` for a file, a state or a level of the cluster that this program does not read.
 */
export async function loadBackup(file: SnapshotInput, { clock, random }: BackupReading): Promise<LoadedBackup> {
  let summary: SnapshotSummary | undefined;
  const source = {
    *blocks() {
      summary = yield* checkVersions(file);
    },
  };
  const word = () => Math.floor(random() * 2 ** 32);
  const state = await loadState(source, { clock, seed: [word(), word()], directory: file.path });
  if (summary !== undefined && state.lastApplied === summary.lastIncluded.index) return { summary, state };
  throw new CorruptionError(file.path, { offset: 0, what: "the state in it is of another index than the file" });
}

/** The blocks, once it is known that this program understands them. */
function* checkVersions(file: SnapshotInput): Generator<Uint8Array, SnapshotSummary> {
  const contents = knownContents();
  const onHead = ({ configuration }: SnapshotHead) =>
    checkLevel(configuration, { contents, file: file.path, part: "the configuration in it" });
  const blocks = readSnapshot(file, onHead);
  for (let isFirst = true;; isFirst = false) {
    const step = blocks.next();
    if (step.done === true) return step.value;
    const { known, find } = contents.state;
    const version = isFirst ? find(step.value) ?? known : known;
    if (version !== known) throw new FormatVersionError(file.path, { version, known, part: "the state in it" });
    yield step.value;
  }
}

/** What there is to tell of it. */
export function describeBackup({ summary, state }: LoadedBackup): BackupFacts {
  const { lastIncluded: { index, term }, configuration, blocks, bytes, compression, plainBytes } = summary;
  return {
    clusterId: configuration.clusterId ?? null,
    index,
    term,
    timeMs: state.timeMs,
    keys: state.size,
    expiring: state.expiring,
    keyBytes: state.bytes,
    sessions: state.sessions,
    users: state.users.size,
    digest: state.digest,
    blocks,
    bytes,
    compression,
    plainBytes,
  };
}

/** What can be told of a backup without loading it. */
export type BackupOutline = Pick<
  BackupFacts,
  "clusterId" | "index" | "term" | "keys" | "keyBytes" | "blocks" | "bytes"
>;

/** Verifies every checksum, and counts the keys. Throws as `loadBackup` rejects, but for what only a state can tell. */
export function outlineBackup(file: SnapshotInput): BackupOutline {
  const steps = outlineSteps(file);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same beside nodes that may run on this machine: in short pieces, with long rests. Rejects as `outlineBackup` throws. */
export async function outlineGently(file: SnapshotInput, clock: Clock): Promise<BackupOutline> {
  const steps = outlineSteps(file);
  let outline: BackupOutline | undefined;
  await inSlices(clock, () => {
    const step = steps.next();
    if (step.done === true) outline = step.value;
    return step.done !== true;
  }, new Pace({ clock, isForBackup: () => true }));
  assert(outline !== undefined, "Cannot outline a backup: its last piece tells nothing");
  return outline;
}

/** A step for each block. */
function* outlineSteps(file: SnapshotInput): Generator<undefined, BackupOutline> {
  const blocks = checkVersions(file);
  let [keys, keyBytes] = [0, 0];
  for (;; yield) {
    const step = blocks.next();
    if (step.done === true) {
      const { lastIncluded: { index, term }, configuration, blocks, bytes } = step.value;
      return { clusterId: configuration.clusterId ?? null, index, term, keys, keyBytes, blocks, bytes };
    }
    if (!isKeyBlock(step.value)) continue;
    const isWhole = readKeyBlock(step.value, ({ key, value }) => {
      keys += 1;
      keyBytes += key.length + value.length;
      return true;
    });
    if (!isWhole) throw new CorruptionError(file.path, { offset: 0, what: "a block of keys cannot be read" });
  }
}
