/** Moves the leadership to another server because somebody asks for it. */

import type { Clock } from "../../base/clock.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { NodeId } from "../../raft/types.ts";
import type { NodeMonitor, TransferOutcome } from "../api.ts";
import type { Inbox } from "../inbox.ts";
import { TICK_MS, TRANSFER_LAG_ENTRIES_MAX, TRANSFER_MS } from "../limits.ts";

/** What a transfer works with. */
export interface TransferParts {
  readonly raft: RaftNode;
  readonly clock: Clock;
  readonly inbox: Inbox;
  readonly monitor: Pick<NodeMonitor, "members">;
}

/** Resolves when `condition` holds, looked at with every tick, but not later than after `limitMs`. */
export async function until(clock: Clock, { condition, limitMs }: {
  readonly condition: () => boolean;
  readonly limitMs: number;
}): Promise<void> {
  const end = clock.now() + limitMs;
  while (!condition() && clock.now() < end) {
    await new Promise<void>((resolve) => clock.after(TICK_MS, resolve));
  }
}

/** Asks `target`, or the voter that is best prepared, to lead, and waits until it or another does. Never rejects. */
export async function transferLeadership(
  { raft, clock, inbox, monitor }: TransferParts,
  target: NodeId | undefined,
): Promise<TransferOutcome> {
  const refusal = refusalOf({ raft, monitor }, target);
  if (refusal !== undefined) return refusal;
  inbox.put({ type: "TransferLeadership", target });
  const isDone = () => raft.leaderId !== undefined && raft.leaderId !== raft.id;
  await until(clock, { condition: isDone, limitMs: TRANSFER_MS });
  const { leaderId, currentTerm } = raft;
  if (leaderId === undefined || leaderId === raft.id) return { type: "Failed" };
  return target === undefined || leaderId === target
    ? { type: "Done", leaderId, term: currentTerm }
    : { type: "Failed" };
}

/** Why the target cannot take the leadership: the leader takes no writes while it tries, so what cannot succeed is not tried. */
function refusalOf(
  { raft, monitor }: Pick<TransferParts, "raft" | "monitor">,
  target: NodeId | undefined,
): TransferOutcome | undefined {
  if (raft.role !== "Leader") return { type: "NotLeader" };
  if (target === raft.id) return { type: "Done", leaderId: raft.id, term: raft.currentTerm };
  const voters = raft.configuration.voters.filter((id) => id !== raft.id);
  const member = monitor.members().find(({ id }) => id === target);
  if (target !== undefined && member === undefined) return { type: "NotAMember" };
  if (target !== undefined && !voters.includes(target)) return { type: "NotAVoter" };
  if (voters.length === 0) return { type: "NoOther" };
  if (member === undefined) return undefined;
  if (member.drained) return { type: "Drained" };
  if (!member.reachable) return { type: "NotReachable" };
  const { lag } = member;
  return lag === undefined || lag > TRANSFER_LAG_ENTRIES_MAX ? { type: "NotCaughtUp", lag } : undefined;
}
