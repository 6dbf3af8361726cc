/**
 * The leader's care for the membership: it records the identity of each server's data directory and the addresses that
 * the server announces, and admits a server whose directory was emptied again under its old id, without ever trusting a promise that the old directory made.
 *
 * A directory that was emptied has forgotten its votes and acknowledgements, so it may not take part as the voter it was
 * (known bug B22). With `--new-identity` the leader first makes it a learner by joint consensus, which the others
 * decide without it, feeds it, and makes it a voter again once it has caught up.
 */

import type { ChangeMembership } from "../../raft/events.ts";
import type { RaftStatus } from "../../raft/status.ts";
import type { Configuration, Member, NodeId } from "../../raft/types.ts";
import type { Greeting } from "../../transport/transport.ts";
import { CAUGHT_UP_ENTRIES } from "../limits.ts";

/** The next change of the membership that is due, without its id. */
export type DueChange = Omit<ChangeMembership, "type" | "id">;

/** What a server says of itself; "" is an address that it does not say. */
export type Announcement = Pick<Greeting, "identity" | "peerAddress" | "clientAddress" | "httpAddress">;

/** What the keeper looks at. */
export interface MembershipFacts {
  readonly self: NodeId;
  /** What this node says of itself. */
  readonly own: Announcement;
  readonly status: RaftStatus;
  /** The last greeting heard from each peer. */
  readonly greetings: ReadonlyMap<NodeId, Greeting>;
}

/** The change that a leader should make now; undefined when there is none or it may not change anything yet. */
export function dueMembershipChange(facts: MembershipFacts): DueChange | undefined {
  const { status } = facts;
  const { configuration } = status;
  if (status.role !== "Leader" || !status.termCommitted || configuration.votersOld.length > 0) return undefined;
  return dueReadmission(facts) ?? duePromotion(facts) ?? dueAnnouncements(facts);
}

/** The configuration in force on this server, and where it stands in the log. */
export interface ConfigurationInForce {
  readonly configuration: Configuration;
  readonly index: number;
}

/**
 * Why a server may not exchange messages with this one, by the configuration in force; undefined when it may. Who knows of
 * a later configuration is heard, for this server may be the one that lags; but see `isStranger`.
 */
export function refusalOf(greeting: Greeting, { configuration, index }: ConfigurationInForce): string | undefined {
  if (configuration.members.length === 0 || greeting.configurationIndex > index) return undefined;
  const member = configuration.members.find((candidate) => candidate.id === greeting.nodeId);
  if (member === undefined) return `Node ${greeting.nodeId} is not a member of this cluster`;
  if (member.identity === greeting.identity || (member.identity === "" && !greeting.rejoin)) return undefined;
  if (greeting.rejoin) return `Node ${greeting.nodeId} waits until the leader has admitted its new data directory`;
  return `Node ${greeting.nodeId} is known with another data directory (identity ${member.identity}, not ` +
    `${greeting.identity}): if its data is lost, start it once with an empty directory and --new-identity`;
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
    if (greeting === undefined || !greeting.rejoin || member.id === self) continue;
    if (member.identity === greeting.identity) continue;
    const voters = configuration.voters.filter((id) => id !== member.id);
    if (voters.length === 0) continue;
    const learners = [...configuration.learners.filter((id) => id !== member.id), member.id];
    const renamed = { ...member, identity: greeting.identity };
    return { members: replace(configuration.members, renamed), voters, learners };
  }
  return undefined;
}

function duePromotion({ status, greetings }: MembershipFacts): DueChange | undefined {
  const { configuration, progress, commitIndex } = status;
  for (const peer of progress) {
    if (!configuration.learners.includes(peer.id) || greetings.get(peer.id)?.rejoin !== true) continue;
    if (peer.state !== "Replicate" || peer.matchIndex + CAUGHT_UP_ENTRIES < commitIndex) continue;
    const learners = configuration.learners.filter((id) => id !== peer.id);
    return { members: configuration.members, voters: [...configuration.voters, peer.id], learners };
  }
  return undefined;
}

function dueAnnouncements({ status, greetings, self, own }: MembershipFacts): DueChange | undefined {
  const { members, voters, learners } = status.configuration;
  const renewed = members.map((member) => renew(member, member.id === self ? own : greetings.get(member.id)));
  const news = renewed.some((member, at) => member !== members[at]);
  return news ? { members: renewed, voters, learners } : undefined;
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
