/** Judges a change of the membership that somebody asks for: it holds already, may begin, or not and why. Pure. */

import type { ChangeMembership } from "../../raft/events.ts";
import type { RaftStatus } from "../../raft/status.ts";
import { isRetired, keepsMemberLists, lowestFreeId, MEMBER_LISTS_LEVEL } from "../../raft/retired.ts";
import { type Configuration, type Member, MEMBERS_MAX, type NodeId } from "../../raft/types.ts";
import type { MemberChange, MemberChangeOutcome } from "../api.ts";
import { CAUGHT_UP_LAG_MS, CAUGHT_UP_MS } from "../limits.ts";

/** What a leader judges by. */
export interface ChangeFacts {
  readonly status: RaftStatus;
  readonly configurationIndex: number;
  /** The servers that can be reached, this node included. */
  readonly reachable: ReadonlySet<NodeId>;
  /** Those of them in quarantine: each can be reached, and acknowledges nothing until a snapshot has replaced its state. */
  readonly quarantined: ReadonlySet<NodeId>;
  /** Those of them that have found their memory damaged: each goes into quarantine if the others are a majority without it. */
  readonly suspect: ReadonlySet<NodeId>;
  /** Learners that have caught up; see `CatchUp`. */
  readonly caughtUp: ReadonlySet<NodeId>;
  /** The newest protocol of each member that was heard in this life of the node, this node included. */
  readonly newest: ReadonlyMap<NodeId, number>;
}

/** What to ask of the core; undefined when the configuration in force is, or leads to, what is wanted. */
export interface ChangePlan {
  readonly type: "Plan";
  /** The change, with the id that a new server gets. */
  readonly change: MemberChange & { readonly id: NodeId };
  readonly wanted: Omit<ChangeMembership, "type" | "id"> | undefined;
}

type Refusal = Extract<MemberChangeOutcome, { readonly reason: string }>;
type Verdict = ChangePlan | Refusal | { readonly type: "NotAMember" };
type Addition = Extract<MemberChange, { readonly type: "Add" }>;

/** What to do about the change. */
export function planChange(facts: ChangeFacts, asked: MemberChange): Verdict {
  const { status: { configuration } } = facts;
  const change = asked.type === "Add" ? { ...asked, id: asked.id ?? idOf(configuration, asked) } : asked;
  const isMember = configuration.members.some(({ id }) => id === change.id);
  if (!isMember && isRetired(configuration, change.id)) return judgeRetired(change);
  if (change.type !== "Add" && !isMember) return { type: "NotAMember" };
  if (leadsTo(configuration, change)) return { type: "Plan", change, wanted: undefined };
  const passing = passingObstacle(facts);
  if (passing !== undefined) return unsafe(passing, true);
  switch (change.type) {
    case "Add":
      return planAddition(facts, change);
    case "Promote":
      return planPromotion(facts, change);
    case "Drain":
    case "Undrain":
      return planDrain(facts, change);
    default:
      return planRemoval(facts, change);
  }
}

/** A server that was removed: that holds for good. */
function judgeRetired(change: ChangePlan["change"]): Verdict {
  if (change.type === "Remove") return { type: "Plan", change, wanted: undefined };
  return unsafe(`server ${change.id} was removed, and its id is never used again: add a new one without an id`);
}

/** Whether the configuration, or the one that a joint configuration leads to, is as wanted. */
export function leadsTo(
  { members, voters, learners, drained = [] }: Configuration,
  change: ChangePlan["change"],
): boolean {
  switch (change.type) {
    case "Add":
      return members.some((member) => member.id === change.id && isAt(member, change));
    case "Promote":
      return voters.includes(change.id);
    case "Drain":
    case "Undrain":
      return drained.includes(change.id) === (change.type === "Drain");
    default:
      return !voters.includes(change.id) && !learners.includes(change.id);
  }
}

function isAt({ address, clientAddress }: Member, change: Addition): boolean {
  return address === change.peerAddress && clientAddress === change.clientAddress;
}

/** The id of a server that was added before at that place, or the lowest that is free. */
function idOf(configuration: Configuration, change: Addition): NodeId {
  return configuration.members.find((member) => isAt(member, change))?.id ?? lowestFreeId(configuration);
}

const UNSETTLED = "another change of the membership, or an election, is not settled yet: ask again in a moment";
const TRANSFERRING = "the leadership is being handed over: ask again in a moment";

function passingObstacle({ status, configurationIndex }: ChangeFacts): string | undefined {
  const { configuration: { votersOld }, termCommitted, commitIndex, transferTarget } = status;
  if (transferTarget !== undefined) return TRANSFERRING;
  return votersOld.length > 0 || configurationIndex > commitIndex || !termCommitted ? UNSETTLED : undefined;
}

/** The change was refused by the core: another one was there before. */
export const OVERTAKEN: Refusal = unsafe(UNSETTLED, true);

/** It met other members, or another leader, than it was judged by: the driver or the core has not taken it. */
export const NOT_TAKEN: Refusal = unsafe(
  "the cluster has changed since this was asked for, a member may have come back with an older program: ask again in a moment",
  true,
);

/** The driver has not taken it: the log of this leader could not hold it. */
export const NO_ROOM: Refusal = unsafe("the leader's disk is full: make room there", true);

function planAddition(facts: ChangeFacts, change: Addition & { readonly id: NodeId }): Verdict {
  const { members, voters, learners } = facts.status.configuration;
  const { id, peerAddress, clientAddress, httpAddress } = change;
  const place = { address: peerAddress, clientAddress, ...(httpAddress === undefined ? {} : { httpAddress }) };
  const holder = members.find((member) => member.id === id);
  if (holder !== undefined) {
    return unsafe(`the id ${id} is that of the member at ${holder.clientAddress}: leave the id out, or give another`);
  }
  for (const address of addressesOf(place)) {
    const other = members.find((member) => addressesOf(member).includes(address));
    if (other !== undefined) {
      return unsafe(`${address} is an address of member ${other.id}: give the new server its own`);
    }
  }
  if (members.length >= MEMBERS_MAX) {
    return unsafe(`the cluster has ${members.length} members, and may have ${MEMBERS_MAX}: remove one first`);
  }
  // It could get the id of one that was removed.
  if (!keepsMemberLists(facts.status.configuration)) return cannotKeep(facts, "who was removed");
  const refusal = lackOfQuorum(facts, { voters, whose: "voters" });
  if (refusal !== undefined) return refusal;
  const member: Member = { id, ...place, identity: "" };
  return { type: "Plan", change, wanted: { members: [...members, member], voters, learners: [...learners, id] } };
}

function addressesOf({ address, clientAddress, httpAddress = "" }: Omit<Member, "id" | "identity">): readonly string[] {
  return [address, clientAddress, httpAddress].filter((text) => text !== "");
}

function planPromotion(facts: ChangeFacts, change: ChangePlan["change"]): Verdict {
  const { configuration: { members, voters, learners }, progress, commitIndex } = facts.status;
  const { id } = change;
  const peer = progress.find((candidate) => candidate.id === id);
  if (!facts.reachable.has(id) || peer === undefined || peer.matchIndex === 0) {
    return unsafe(`server ${id} has not been heard: start it, or see why it cannot be reached`, true);
  }
  // The second is what the core asks for.
  if (!facts.caughtUp.has(id) || peer.matchIndex < facts.configurationIndex) {
    return unsafe(
      `server ${id} has not caught up, it lacks ${
        Math.max(0, commitIndex - peer.matchIndex)
      } entries: ask again in a ` +
        `moment; it must have kept within ${CAUGHT_UP_LAG_MS} ms of the leader for ${CAUGHT_UP_MS} ms`,
      true,
    );
  }
  const wanted = { members, voters: [...voters, id], learners: learners.filter((other) => other !== id) };
  const refusal = lackOfQuorum(facts, { voters, whose: "voters" }) ??
    lackOfQuorum(facts, { voters: wanted.voters, whose: "voters that there would be" });
  return refusal ?? { type: "Plan", change, wanted };
}

/** What is in the way of the lists: an older program, who was not heard, or only that the level has not risen yet. */
function cannotKeep(facts: ChangeFacts, what: string): Refusal {
  if (isOneTooOld(facts)) {
    return unsafe(
      `not all members can keep in mind ${what} yet: upgrade those that CLUSTER shows with an older protocol`,
    );
  }
  const ids = unheardOf(facts);
  return unsafe(
    ids.length > 0 ? notHeard(ids, what) : `the cluster does not keep in mind ${what} yet: ask again in a moment`,
    true,
  );
}

function isOneTooOld({ newest }: ChangeFacts): boolean {
  return [...newest.values()].some((version) => version < MEMBER_LISTS_LEVEL);
}

/** Those of whom it is not known whether they can keep the lists. */
function unheardOf({ status: { configuration: { members } }, newest }: ChangeFacts): readonly NodeId[] {
  return members.map(({ id }) => id).filter((id) => !newest.has(id));
}

function notHeard(ids: readonly NodeId[], what: string): string {
  return `server ${ids.join(", ")} has not been heard, and may not keep in mind ${what}: start it, or remove it first`;
}

/** Somebody must be left to lead. A learner may be drained before it is a voter. */
function planDrain(facts: ChangeFacts, change: ChangePlan["change"]): Verdict {
  const { configuration } = facts.status;
  const { members, voters, learners, drained: before = [] } = configuration;
  if (!keepsMemberLists(configuration)) return cannotKeep(facts, "who is drained");
  const drained = change.type === "Drain" ? [...before, change.id] : before.filter((id) => id !== change.id);
  if (change.type === "Undrain" || voters.some((id) => !drained.includes(id))) {
    return { type: "Plan", change, wanted: { members, voters, learners, drained } };
  }
  return unsafe("no voter would be left that may lead: undrain another one first");
}

function planRemoval(facts: ChangeFacts, change: ChangePlan["change"]): Verdict {
  const { members, voters, learners } = facts.status.configuration;
  const { id } = change;
  const rest = (ids: readonly NodeId[]) => ids.filter((other) => other !== id);
  if (rest(voters).length === 0) return unsafe("it is the last voter: add another and promote it first");
  const raised = levelToList(facts, id);
  if (typeof raised === "string") return unsafe(raised, true);
  const wanted = {
    members: members.filter((member) => member.id !== id),
    voters: rest(voters),
    learners: rest(learners),
    ...raised,
  };
  const refusal = lackOfQuorum(facts, { voters, whose: "voters" }) ??
    lackOfQuorum(facts, { voters: wanted.voters, whose: "voters that would be left" });
  return refusal ?? { type: "Plan", change, wanted };
}

/**
 * A removal is listed, so that the server learns of it and its id is not used again: where the list has not begun yet, because the cluster
 * is new, the removal begins it. Only an older program may be in the way of that; for who was not heard it is not known, so such
 * servers have to be removed first, or started. What is in the way, in words; or the level to rise to, if any.
 */
function levelToList(facts: ChangeFacts, leaving: NodeId): { readonly level?: number } | string {
  if (keepsMemberLists(facts.status.configuration) || isOneTooOld(facts)) return {};
  const unheard = unheardOf(facts).filter((id) => id !== leaving);
  if (unheard.length === 0) return { level: MEMBER_LISTS_LEVEL };
  // Of several that are lost for good one has to be the first.
  if (!facts.newest.has(leaving)) return {};
  return notHeard(unheard, "who was removed");
}

/** Why those voters could not decide anything with the servers that can be reached and take entries; undefined when they can. */
function lackOfQuorum(
  facts: ChangeFacts,
  { voters, whose }: { readonly voters: readonly NodeId[]; readonly whose: string },
): Refusal | undefined {
  const lost = voters.filter((voter) => !facts.reachable.has(voter));
  const count = voters.length - lost.length;
  const needed = Math.floor(voters.length / 2) + 1;
  if (count < needed) {
    return unsafe(
      `of the ${voters.length} ${whose} ${count} can be reached, and ${needed} are needed: ` +
        `start ${lost.join(", ")} again, or remove first what is lost for good`,
    );
  }
  const waiting = waitingIn(facts, voters);
  if (count - waiting.length >= needed) return undefined;
  const remedy = lost.length === 0 ? "ask again in a moment" : `start ${lost.join(", ")} again, and ask again`;
  return unsafe(
    `of the ${voters.length} ${whose} ${needed} are needed, and server ${waiting.join(", ")} is in quarantine, or ` +
      `about to be, until the others have repaired it: ${remedy}`,
    true,
  );
}

/**
 * Those that can be reached and count for nothing until they are repaired. Without a majority the leader has nothing to repair them with,
 * so that neither would end. A damaged one goes only where the voters of now can do without it, and is counted on where they cannot.
 */
function waitingIn({ reachable, quarantined, suspect, status }: ChangeFacts, voters: readonly NodeId[]): NodeId[] {
  const now = status.configuration.voters;
  const sound = now.filter((id) => reachable.has(id) && !quarantined.has(id) && !suspect.has(id));
  const mayGo = 2 * sound.length > now.length;
  return voters.filter((id) => reachable.has(id) && (quarantined.has(id) || (mayGo && suspect.has(id))));
}

function unsafe(reason: string, passing = false): Refusal {
  return { type: "Unsafe", reason, passing };
}
