/** What `kvstore member` says, in its help as well as when it runs. */

import { keepsMemberLists, MEMBER_LISTS_LEVEL } from "../raft/retired.ts";
import type { NodeId } from "../raft/types.ts";
import type { ClusterMember } from "./cluster_view.ts";
import { isAddress, PEER_PORT_OFFSET } from "../transport/address.ts";
import { CHANGE_UNKNOWN, LEADER_TOO_OLD } from "../node/membership/change_texts.ts";
import { type Place, showAddress } from "./peers.ts";

/** What the texts tell of a cluster. */
interface Known {
  readonly leader: NodeId | undefined;
  readonly level: number;
  readonly members: readonly Pick<ClusterMember, "id" | "clientAddress" | "voter">[];
}

/** The words behind `kvstore member`, each with its operands. */
export const USAGES: Readonly<Record<string, string>> = {
  list: "kvstore member [list]",
  add: "kvstore member add [ID=]HOST:PORT[@PEERPORT]",
  promote: "kvstore member promote ID",
  remove: "kvstore member remove ID",
  replace: "kvstore member replace OLD NEW",
  move: "kvstore member move ID HOST:PORT",
  drain: "kvstore member drain ID",
  undrain: "kvstore member undrain ID",
};

/** What is asked before a server is added. */
export function willAdd(where: string): string {
  return `Adds a server at ${where} as a learner, which counts in no majority.`;
}

/** What is asked before a learner gets a vote. */
export function willPromote(id: NodeId, view: Known): string {
  return `Gives ${nameOf(id, view)} a vote.${
    countAfter(view, view.members.some((one) => one.id === id && one.voter) ? 0 : 1)
  }`;
}

/** What is asked before a member is removed. */
export function willRemove(id: NodeId, view: Known): string {
  const lost = view.members.some((one) => one.id === id && one.voter) ? -1 : 0;
  return `Removes ${nameOf(id, view)} for good${
    keepsMemberLists(view) ? ": its id and its directory are never used again" : ""
  }.${countAfter(view, lost)}`;
}

/** What is asked before a member is drained. */
export function willDrain(id: NodeId, view: Known): string {
  const handsOver = view.leader === id ? " It hands over now." : "";
  return `${
    capital(nameOf(id, view))
  } is not to lead, and is not ready for clients, until it is undrained.${handsOver}`;
}

/** What is asked before that ends. */
export function willUndrain(id: NodeId, view: Known): string {
  return `${capital(nameOf(id, view))} may lead again, and is ready for clients.`;
}

/** A member is drained, and does not lead. */
export function drained(id: NodeId): string {
  return `Member ${id} is drained.`;
}

/** A member is drained no more. */
export function undrained(id: NodeId): string {
  return `Member ${id} is not drained any more.`;
}

/** What a drain waits for when it is committed. */
export function stillLeads(id: NodeId): string {
  return `member ${id} hands over`;
}

/** What is asked before a member is replaced. */
export function willReplace(old: NodeId, replacement: string): string {
  return `Gives server ${replacement} a vote in the place of member ${old}, which is then removed for good.`;
}

/** What is to be done while a move waits. */
export function willMove(id: NodeId, { host, port }: Place): string {
  return `Stop node ${id}, and start it with the same directory: kvstore node --node-id ${id} --host ${host} --port ${port} ...`;
}

/** What a move costs where every voter is needed, as with one or two: there is no other way to move one. */
export function willPause(id: NodeId, voters: number): string {
  const why = voters === 1 ? "it is the only voter" : `all ${voters} voters are needed`;
  return `Reads and writes wait while node ${id} is stopped: ${why}. Nothing is lost.`;
}

/** Why a member that answers is not to be stopped. */
export function notSpared(
  id: NodeId,
  { needed, lost }: { readonly needed: number; readonly lost: readonly NodeId[] },
): string {
  return `Nothing was begun: without member ${id} the voters that answer are less than the ${needed} that are needed: ` +
    `start ${lost.join(", ")} again first, or remove what is lost for good`;
}

/** A server was added, and how to start it. */
export function added(id: NodeId, { host, port, peerPort }: Place, { leader, members }: Known): string {
  const address = members.find((member) => member.id === leader)?.clientAddress ?? "";
  // The line is pasted into a shell.
  const seed = isAddress(address) ? address : "HOST:PORT";
  const peer = peerPort === port + PEER_PORT_OFFSET ? "" : ` --peer-port ${peerPort}`;
  if (members.some((member) => member.id === id && member.voter)) {
    return `Server ${id} (${showAddress(host, port)}) is a member already, and has a vote.`;
  }
  return `Server ${id} (${showAddress(host, port)}) is a learner of the cluster. Start it there: ` +
    `kvstore node --join ${seed} --node-id ${id} --host ${host} --port ${port}${peer}`;
}

/** A member has a vote. */
export function promoted(id: NodeId, view: Known): string {
  return `${capital(nameOf(id, view))} has a vote.`;
}

/** A member was removed, and is listed or not. */
export function removed(id: NodeId, isListed: boolean): string {
  return isListed
    ? `Member ${id} is removed. Its id and its directory are never used again.`
    : `Member ${id} is removed. Stop it, and never start it on its directory again: the cluster does not keep in mind that ` +
      "it was removed, since a member has an older program or has not been heard";
}

/** A member was replaced. */
export function replaced(old: NodeId, id: NodeId): string {
  return `Member ${id} has a vote in the place of ${old}, which is removed.`;
}

/** A member is where it was to be. */
export function moved(id: NodeId, address: string): string {
  return `Member ${id} is at ${address}.`;
}

/** A server that is no member. */
export function noMember(id: NodeId, { members }: Known): string {
  return `There is no member ${id}; the members are ${members.map((member) => member.id).join(", ")}`;
}

/** An address that another member has. */
export function taken(address: string, holder: NodeId): string {
  return `${address} is the address of member ${holder}; a member needs one of its own`;
}

/** What is waited for while a new server is no member. */
export function notJoined(id: NodeId): string {
  return `server ${id} is no member yet: start it with kvstore node --join, or add it first`;
}

/** What is waited for while a member is elsewhere. */
export function notMoved(id: NodeId, address: string): string {
  return `member ${id} is not heard at ${address} yet`;
}

/** What was waited for has not come about. */
export function late(waitedMs: number, reason: string): string {
  return `Not done within ${waitedMs} ms, and the same command goes on from here. ${capital(reason)}`;
}

function nameOf(id: NodeId, { members }: Known): string {
  const member = members.find((candidate) => candidate.id === id);
  return member === undefined ? `member ${id}` : `member ${id} (${member.clientAddress})`;
}

function countAfter({ members }: Known, more: number): string {
  const count = members.filter((member) => member.voter).length + more;
  return ` Then ${count} vote, and ${Math.floor(count / 2) + 1} are needed.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

const SAMPLE: Known = {
  leader: 0,
  level: MEMBER_LISTS_LEVEL,
  members: [0, 1, 2, 3].map((id) => ({ id, clientAddress: `10.0.0.${id + 1}:5000`, voter: id < 3 })),
};
const PLACE: Place = { id: undefined, host: "10.0.0.4", port: 5_000, peerPort: 15_000 };

/** What the commands print in the end: lines as they are for a cluster of voters 0 to 2 and learner 3, and the exit codes. */
export const MEMBER_LINES: readonly (readonly [line: string, exitCode: number])[] = [
  [added(3, PLACE, SAMPLE), 0],
  [added(1, { ...PLACE, host: "10.0.0.2" }, SAMPLE), 0],
  [promoted(3, SAMPLE), 0],
  [removed(0, true), 0],
  [removed(0, false), 0],
  [replaced(0, 3), 0],
  [moved(1, "10.0.0.9:5000"), 0],
  [drained(1), 0],
  [undrained(1), 0],
  [noMember(7, SAMPLE), 1],
  [taken("10.0.0.2:5000", 1), 1],
  ...[
    "of the 3 voters 1 can be reached, and 2 are needed: start 1, 2 again, or remove first what is lost for good",
    "of the 2 voters that would be left 1 can be reached, and 2 are needed: start 1 again, or remove first what is lost for good",
    "of the 4 voters that there would be 2 can be reached, and 3 are needed: start 1, 2 again, or remove first what is lost for good",
    "it is the last voter: add another and promote it first",
    "no voter would be left that may lead: undrain another one first",
    "not all members can keep in mind who is drained yet: upgrade those that CLUSTER shows with an older protocol",
    "the id 1 is that of the member at 10.0.0.2:5000: leave the id out, or give another",
    "10.0.0.2:5000 is an address of member 1: give the new server its own",
    "the cluster has 32 members, and may have 32: remove one first",
    "server 1 was removed, and its id is never used again: add a new one without an id",
    "not all members can keep in mind who was removed yet: upgrade those that CLUSTER shows with an older protocol",
    LEADER_TOO_OLD,
  ].map((reason) => [`Nothing was begun: ${reason}`, 1] as const),
  [notSpared(1, { needed: 2, lost: [2] }), 1],
  ...[
    "Nothing was begun: another change of the membership, or an election, is not settled yet: ask again in a moment",
    "Nothing was begun: the leadership is being handed over: ask again in a moment",
    "Nothing was begun: the cluster has changed since this was asked for, a member may have come back with an older program: ask again in a moment",
    "Nothing was begun: the leader's disk is full: make room there",
    "Nothing was begun: of the 2 voters that would be left 2 are needed, and server 2 is in quarantine, or about to be, until the others have repaired it: ask again in a moment",
    "Nothing was begun: of the 3 voters 2 are needed, and server 2 is in quarantine, or about to be, until the others have repaired it: start 1 again, and ask again",
    "Nothing was begun: the cluster does not keep in mind who was removed yet: ask again in a moment",
    "Nothing was begun: the cluster does not keep in mind who is drained yet: ask again in a moment",
    "Nothing was begun: server 3 has not been heard: start it, or see why it cannot be reached",
    "Nothing was begun: server 3 has not been heard, and may not keep in mind who was removed: start it, or remove it first",
    "Nothing was begun: server 3 has not been heard, and may not keep in mind who is drained: start it, or remove it first",
    "Nothing was begun: server 3 has not caught up, it lacks 4200 entries: ask again in a moment; it must have kept within 1000 ms of the leader for 1000 ms",
    notJoined(3),
    notMoved(1, "10.0.0.9:5000"),
    stillLeads(1),
  ].map((reason) => [late(600_000, reason), 1] as const),
  [late(600_000, CHANGE_UNKNOWN), 6],
  ["Nothing was done", 1],
  ["This changes the cluster: give --yes where nobody can be asked", 2],
];
