/** The receiver's side of InstallSnapshot (Raft 7): chunks in order, then the whole snapshot in place of the log. */

import { fault } from "../base/faults.ts";
import { acceptLeader } from "./append_entries.ts";
import { commitTo } from "./commit.ts";
import { type Core, isLeading, type Receiving } from "./core.ts";
import type { SnapshotInstalled, SnapshotRejected, SnapshotTaken } from "./events.ts";
import { isForeign } from "./founding.ts";
import type { InstallSnapshot } from "./messages.ts";
import { renewTransfers } from "./snapshot_transfer.ts";
import { assert } from "../base/assert.ts";
import { type EntryId, type Index, type NodeId, toIndex } from "./types.ts";

/** For a message of the current term: takes the chunk if it is the next one, and says which one is. */
export function handleInstallSnapshot(core: Core, message: InstallSnapshot): void {
  if (!isSound(message) || isForeign(core, message.configuration) || !acceptLeader(core, message.from)) return;
  core.following.round = Math.max(core.following.round, message.round);
  const { lastIncludedIndex } = message;
  if (lastIncludedIndex <= core.commitIndex) {
    // B12: nothing newer than what is here. Whether it is durable here is another question.
    const installed = lastIncludedIndex <= core.log.durableIndex;
    answer(core, { lastIncludedIndex, nextOffset: message.offset, installed });
    return;
  }
  const receiving = receiverFor(core, message);
  if (receiving === undefined) {
    // Another snapshot is being loaded, or the beginning of this one is missing.
    const nextOffset = core.receiving?.installing === true ? message.offset : 0;
    answer(core, { lastIncludedIndex, nextOffset, installed: false });
    return;
  }
  if (takeChunk(core, { receiving, message })) return;
  answer(core, { lastIncludedIndex, nextOffset: receiving.nextOffset, installed: false });
}

/** Refuses a message of an older term (Raft 5.1), so that its sender learns the new one. */
export function refuseStaleSnapshot(core: Core, message: InstallSnapshot): void {
  const { from: to, lastIncludedIndex } = message;
  const result = { lastIncludedIndex, nextOffset: 0, installed: false, rejected: false, round: 0 };
  core.outbox.sendWhenDurable({
    type: "InstallSnapshotResult",
    from: core.id,
    to,
    term: core.currentTerm,
    ...result,
  });
}

/** Raft 7: the snapshot is in the state machine; the log keeps what follows it, if it agrees with it. */
export function handleSnapshotInstalled(core: Core, { snapshot }: SnapshotInstalled): void {
  const { lastIncluded, configuration } = snapshot;
  endReceiving(core, lastIncluded);
  // B12: never back to an older state.
  if (lastIncluded.index <= core.appliedIndex) return;
  const { log } = core;
  if (log.termAt(lastIncluded.index) === lastIncluded.term) {
    // Raft figure 13, step 6: the same entry is in the log, so what follows it is good.
    if (isLeading(core) && lastIncluded.index > core.commitIndex) {
      core.roleState.uncommittedBytes -= log.bytesBetween(core.commitIndex + 1, lastIncluded.index);
    }
    log.dropThrough(lastIncluded.index);
  } else {
    assert(core.commitIndex < lastIncluded.index, "Cannot discard committed entries for a snapshot");
    log.reset(lastIncluded, configuration);
  }
  core.snapshot = snapshot;
  core.appliedIndex = lastIncluded.index;
  commitTo(core, lastIncluded.index);
  answer(core, { lastIncludedIndex: lastIncluded.index, nextOffset: snapshot.bytes, installed: true });
}

/** The received bytes are of no use: from the beginning again, when the leader finds it time. */
export function handleSnapshotRejected(core: Core, { lastIncluded }: SnapshotRejected): void {
  endReceiving(core, lastIncluded);
  answer(core, { lastIncludedIndex: lastIncluded.index, nextOffset: 0, installed: false, rejected: true });
}

/** Raft 7: this server's own snapshot covers the log up to its last included entry. */
export function handleSnapshotTaken(core: Core, { snapshot, keepFrom }: SnapshotTaken): void {
  const { lastIncluded } = snapshot;
  assert(lastIncluded.index <= core.appliedIndex, `Cannot take a snapshot at ${lastIncluded.index}: not applied`);
  assert(keepFrom <= lastIncluded.index + 1, `Cannot drop entries up to ${keepFrom}: the snapshot does not cover them`);
  // One received meanwhile may be newer. One at the same index took the place of a damaged one, and may have another length.
  if (core.snapshot !== undefined && lastIncluded.index < core.snapshot.lastIncluded.index) return;
  core.snapshot = snapshot;
  core.log.coveredBySnapshot(lastIncluded.index);
  core.log.dropThrough(keepFrom - 1);
  if (isLeading(core)) renewTransfers(core);
}

/** The transfer the message belongs to: the one under way, or a new one with its first chunk. */
function receiverFor(core: Core, message: InstallSnapshot): Receiving | undefined {
  const { receiving } = core;
  if (receiving !== undefined) {
    const { index, term } = receiving.lastIncluded;
    const same = index === message.lastIncludedIndex && term === message.lastIncludedTerm;
    // Another leader's file need not have the same bytes.
    const continued = same && receiving.from === message.from && receiving.term === message.term;
    if (continued) return receiving;
    if (receiving.installing) return undefined;
  }
  if (message.offset !== 0) return undefined;
  const lastIncluded = { index: message.lastIncludedIndex, term: message.lastIncludedTerm };
  core.receiving = { from: message.from, term: message.term, lastIncluded, nextOffset: 0, installing: false };
  return core.receiving;
}

/** Hands the chunk out if it is the next one. True when the answer has to wait for the snapshot to be installed. */
function takeChunk(
  core: Core,
  what: { readonly receiving: Receiving; readonly message: InstallSnapshot },
): boolean {
  const { receiving, message } = what;
  const { from, configuration, offset, data, done } = message;
  if (fault("raft/chunkIgnored")) return false;
  if (receiving.installing || offset !== receiving.nextOffset || (data.length === 0 && !done)) return false;
  core.outbox.storeChunk({ from, lastIncluded: receiving.lastIncluded, configuration, offset, data, done });
  receiving.nextOffset += data.length;
  receiving.installing = done;
  return done;
}

function endReceiving(core: Core, lastIncluded: EntryId): void {
  const at = core.receiving?.lastIncluded;
  if (at !== undefined && at.index === lastIncluded.index && at.term === lastIncluded.term) core.receiving = undefined;
}

function answer(
  core: Core,
  what: {
    readonly lastIncludedIndex: Index;
    readonly nextOffset: number;
    readonly installed: boolean;
    readonly rejected?: boolean;
  },
): void {
  const to: NodeId | undefined = core.leaderId;
  if (to === undefined || to === core.id) return;
  const { id: from, currentTerm: term } = core;
  core.outbox.sendWhenDurable({
    type: "InstallSnapshotResult",
    from,
    to,
    term,
    rejected: false,
    ...what,
    lastIncludedIndex: toIndex(what.lastIncludedIndex),
    round: core.following.round,
  });
}

function isSound(message: InstallSnapshot): boolean {
  const { lastIncludedIndex, lastIncludedTerm, offset, round, term } = message;
  return Number.isSafeInteger(lastIncludedIndex) && lastIncludedIndex > 0 &&
    lastIncludedTerm > 0 && lastIncludedTerm <= term &&
    Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(round);
}
