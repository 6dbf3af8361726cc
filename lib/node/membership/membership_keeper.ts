/**
 * The leader's care for the membership: it records the identity of each server's data directory and the addresses that
 * the server announces, raises the level of the cluster once all members can, adds servers that join, and admits a server
 * whose directory was emptied again under its old id, without ever trusting a promise that the old directory made. A new
 * server is a learner until it has caught up.
 *
 * A directory that was emptied has forgotten its votes and acknowledgements, so it may not take part as the voter it was
 * (known bug B22). With `--new-identity` the leader first makes it a learner by joint consensus, which the others
 * decide without it, feeds it, and makes it a voter again once it has caught up.
 */

import type { ChangeMembership } from "../../raft/events.ts";
import type { RaftStatus } from "../../raft/status.ts";
import { type Configuration, type Member, MEMBERS_MAX, type NodeId } from "../../raft/types.ts";
import type { Greeting } from "../../transport/transport.ts";
import { isRetired, keepsMemberLists } from "../../raft/retired.ts";
import { FIRST_LEVEL } from "../../transport/versions.ts";
import { commonVersion } from "./level.ts";

/** The next change of the membership that is due, without its id. */
export type DueChange = Omit<ChangeMembership, "type" | "id">;

/** What a server says of itself; "" is an address that it does not say. */
export type Announcement = Pick<Greeting, "versions" | "identity" | "peerAddress" | "clientAddress" | "httpAddress">;

/** What the keeper looks at. */
export interface MembershipFacts {
  readonly self: NodeId;
  /** What this node says of itself. */
  readonly own: Announcement;
  readonly status: RaftStatus;
  /** The last greeting heard from each peer. */
  readonly greetings: ReadonlyMap<NodeId, Greeting>;
  /** Servers that are no members and have asked to join of late. */
  readonly joining: readonly NodeId[];
  /** Learners that have caught up; see `CatchUp`. */
  readonly caughtUp: ReadonlySet<NodeId>;
}

/** The change that a leader should make now; undefined when there is none or it may not change anything yet. */
export function dueMembershipChange(facts: MembershipFacts): DueChange | undefined {
  const { status } = facts;
  const { configuration } = status;
  if (status.role !== "Leader" || !status.termCommitted || configuration.votersOld.length > 0) return undefined;
  return dueReadmission(facts) ?? duePromotion(facts) ?? dueJoin(facts) ?? dueAnnouncements(facts);
}

/** The configuration in force on this server. */
export interface ConfigurationInForce {
  readonly configuration: Configuration;
  /** Index of the latest one that is committed for certain: a leader that was cut off may hold one that never will be, far ahead. */
  readonly index: number;
}

/**
 * Why a server may not exchange messages with this one, by the configuration in force; undefined when it may. Who knows of
 * a later configuration is heard, for this server may be the one that lags; but see `isStranger`.
 */
export function refusalOf(greeting: Greeting, { configuration, index }: ConfigurationInForce): string | undefined {
  if (configuration.members.length === 0 || greeting.configurationIndex > index) return undefined;
  const { nodeId, identity, rejoin, joins = false } = greeting;
  const member = configuration.members.find((candidate) => candidate.id === nodeId);
  if (member === undefined) {
    if (isRetired(configuration, nodeId)) return describeRetired(nodeId);
    return joins
      ? `Node ${nodeId} waits until the leader has added it`
      : `Node ${nodeId} is not a member of this cluster`;
  }
  if (member.identity === identity || (member.identity === "" && (joins || !rejoin))) return undefined;
  if (joins) return describeTaken(nodeId);
  if (rejoin) return `Node ${nodeId} waits until the leader has admitted its new data directory`;
  return `Node ${nodeId} is known with another data directory (identity ${member.identity}, not ` +
    `${identity}): if its data is lost, start it once with an empty directory and --new-identity`;
}

/** Why nobody may join under that id. */
export function describeTaken(id: NodeId): string {
  return `Node ${id} is a member already, with another data directory: join under an id that was never used, or without ` +
    "--node-id";
}

/** Why the server with that id is no member any more. */
export function describeRetired(id: NodeId): string {
  return `Node ${id} was removed from this cluster`;
}

/**
 * Whether a peer is not the directory that the configuration in force counts on: votes and acknowledgements of the one
 * are no promises of the other (known bug B22).
 */
export function isStranger(greeting: Greeting | undefined, configuration: Configuration): boolean {
  if (greeting === undefined) return false;
  const member = configuration.members.find((candidate) => candidate.id === greeting.nodeId);
  if (member === undefined || member.identity === greeting.identity) return false;
  return member.identity !== "" || greeting.rejoin;
}

function dueReadmission({ status, greetings, self }: MembershipFacts): DueChange | undefined {
  const { configuration } = status;
  for (const member of configuration.members) {
    const greeting = greetings.get(member.id);
    if (greeting === undefined || !greeting.rejoin || greeting.joins === true || member.id === self) continue;
    if (member.identity === greeting.identity) continue;
    const voters = configuration.voters.filter((id) => id !== member.id);
    if (voters.length === 0) continue;
    const learners = [...configuration.learners.filter((id) => id !== member.id), member.id];
    const renamed = { ...member, identity: greeting.identity };
    return { members: replace(configuration.members, renamed), voters, learners };
  }
  return undefined;
}

/** A learner that was told to become a voter has caught up, in the very directory that the configuration names. */
function duePromotion({ status: { configuration }, greetings, caughtUp }: MembershipFacts): DueChange | undefined {
  const { members, voters, learners } = configuration;
  const learner = members.find(({ id, identity }) => {
    const greeting = greetings.get(id);
    const wants = greeting?.rejoin === true && greeting.identity === identity && greeting.staysLearner !== true;
    return wants && learners.includes(id) && caughtUp.has(id);
  });
  if (learner === undefined) return undefined;
  return { members, voters: [...voters, learner.id], learners: learners.filter((id) => id !== learner.id) };
}

/** A server that nobody knows becomes a learner. */
function dueJoin({ status: { configuration }, greetings, joining }: MembershipFacts): DueChange | undefined {
  const { members, voters, learners } = configuration;
  // Where a removal is not listed yet a server that was removed would be added again.
  if (members.length >= MEMBERS_MAX || !keepsMemberLists(configuration)) return undefined;
  for (const id of joining) {
    const greeting = greetings.get(id);
    // Without its directory's name a server could be taken for another one later.
    if (greeting === undefined || greeting.identity === "" || isRetired(configuration, id)) continue;
    if (members.some((member) => member.id === id || member.identity === greeting.identity)) continue;
    const { identity, peerAddress: address, clientAddress, httpAddress } = greeting;
    const member = { id, address, clientAddress, ...(httpAddress === undefined ? {} : { httpAddress }), identity };
    return { members: [...members, member], voters, learners: [...learners, id] };
  }
  return undefined;
}

/** What servers say of themselves: identities, addresses, and what all of them can. */
function dueAnnouncements(facts: MembershipFacts): DueChange | undefined {
  const { status, greetings, self, own } = facts;
  const { members, voters, learners, level = FIRST_LEVEL } = status.configuration;
  const common = commonVersion(members, facts) ?? level;
  const raised = common > level ? { level: common } : {};
  const renewed = members.map((member) => renew(member, member.id === self ? own : greetings.get(member.id)));
  const news = common > level || renewed.some((member, at) => member !== members[at]);
  return news ? { members: renewed, voters, learners, ...raised } : undefined;
}

/** The member as it announces itself; the same object when that is no news. Another directory announces nothing here. */
function renew(member: Member, announcement: Announcement | undefined): Member {
  if (announcement === undefined) return member;
  if (member.identity !== "" && member.identity !== announcement.identity) return member;
  const { identity } = announcement;
  const address = announcement.peerAddress === "" ? member.address : announcement.peerAddress;
  const clientAddress = announcement.clientAddress === "" ? member.clientAddress : announcement.clientAddress;
  const httpAddress = announcement.httpAddress || member.httpAddress;
  const news = identity !== member.identity || address !== member.address || clientAddress !== member.clientAddress ||
    httpAddress !== member.httpAddress;
  if (!news) return member;
  return { ...member, identity, address, clientAddress, ...(httpAddress === undefined ? {} : { httpAddress }) };
}

function replace(members: readonly Member[], changed: Member): readonly Member[] {
  return members.map((member) => (member.id === changed.id ? changed : member));
}
