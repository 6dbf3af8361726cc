/** Reads `--peers`: who the nodes of the cluster are, and which of them this one is. */

import { ADDRESS_FORM } from "../node/membership/member_addresses.ts";
import { isAddress, parseAddress, PEER_PORT_OFFSET } from "../transport/address.ts";
import { type Member, NODE_ID_MAX, type NodeId } from "../raft/types.ts";
import { quoteForPeople, UsageError } from "./usage_error.ts";

/** What is known of this node before the list is read. Ports are undefined when they were not given. */
export interface OwnAddress {
  readonly nodeId: NodeId | undefined;
  readonly host: string;
  readonly port: number;
  /** Whether the port was given and not merely the default. */
  readonly portGiven: boolean;
  readonly peerPort: number | undefined;
}

/** Who this node is and with whom it forms a cluster. */
export interface ResolvedPeers {
  readonly nodeId: NodeId;
  readonly port: number;
  readonly peerPort: number;
  /** Every node, own one included, in ascending order of id. */
  readonly members: readonly Member[];
}

/** One node of a list, or a new one. */
export interface Place {
  readonly id: NodeId | undefined;
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
}

/** Throws `UsageError` with the reason when the list and the node's own address do not fit together. */
export function resolvePeers(list: string | undefined, own: OwnAddress): ResolvedPeers {
  const items = itemsOf(list ?? "");
  const places = items.map((item) => readListed(item, { ownHost: own.host, flag: "--peers" }));
  refuseDuplicates(places);
  const named = places.filter((place) => place.id !== undefined);
  if (named.length > 0 && named.length < places.length) {
    throw new UsageError("--peers mixes entries with and without an id; write id=host:port for all of them");
  }
  return named.length > 0 ? resolveNamed(places, own) : resolveRanks(places, own);
}

/** The peer ports of the nodes in a list like that of `--peers`, for `--join`. Throws `UsageError`. */
export function seedAddresses(list: string, ownHost: string): readonly string[] {
  const places = itemsOf(list).map((item) => readListed(item, { ownHost, flag: "--join" }));
  if (places.length === 0) throw new UsageError("--join names no node; write host:port of one or more");
  return places.map(({ host, peerPort }) => showAddress(host, peerPort));
}

function itemsOf(list: string): readonly string[] {
  return list.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

/** The client port's peer port. Throws `UsageError` when there is none. */
export function defaultPeerPort(port: number): number {
  const peerPort = port + PEER_PORT_OFFSET;
  if (peerPort <= 65_535) return peerPort;
  throw new UsageError(
    `Port ${port} leaves no room for its peer port (port + ${PEER_PORT_OFFSET}); ` +
      `take a port up to ${65_535 - PEER_PORT_OFFSET} or give --peer-port`,
  );
}

/** Names of this machine are compared by their address. */
export function normaliseHost(host: string): string {
  const name = host.toLowerCase();
  return name === "localhost" ? "127.0.0.1" : name;
}

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  const name = normaliseHost(host);
  // A name may begin with these digits, too, and lead anywhere.
  return /^127(\.[0-9]{1,3}){3}$/.test(name) || name === "::1";
}

/** Whether the address stands for all addresses of the machine, so that no other node can use it. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** An entry of a list that other nodes and people are told of. Throws `UsageError`. */
function readListed(item: string, from: { readonly ownHost: string; readonly flag: string }): Place {
  const place = readPlace(item, from);
  if (isAddress(showAddress(place.host, place.port))) return place;
  throw new UsageError(`${from.flag} has the entry ${quoteForPeople(item)}; ${ADDRESS_FORM}`);
}

/** Reads `port`, `host:port` or `id=host:port`, each with `@peerport` or without. Throws `UsageError`, which begins with `flag`. */
export function readPlace(
  item: string,
  { ownHost, flag }: { readonly ownHost: string; readonly flag: string },
): Place {
  const match = /^(?:([0-9]{1,10})=)?([^=@]+?)(?:@([0-9]{1,5}))?$/.exec(item);
  const where = match?.[2] ?? "";
  const endpoint = /^[0-9]+$/.test(where) ? parseAddress(`${bracket(ownHost)}:${where}`) : parseAddress(where);
  const id = match?.[1] === undefined ? undefined : Number(match[1]);
  const peerPort = match?.[3] === undefined ? undefined : Number(match[3]);
  const bad = endpoint === undefined || (id ?? 0) > NODE_ID_MAX || peerPort === 0 || (peerPort ?? 1) > 65_535;
  if (bad) {
    throw new UsageError(
      `${flag} has the entry ${quoteForPeople(item)}; ` +
        "write a port (5001), host:port (10.0.0.2:5000) or id=host:port[@peerport] (1=10.0.0.2:5000@15000)",
    );
  }
  const host = normaliseHost(endpoint.hostname);
  return { id, host, port: endpoint.port, peerPort: peerPort ?? defaultPeerPort(endpoint.port) };
}

/** An id of a node as an operand. Throws `UsageError`. */
export function readNodeId(text: string): NodeId {
  if (/^[0-9]{1,10}$/.test(text) && Number(text) <= NODE_ID_MAX) return Number(text);
  throw new UsageError(
    `A node's id is a whole number up to ${NODE_ID_MAX}, not ${
      quoteForPeople(text)
    }; kvstore member list shows the ids`,
  );
}

function refuseDuplicates(places: readonly Place[]): void {
  const ids = new Set<NodeId>();
  const addresses = new Set<string>();
  for (const place of places) {
    const client = `${place.host}:${place.port}`;
    const peer = `${place.host}:${place.peerPort}`;
    if (place.id !== undefined && ids.has(place.id)) throw new UsageError(`--peers names the id ${place.id} twice`);
    for (const address of [client, peer]) {
      if (addresses.has(address)) throw new UsageError(`--peers names the address ${address} twice`);
      addresses.add(address);
    }
    if (place.id !== undefined) ids.add(place.id);
  }
}

function resolveNamed(places: readonly Place[], own: OwnAddress): ResolvedPeers {
  const listed = places.find((place) => isOwn(place, own));
  if (own.nodeId === undefined && listed === undefined) {
    throw new UsageError("--peers names nodes by id, but not which of them this one is; give --node-id");
  }
  const self = listed ?? ownPlace(own, own.nodeId);
  const others = places.filter((place) => place !== listed);
  refuseDuplicates([...others, self]);
  refuseWildcard([...others, self], self);
  refuseUnreachable([...others, self], self);
  refuseOtherPorts(listed, own);
  return resolved([...others, self], self);
}

/** The list is what the other nodes go by, so the node must really listen where it says. */
function refuseOtherPorts(listed: Place | undefined, own: OwnAddress): void {
  if (listed === undefined) return;
  if (isLoopback(own.host) && !isLoopback(listed.host)) {
    throw new UsageError(
      `--peers names this node by ${listed.host}, but it would listen on ${own.host} only; ` +
        `give --host ${listed.host}, or --host 0.0.0.0`,
    );
  }
  if (own.portGiven && own.port !== listed.port) {
    throw new UsageError(`--peers gives this node the port ${listed.port}, but --port is ${own.port}`);
  }
  if (own.peerPort !== undefined && own.peerPort !== listed.peerPort) {
    throw new UsageError(
      `--peers gives this node the peer port ${listed.peerPort}, but --peer-port is ${own.peerPort}`,
    );
  }
}

/** No other node can connect to "every address of this machine". */
function refuseWildcard(all: readonly Place[], self: Place): void {
  if (all.length === 1 || !isWildcard(self.host)) return;
  throw new UsageError(
    `Other nodes cannot reach this one at ${self.host}; ` +
      "name it in --peers by the address they use: --peers id=host:port,... with all nodes, this one included",
  );
}

/** By id where one is given, else by address. */
function isOwn(place: Place, own: OwnAddress): boolean {
  if (own.nodeId !== undefined) return place.id === own.nodeId;
  return place.host === normaliseHost(own.host) && place.port === own.port;
}

function ownPlace(own: OwnAddress, id: NodeId | undefined): Place {
  const host = normaliseHost(own.host);
  return { id, host, port: own.port, peerPort: own.peerPort ?? defaultPeerPort(own.port) };
}

/** Without ids, a node's id is the rank of its address among all of them, so that every node finds the same ids. */
function resolveRanks(places: readonly Place[], own: OwnAddress): ResolvedPeers {
  const listed = places.find((place) => isOwn(place, { ...own, nodeId: undefined }));
  const self = listed ?? ownPlace(own, undefined);
  const all = listed === undefined ? [...places, self] : [...places];
  refuseDuplicates(all);
  refuseWildcard(all, self);
  refuseOtherPorts(listed, own);
  refuseUnreachable(all, self);
  all.sort(comparePlaces);
  const rank = all.indexOf(self);
  // A cluster of one has no other node that could disagree, so any id will do.
  if (all.length === 1) return resolved([{ ...self, id: own.nodeId ?? 0 }], { ...self, id: own.nodeId ?? 0 });
  if (own.nodeId !== undefined && own.nodeId !== rank) {
    const order = all.map((place, id) => `${id}=${showAddress(place.host, place.port)}`).join(",");
    throw new UsageError(
      `--node-id ${own.nodeId} does not fit: without ids in --peers a node's id is the rank of its address, here ${rank} ` +
        `(${order}); give --node-id ${rank}, or write the ids: --peers id=host:port,...`,
    );
  }
  const ranked = all.map((place, id) => ({ ...place, id }));
  return resolved(ranked, { ...self, id: rank });
}

/** Other machines cannot reach a node by an address of this machine alone, and would compute other ids. */
function refuseUnreachable(all: readonly Place[], self: Place): void {
  const remote = all.find((place) => place !== self && !isLoopback(place.host));
  if (remote === undefined || !isLoopback(self.host)) return;
  throw new UsageError(
    `Node ${showAddress(remote.host, remote.port)} cannot reach this one at ${self.host}; ` +
      "give --host the address by which the others reach it, or name all nodes: --peers id=host:port,...",
  );
}

function comparePlaces(left: Place, right: Place): number {
  const hosts = compareHosts(left.host, right.host);
  return hosts === 0 ? left.port - right.port : hosts;
}

/** IPv4 addresses by number, so that 10.0.0.2 comes before 10.0.0.10; names by their characters. */
function compareHosts(left: string, right: string): number {
  const [leftKey, rightKey] = [hostKey(left), hostKey(right)];
  return leftKey < rightKey ? -1 : leftKey > rightKey ? 1 : 0;
}

function hostKey(host: string): string {
  if (!/^[0-9]+(\.[0-9]+){3}$/.test(host)) return host;
  return host.split(".").map((part) => part.padStart(3, "0")).join(".");
}

function resolved(places: readonly Place[], self: Place): ResolvedPeers {
  const members = places.map(toMember).sort((left, right) => left.id - right.id);
  return { nodeId: self.id ?? 0, port: self.port, peerPort: self.peerPort, members };
}

function toMember(place: Place): Member {
  return {
    id: place.id ?? 0,
    address: showAddress(place.host, place.peerPort),
    clientAddress: showAddress(place.host, place.port),
    identity: "",
  };
}

/** `host:port`, with brackets around an IPv6 address. */
export function showAddress(host: string, port: number): string {
  return `${bracket(host)}:${port}`;
}

function bracket(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
