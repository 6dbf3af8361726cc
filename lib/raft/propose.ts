/** Proposals of clients: appended by a leader in runs that fit one message each, or refused as a whole. */

import { assert } from "../base/assert.ts";
import { fault } from "../base/faults.ts";
import { type Core, isLeading, type LeadingCore } from "./core.ts";
import type { Propose } from "./events.ts";
import { isFounding } from "./founding.ts";
import { appendAsLeader } from "./replication.ts";
import { Run } from "./run.ts";
import { toIndex } from "./types.ts";
import type { Refusal } from "./update.ts";

/** Raft 5.3: the leader appends the commands to its log, in order; nothing of a refused proposal is appended. */
export function handlePropose(core: Core, event: Propose): void {
  assert(event.commands.count > 0, "Cannot propose no commands");
  if (!isLeading(core)) {
    core.outbox.refuse({ id: event.id, refusal: { reason: "NotLeader", leaderId: core.leaderId } });
    return;
  }
  const refusal = refusalOf(core, event);
  if (refusal !== undefined) {
    core.outbox.refuse({ id: event.id, refusal });
    return;
  }
  const first = { index: toIndex(core.log.lastIndex + 1), term: core.currentTerm };
  core.outbox.accept({ id: event.id, first });
  appendInMessages(core, Run.ofCommands(first, event.commands));
}

function refusalOf(core: LeadingCore, event: Propose): Refusal | undefined {
  const { roleState, limits } = core;
  // Divergence D19: whoever knows no id of its cluster must hold no commands.
  if (isFounding(core)) return { reason: "TermNotCommitted" };
  // Thesis 3.10: the target could never catch up with a leader that goes on appending.
  if (roleState.transfer !== undefined) return { reason: "Transferring", leaderId: core.id };
  const uncommitted = core.log.lastIndex - core.commitIndex;
  // However large, a proposal is taken when nothing waits: else it could never be.
  if (fault("raft/proposalRefused")) return { reason: "LogFull" };
  if (uncommitted === 0) return undefined;
  const { count, body } = event.commands;
  const bytes = roleState.uncommittedBytes + body.length;
  const full = uncommitted + count > limits.uncommittedEntriesMax || bytes > limits.uncommittedBytesMax;
  return full ? { reason: "LogFull" } : undefined;
}

/** Each part is one write and one message per peer. */
function appendInMessages(core: LeadingCore, run: Run): void {
  for (let first: number = run.firstIndex; first <= run.lastIndex;) {
    const last = run.lastWithin(first, core.limits);
    appendAsLeader(core, run.slice(first, last));
    first = last + 1;
  }
}
