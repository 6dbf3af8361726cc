/** What a node shows of itself and its cluster: pure functions from states to views. */

import { describeCommand } from "../../kv/describe.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { Entry, Index, Member, NodeId } from "../../raft/types.ts";
import { toIndex } from "../../raft/types.ts";
import type { PeerAddresses, PeerInfo, PeerStatus } from "../../transport/transport.ts";
import type { VersionRange } from "../../transport/versions.ts";
import type { LogLine, MemberView, NodeStatus, Quorum } from "../api.ts";

/** What `quorumOf` looks at. */
export interface QuorumFacts {
  readonly self: NodeId;
  readonly voters: readonly NodeId[];
  readonly peers: readonly PeerInfo[];
}

/** How many of the voters node `self` reaches, itself included, and how many a majority is. */
export function quorumOf({ self, voters, peers }: QuorumFacts): Quorum {
  const reached = new Set(peers.filter((peer) => peer.reachable).map((peer) => peer.id)).add(self);
  return {
    reachable: voters.filter((id) => reached.has(id)).length,
    total: voters.length,
    needed: Math.floor(voters.length / 2) + 1,
  };
}

/** What a node tells its peers about itself. */
export function peerStatusOf(
  { role, currentTerm: term, leaderId, commitIndex, lastDurable }: RaftNode,
  own: Pick<PeerStatus, "lastApplied" | "clientAddress" | "httpAddress" | "checks" | "suspect" | "quarantined">,
): PeerStatus {
  return { role, term, leaderId, commitIndex, lastDurable, ...own };
}

/** Whom a node may talk to: the members it knows by its log, or else those that the operator named. */
export interface DialFacts {
  readonly self: NodeId;
  readonly known: readonly Member[];
  readonly named: readonly Member[];
  /** The address that each node announced in its last handshake with this one; "" where it said none. */
  announced(id: NodeId): string;
}

/**
 * The servers to keep connections to, own id excluded. What a node says of itself comes first, then the log, then what the
 * operator said: only the node itself knows where it is now, and the operator's list may be as old as this process.
 */
export function peersToDial({ self, known, named, announced }: DialFacts): readonly PeerAddresses[] {
  const ids = new Set((known.length > 0 ? known : named).map(({ id }) => id));
  ids.delete(self);
  return Array.from(ids, (id) => {
    const listed = [...known, ...named].filter((member) => member.id === id).map(({ address }) => address);
    return { id, addresses: [...new Set([announced(id), ...listed])].filter((address) => address !== "") };
  });
}

/** What `memberViews` looks at. */
export interface MemberFacts {
  readonly id: NodeId;
  readonly self: PeerStatus;
  readonly status: NodeStatus;
}

/** One view of each member, in ascending order of id. */
export function memberViews({ id, self, status }: MemberFacts): readonly MemberView[] {
  const { configuration, progress } = status.raft;
  const newest = newestCommit(self, status.peers);
  return configuration.members.map((member) => {
    const voter = configuration.voters.includes(member.id);
    const drained = configuration.drained?.includes(member.id) === true;
    if (member.id === id) {
      const { versions } = status;
      return view(member, { voter, drained, reachable: true, known: self, versions, lastContactMs: 0, newest });
    }
    const peer = status.peers.find((candidate) => candidate.id === member.id);
    const lastContactMs = peer?.lastContact === undefined ? undefined : Math.max(0, status.now - peer.lastContact);
    const seen = view(member, {
      voter,
      drained,
      reachable: peer?.reachable ?? false,
      known: peer?.status,
      versions: peer?.versions,
      lastContactMs,
      newest,
    });
    const matched = progress.find((candidate) => candidate.id === member.id)?.matchIndex;
    const matchIndex = lastSeenIndex(seen, matched);
    return matchIndex === undefined ? seen : { ...seen, matchIndex, lag: Math.max(0, newest - matchIndex) };
  });
}

/**
 * The last entry known to be durable at a peer. A leader's own knowledge is fresher than the peer's last ping, but begins at 0
 * with each term: for a peer that is away it knows less than the pings did.
 */
function lastSeenIndex({ reachable, matchIndex: told }: MemberView, matched: Index | undefined): Index | undefined {
  if (matched === undefined || matched === 0) return told;
  return reachable || told === undefined || matched > told ? matched : told;
}

interface ViewFacts {
  readonly voter: boolean;
  readonly drained: boolean;
  readonly reachable: boolean;
  readonly known: PeerStatus | undefined;
  readonly versions: VersionRange | undefined;
  readonly lastContactMs: number | undefined;
  readonly newest: Index;
}

function view(
  member: Member,
  { voter, drained, reachable, known, versions, lastContactMs, newest }: ViewFacts,
): MemberView {
  const matchIndex = known?.lastDurable.index;
  return {
    id: member.id,
    clientAddress: known?.clientAddress ?? member.clientAddress,
    // A server that was not heard in this life is where it said to be in an earlier one.
    httpAddress: known?.httpAddress || (member.httpAddress ?? ""),
    peerAddress: member.address,
    voter,
    drained,
    reachable,
    quarantined: known?.quarantined === true,
    role: known?.role,
    term: known?.term,
    matchIndex,
    lag: matchIndex === undefined ? undefined : Math.max(0, newest - matchIndex),
    versions,
    lastContactMs,
  };
}

function newestCommit(self: PeerStatus, peers: readonly PeerInfo[]): Index {
  let newest: number = self.commitIndex;
  for (const peer of peers) newest = Math.max(newest, peer.status?.commitIndex ?? 0);
  return toIndex(newest);
}

/** One line for each entry, oldest first. */
export function logLines(entries: readonly Entry[]): readonly LogLine[] {
  return entries.map((entry) => ({ id: { index: entry.index, term: entry.term }, text: describeEntry(entry) }));
}

function describeEntry(entry: Entry): string {
  if (entry.type === "Command") return describeCommand(entry.command);
  if (entry.type === "NoOp") return "(no-op)";
  const { voters, votersOld, learners, drained = [], level } = entry.configuration;
  const old = votersOld.length > 0 ? ` from voters ${votersOld.join(",")}` : "";
  const more = learners.length > 0 ? ` learners ${learners.join(",")}` : "";
  const resting = drained.length > 0 ? ` drained ${drained.join(",")}` : "";
  const on = level === undefined ? "" : ` level ${level}`;
  return `(configuration${old} voters ${voters.join(",")}${more}${resting}${on})`;
}
