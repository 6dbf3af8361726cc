/** The leader's side of AppendEntriesResult (Raft 5.3): moves a peer forward, or back to where the logs agree. */

import { fault } from "../base/faults.ts";
import { advanceCommit } from "./commit.ts";
import type { LeadingCore } from "./core.ts";
import type { AppendEntriesResult } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { replicate } from "./replication.ts";

/** For a result of the current term. From a server that is no peer, or with impossible numbers, it is dropped (B17). */
export function handleAppendEntriesResult(core: LeadingCore, result: AppendEntriesResult): void {
  const peer = core.roleState.progress.get(result.from);
  if (peer === undefined || !(result.round <= core.roleState.round)) return;
  // A refusal is an answer too: the peer was in this leader's term (thesis 6.4).
  peer.heard(result.round);
  if (result.success) handleSuccess(core, { peer, matchIndex: result.matchIndex });
  else handleRefusal(core, { peer, result });
}

function handleSuccess(core: LeadingCore, what: { readonly peer: Progress; readonly matchIndex: number }): void {
  const { peer, matchIndex } = what;
  if (!(matchIndex <= core.log.lastIndex)) return;
  const advanced = peer.acknowledged(matchIndex);
  if (peer.state === "Probe" && matchIndex >= peer.nextIndex - 1) peer.becomeReplicate();
  // What the peer has by now may make the snapshot needless.
  if (peer.state === "Snapshot" && peer.matchIndex >= core.log.base.index) peer.becomeProbe(peer.matchIndex + 1);
  if (advanced && peer.state === "Replicate" && fault("raft/probeAgain")) peer.becomeProbe(peer.matchIndex + 1);
  if (advanced) advanceCommit(core);
  replicate(core, peer);
}

function handleRefusal(
  core: LeadingCore,
  what: { readonly peer: Progress; readonly result: AppendEntriesResult },
): void {
  const { peer, result } = what;
  const { rejectedIndex } = result;
  // Late refusals: of an entry that is known to match by now, or of another probe than the one under way.
  if (peer.state === "Snapshot" || rejectedIndex <= peer.matchIndex || !(rejectedIndex < peer.nextIndex)) return;
  if (peer.state === "Probe" && rejectedIndex !== peer.nextIndex - 1) return;
  peer.becomeProbe(backUp(core, result));
  replicate(core, peer);
}

/** Raft 5.3: past this leader's last entry of the conflicting term, or to the first index of it at the peer. */
function backUp(core: LeadingCore, result: AppendEntriesResult): number {
  const { rejectedIndex, conflictIndex, conflictTerm } = result;
  if (fault("raft/backUpByOne")) return rejectedIndex;
  const own = conflictTerm > 0 ? core.log.lastIndexOfTerm(conflictTerm, rejectedIndex) : undefined;
  // The same term at the refused index itself would be no conflict: then the peer's own word must do.
  const next = own === undefined || own >= rejectedIndex ? conflictIndex : own + 1;
  // Always at least one step back, whatever the peer says, and never before the log.
  return Math.min(Math.max(next, 1), rejectedIndex);
}
