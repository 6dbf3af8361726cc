/** Removes a server from the configuration by joint consensus, one at a time, and only where the others can go on. */

import type { Configuration, NodeId } from "../../raft/types.ts";
import type { MemberView, NodeMonitor, RemovalOutcome } from "../api.ts";
import { type TransferParts, until } from "./leadership.ts";
import { REMOVAL_MS } from "../limits.ts";

/** What a removal works with. */
export interface RemovalParts extends TransferParts {
  readonly monitor: Pick<NodeMonitor, "members">;
}

/** The id of the event: nobody waits for its answer, since the configuration itself shows what became of it. */
const REMOVAL_ID = 0;

/** Begins the removal if it is safe, and waits until the configuration without that server is committed. Never rejects. */
export async function removeMember(
  { raft, clock, inbox, monitor }: RemovalParts,
  id: NodeId,
): Promise<RemovalOutcome> {
  if (raft.role !== "Leader") return { type: "NotLeader" };
  const before = raft.configuration;
  const { members, voters, learners } = before;
  if (!members.some((member) => member.id === id)) return { type: "NotAMember" };
  const isSettled = raft.configurationIndex <= raft.commitIndex && raft.status().termCommitted;
  const reason = isSettled
    ? dangerOf(raft.configuration, { id, reachable: reachableOf(monitor.members()) })
    : UNSETTLED;
  if (reason !== undefined) return { type: "Unsafe", reason };
  const rest = (ids: readonly NodeId[]) => ids.filter((other) => other !== id);
  inbox.put({
    type: "ChangeMembership",
    id: REMOVAL_ID,
    members: members.filter((member) => member.id !== id),
    voters: rest(voters),
    learners: rest(learners),
  });
  const isDone = () => !raft.configuration.members.some((member) => member.id === id) && isCommitted();
  const isCommitted = () => raft.configuration.votersOld.length === 0 && raft.configurationIndex <= raft.commitIndex;
  // Only one change can follow the configuration that this one was made from. When another one does, this one was refused.
  const isOvertaken = () => raft.configuration !== before && takesPart(raft.configuration, id);
  await until(clock, { condition: () => isDone() || isOvertaken(), limitMs: REMOVAL_MS });
  if (isDone()) return { type: "Done" };
  return isOvertaken() ? { type: "Unsafe", reason: UNSETTLED } : { type: "Unknown" };
}

const UNSETTLED = "another change of the membership, or an election, is not settled yet";

/** Whether the server is in the configuration, or in the one that a joint configuration leads to. */
function takesPart({ voters, learners }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || learners.includes(id);
}

/** Why the others could not go on without that server; undefined when they can. */
function dangerOf(
  { voters, votersOld }: Configuration,
  { id, reachable }: { readonly id: NodeId; readonly reachable: ReadonlySet<NodeId> },
): string | undefined {
  if (votersOld.length > 0) return UNSETTLED;
  const rest = voters.filter((voter) => voter !== id);
  if (rest.length === 0) return "it is the last voter";
  const count = rest.filter((voter) => reachable.has(voter)).length;
  const needed = Math.floor(rest.length / 2) + 1;
  if (count >= needed) return undefined;
  return `of the ${rest.length} voters that would be left ${count} can be reached, and ${needed} are needed`;
}

/** The servers that can be reached, this node included. */
function reachableOf(members: readonly MemberView[]): ReadonlySet<NodeId> {
  return new Set(members.filter((member) => member.reachable).map(({ id }) => id));
}
