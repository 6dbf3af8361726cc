/** When entries are committed (Raft 5.3, 5.4.2), and handing them out to the state machine in order. */

import { assert } from "../base/assert.ts";
import { fault } from "../base/faults.ts";
import type { Core, LeadingCore } from "./core.ts";
import { quorumValue } from "./quorum.ts";

/** Raft figure 2, leaders: commits the highest entry of the current term that a majority has durably. */
export function advanceCommit(core: LeadingCore): void {
  const { log, roleState } = core;
  // Thesis 10.2.1: the leader's own log counts only as far as it is durable (B15), and only if the leader has a vote (B18).
  const index = quorumValue(
    log.configuration,
    (id) => id === core.id ? log.durableIndex : roleState.progress.get(id)?.matchIndex ?? 0,
  );
  if (index <= core.commitIndex) return;
  // Raft 5.4.2, figure 8: an entry of an older term is committed only together with one of the own term (B3).
  if (log.termAt(index) !== core.currentTerm) return;
  roleState.uncommittedBytes -= log.bytesBetween(core.commitIndex + 1, index);
  commitTo(core, index);
  roleState.termCommitted = true;
}

/** Raises commitIndex; it never falls. */
export function commitTo(core: Core, index: number): void {
  assert(index <= core.log.lastIndex, `Cannot commit entry ${index}: last index is ${core.log.lastIndex}`);
  if (index > core.commitIndex) core.commitIndex = index;
  // What is committed is in the log of every leader of this and later terms (Raft 5.4).
  if (core.commitIndex > core.following.matchedIndex) core.following.matchedIndex = core.commitIndex;
}

/** Hands out what is committed and was not handed out yet: each entry once, in order. */
export function applyCommitted(core: Core): void {
  // Divergence D12. A snapshot is being loaded into the state machine: an entry applied to the old state meanwhile would be
  // lost or doubled.
  if (core.receiving?.installing === true) return;
  if (core.appliedIndex >= core.commitIndex) return;
  const last = fault("raft/applyOneEntry") ? core.appliedIndex + 1 : core.commitIndex;
  core.outbox.apply(core.log.range(core.appliedIndex + 1, last));
  core.appliedIndex = last;
}
