/** Proposals of clients: appended by a leader in runs that fit one message each, or refused as a whole. */

import { assert } from "../base/assert.ts";
import { fault } from "../base/faults.ts";
import { type Core, isLeading, type LeadingCore } from "./core.ts";
import type { Propose } from "./events.ts";
import { isFounding } from "./founding.ts";
import { appendAsLeader } from "./replication.ts";
import { type Entry, toIndex } from "./types.ts";
import type { Refusal } from "./update.ts";

/** Raft 5.3: the leader appends the commands to its log, in order; nothing of a refused proposal is appended. */
export function handlePropose(core: Core, event: Propose): void {
  assert(event.commands.length > 0, "Cannot propose no commands");
  if (!isLeading(core)) {
    core.outbox.refuse({ id: event.id, refusal: { reason: "NotLeader", leaderId: core.leaderId } });
    return;
  }
  const refusal = refusalOf(core, event);
  if (refusal !== undefined) {
    core.outbox.refuse({ id: event.id, refusal });
    return;
  }
  core.outbox.accept({ id: event.id, first: { index: toIndex(core.log.lastIndex + 1), term: core.currentTerm } });
  appendCommands(core, event.commands);
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
  let bytes = roleState.uncommittedBytes;
  for (const command of event.commands) bytes += command.length;
  const full = uncommitted + event.commands.length > limits.uncommittedEntriesMax || bytes > limits.uncommittedBytesMax;
  return full ? { reason: "LogFull" } : undefined;
}

/** Each run is one array, one write and one message per peer, so that it is encoded once. */
function appendCommands(core: LeadingCore, commands: readonly string[]): void {
  const { entriesPerMessageMax, bytesPerMessageMax } = core.limits;
  const term = core.currentTerm;
  let index = core.log.lastIndex + 1;
  let run: Entry[] = [];
  let bytes = 0;
  for (const command of commands) {
    const full = run.length >= entriesPerMessageMax || bytes + command.length > bytesPerMessageMax;
    if (full && run.length > 0) {
      appendAsLeader(core, run);
      run = [];
      bytes = 0;
    }
    run.push({ type: "Command", index: toIndex(index), term, command });
    bytes += command.length;
    index += 1;
  }
  appendAsLeader(core, run);
}
