/** Changes the membership because somebody asks for it: by joint consensus, one change at a time, only where a majority can go on. */

import type { NodeId } from "../../raft/types.ts";
import type { Transport } from "../../transport/transport.ts";
import type { MemberChange, MemberChangeOutcome, NodeMonitor } from "../api.ts";
import { MEMBER_CHANGE_MS } from "../limits.ts";
import type { MemorySweep } from "../self_check/memory_sweep.ts";
import type { Quarantine } from "../self_check/quarantine.ts";
import { type ChangeFacts, leadsTo, NO_ROOM, NOT_TAKEN, OVERTAKEN, planChange } from "./change_plan.ts";
import { type TransferParts, until } from "./leadership.ts";
import type { PeerDirectory } from "./peer_directory.ts";

/** What a change works with. */
export interface ChangeParts extends TransferParts {
  readonly monitor: Pick<NodeMonitor, "members" | "health">;
  readonly directory: Pick<PeerDirectory, "caughtUp">;
  readonly transport: Pick<Transport, "peers">;
  readonly quarantine: Pick<Quarantine, "isOn">;
  readonly sweep: Pick<MemorySweep, "foundAt">;
}

/** The id of the event: nobody waits for its answer, since the configuration itself shows what became of it. */
const CHANGE_ID = 0;

/** Begins the change if it is safe and does not hold yet, and waits until the configuration with it is committed. Never rejects. */
export async function changeMember(parts: ChangeParts, asked: MemberChange): Promise<MemberChangeOutcome> {
  const { raft, clock, inbox, monitor, directory } = parts;
  if (raft.role !== "Leader") return { type: "NotLeader" };
  const before = raft.configuration;
  const { configurationIndex } = raft;
  const members = monitor.members();
  const reachable = new Set(members.filter((member) => member.reachable).map(({ id }) => id));
  const newest = new Map(members.flatMap(({ id, versions }) => versions === undefined ? [] : [[id, versions.newest]]));
  const status = raft.status();
  const facts = {
    ...{ status, configurationIndex, reachable, newest, caughtUp: directory.caughtUp(status) },
    ...unsoundOf(parts),
  };
  const verdict = planChange(facts, asked);
  if (verdict.type !== "Plan") return verdict;
  const { change, wanted } = verdict;
  const event = wanted === undefined ? undefined : { type: "ChangeMembership", id: CHANGE_ID, ...wanted } as const;
  if (event !== undefined) inbox.put(event);
  // Also on a node that leads no more, because it was removed itself: what it knows to be committed is.
  const isDone = () => {
    const { configuration, configurationIndex: index, commitIndex } = raft;
    return leadsTo(configuration, change) && configuration.votersOld.length === 0 && index <= commitIndex;
  };
  // Only one change can follow the configuration that this one was made from. When another one does, this one was refused.
  const isOvertaken = () => raft.configuration !== before && !leadsTo(raft.configuration, change);
  // What a leader takes is in force at once, and nobody overwrites its log while it leads.
  const leads = () => raft.role === "Leader" && raft.currentTerm === status.currentTerm;
  const isDropped = () => event !== undefined && !inbox.holds(event) && raft.configuration === before && leads();
  await until(clock, { condition: () => isDone() || isOvertaken() || isDropped(), limitMs: MEMBER_CHANGE_MS });
  if (isDone()) return { type: "Done", id: change.id };
  if (isDropped()) return monitor.health().hasSpace ? NOT_TAKEN : NO_ROOM;
  return wanted !== undefined && isOvertaken() ? OVERTAKEN : { type: "Unknown" };
}

/** Whose state is not sound, and whose memory is damaged, this node included, by what each has told last. */
function unsoundOf({ raft, transport, quarantine, sweep }: ChangeParts): Pick<ChangeFacts, "quarantined" | "suspect"> {
  const peers = transport.peers();
  const quarantined = new Set<NodeId>(peers.filter(({ status }) => status?.quarantined === true).map(({ id }) => id));
  const suspect = new Set<NodeId>(peers.filter(({ status }) => status?.suspect === true).map(({ id }) => id));
  if (quarantine.isOn) quarantined.add(raft.id);
  if (sweep.foundAt !== undefined) suspect.add(raft.id);
  return { quarantined, suspect };
}
