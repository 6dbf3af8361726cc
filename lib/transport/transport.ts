/** What the driver asks of the peer transport: messages to and from the other servers, and who is connected. */

import type { EntryId, Index, NodeId, Role, Term } from "../raft/types.ts";
import type { PeerMessage } from "./forward.ts";
import type { VersionRange } from "./versions.ts";

/** What a node tells its peers about itself, carried by the answers to pings (once a second). */
export interface PeerStatus {
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | undefined;
  readonly commitIndex: Index;
  readonly lastApplied: Index;
  /** Last entry of the log that is durable. */
  readonly lastDurable: EntryId;
  readonly clientAddress: string;
  /** `host:port`; "" where it is not known. */
  readonly httpAddress: string;
  /** The digests that it took of its state last, the oldest first; left out for none. */
  readonly checks?: readonly StateCheck[];
  /** Its memory was found to be damaged, and it may go into quarantine. Left out for false. */
  readonly suspect?: boolean;
  /** Its state is not sound: it serves nothing, and needs a snapshot. Left out for false. */
  readonly quarantined?: boolean;
}

/** The digest of a node's state as it was when entry `index` had been applied. */
export interface StateCheck {
  readonly index: Index;
  /** Version and sum, as `1:00f3a96c12ab34cd`. */
  readonly digest: string;
}

/** What this node says in a handshake, and what the peer said in its own. */
export interface Greeting {
  /** Of the protocol between nodes. */
  readonly versions: VersionRange;
  /** The random id of the cluster; "" while the node knows none. */
  readonly clusterId: string;
  /** What the operator calls the cluster; "" when nothing was said. */
  readonly clusterName: string;
  readonly nodeId: NodeId;
  /** Random name of this life of the process. */
  readonly incarnation: number;
  /** Name of the data directory (`Ownership.identity`). */
  readonly identity: string;
  /** The directory is new and its owner asked (`--new-identity`) to be admitted again under the old id. */
  readonly rejoin: boolean;
  /** Started to join a cluster (`--join`) under an id that nobody has: it takes nobody's place. Left out for false. */
  readonly joins?: boolean;
  /** Is not to become a voter by itself (`--learner`). Left out for false. */
  readonly staysLearner?: boolean;
  /** Its runtime reads snapshots that are compressed with zstd. Left out for false. */
  readonly readsZstd?: boolean;
  /** Index of the configuration in force at the sender, 0 when it knows none: who knows a newer one cannot be judged. */
  readonly configurationIndex: number;
  /**
   * Fingerprint of the initial `id=address` list, so that the nodes of a new cluster that disagree about ids find out; ""
   * once the log knows this directory's identity: from then on ids and identities decide, and addresses may change.
   */
  readonly membersFingerprint: string;
  readonly clientAddress: string;
  /** `host:port` by which the others reach this node's peer port: the node's own word, which beats what they were told. */
  readonly peerAddress: string;
  /** `host:port` of its HTTP; left out where it is not known. */
  readonly httpAddress?: string;
}

/** A server to keep a connection to. */
export interface PeerAddresses {
  readonly id: NodeId;
  /** `host:port`, the best first; the next is tried where one leads to nobody, or to another node. At least one. */
  readonly addresses: readonly string[];
}

/** What is known of one peer for STATUS, STATS, CLUSTER and METRICS. Times are `Clock.now()` milliseconds. */
export interface PeerInfo {
  readonly id: NodeId;
  /** The address that is dialed now. */
  readonly address: string;
  /** Both directions are up and the last ping was answered in time. */
  readonly reachable: boolean;
  readonly lastContact: number | undefined;
  readonly roundTripMs: number | undefined;
  readonly status: PeerStatus | undefined;
  /** The last answer to a ping of this node: what the peer said of itself after `askedAt`, when the ping was sent. */
  readonly lastAnswer: { readonly status: PeerStatus; readonly askedAt: number } | undefined;
  /** The versions of the protocol that the peer spoke when it was connected last; undefined before that. */
  readonly versions: VersionRange | undefined;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly framesDropped: number;
  /** Why the last handshake failed, for people; undefined after a success. */
  readonly problem: string | undefined;
}

/** What a node tells one that has proved the cluster's secret and asks who is there. */
export interface Acquaintance {
  /** The members of the configuration in force, the node that tells it included: their ids and peer addresses. */
  readonly members: readonly PeerAddress[];
  /** The id that the asking directory shall use; only from a leader, and only when asked for. */
  readonly assignedId?: NodeId;
  /** Why the asking directory cannot be a member under its id, for people; left out where it may be. */
  readonly objection?: string;
}

/** A server and the address of its peer port. */
export interface PeerAddress {
  readonly id: NodeId;
  readonly address: string;
}

/** Why a peer may not exchange messages. */
export interface PeerRefusal {
  /** Sent to it, and logged. */
  readonly reason: string;
  /** It was removed from the cluster for good, by a committed configuration. */
  readonly removed: boolean;
}

/** The driver's side of the transport. Every call comes from the event loop, never from within a call to `Transport`. */
export interface TransportHandler {
  receive(message: PeerMessage): void;
  /** A connection that was up ended (either direction). Once for each loss of contact. */
  disconnected(peer: NodeId): void;
  /** Both directions came up. */
  connected(peer: NodeId): void;
  /** Why a peer that greets so may not exchange messages; undefined when it may. */
  admit(greeting: Greeting): PeerRefusal | undefined;
  /** What to tell a node that asks who is there; `wantsId` when its directory has no id yet. */
  acquaint(greeting: Greeting, wantsId: boolean): Acquaintance;
  /** A seed has said who it is, and who the members are. */
  acquainted(greeting: Greeting, members: readonly PeerAddress[]): void;
  /** A proven member says that this node was removed from the cluster. */
  removed(): void;
  /** A peer refused this node, and said that it belongs to the cluster of that id. */
  refusedBy(peer: NodeId, clusterId: string): void;
  /** What to put into the answer to a ping. */
  status(): PeerStatus;
}

/** Sends messages and tells what it knows of the peers. */
export interface Transport {
  /** Starts listening and connecting. Rejects with the system's error when the port is taken. */
  start(handler: TransportHandler): Promise<void>;
  /**
   * Queues a message; drops it (and counts) when the peer is not connected or its queue is full: then false, and it was
   * certainly not sent. Raft repeats. Never throws.
   */
  send(message: PeerMessage): boolean;
  /** Writes what is queued, one write per connection. Called at the end of each pass of the driver. */
  flush(): void;
  /** The servers to keep connections to, own id excluded; called again when the configuration changes. */
  setPeers(peers: readonly PeerAddresses[]): void;
  /** Closes the connections of one peer, so that the handshake is done again. */
  reset(peer: NodeId): void;
  peers(): readonly PeerInfo[];
  /** Messages sent and received by `type`, for METRICS. */
  counts(): { readonly sent: ReadonlyMap<string, number>; readonly received: ReadonlyMap<string, number> };
  stop(): Promise<void>;
}
