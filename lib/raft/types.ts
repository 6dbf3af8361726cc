/** The nouns of Raft: indexes, terms, entries, configurations. No behaviour beyond making and comparing them. */

import type { IdRange } from "./retired.ts";

declare const indexBrand: unique symbol;
declare const termBrand: unique symbol;
declare const ticksBrand: unique symbol;

/** Highest id of a server. */
export const NODE_ID_MAX = 0x7fffffff;
/** Servers of a cluster: every configuration entry names them all, and so does the answer to one that joins. */
export const MEMBERS_MAX = 32;

/** Identifies a server, 0 to `NODE_ID_MAX`, unique in the cluster and never reused for another directory. */
export type NodeId = number;
/** Position in the log; the first entry has index 1, and 0 means "before the log". */
export type Index = number & { readonly [indexBrand]: true };
/** Raft 5.1: logical time; 0 before the first election. */
export type Term = number & { readonly [termBrand]: true };
/** Time inside the core: a count of `Tick` events. */
export type Ticks = number & { readonly [ticksBrand]: true };

/** Brands a non-negative safe integer as an index. */
export function toIndex(value: number): Index {
  return value as Index;
}

/** Brands a non-negative safe integer as a term. */
export function toTerm(value: number): Term {
  return value as Term;
}

/** Brands a non-negative safe integer as a number of ticks. */
export function toTicks(value: number): Ticks {
  return value as Ticks;
}

/** Names one entry for ever: Raft 5.3, two entries with the same index and term hold the same command. */
export interface EntryId {
  readonly index: Index;
  readonly term: Term;
}

/** The id before the first entry of an empty log. */
export const ZERO_ENTRY_ID: EntryId = { index: toIndex(0), term: toTerm(0) };

/** A command for the state machine; to Raft an opaque byte string (one character 0x00-0xFF per byte). */
export interface CommandEntry extends EntryId {
  readonly type: "Command";
  readonly command: string;
}

/** Raft 8: the entry a leader appends at the start of its term. */
export interface NoOpEntry extends EntryId {
  readonly type: "NoOp";
}

/** Raft 6: a configuration, in force on a server as soon as it is in that server's log. */
export interface ConfigurationEntry extends EntryId {
  readonly type: "Configuration";
  readonly configuration: Configuration;
}

/** One entry of the log. Entries are immutable, and so are arrays of entries once handed out. */
export type Entry = CommandEntry | NoOpEntry | ConfigurationEntry;

/** What the cluster knows of one server. To the core everything but `id` is opaque. */
export interface Member {
  readonly id: NodeId;
  /** `host:port` of the peer port. */
  readonly address: string;
  /** `host:port` of the client port. */
  readonly clientAddress: string;
  /** `host:port` of its HTTP port; left out until it has said so. */
  readonly httpAddress?: string;
  /** Random name of the server's data directory; "" until it has been seen. A wiped directory gets another one. */
  readonly identity: string;
}

/** Raft 6: who replicates and who decides. Joint while `votersOld` is not empty: then both majorities are needed. */
export interface Configuration {
  /** Every server named in the id lists below, in ascending order of id. */
  readonly members: readonly Member[];
  /** The voters, or C_new's voters while joint. Ascending, no duplicates. */
  readonly voters: readonly NodeId[];
  /** C_old's voters while joint, else empty. */
  readonly votersOld: readonly NodeId[];
  /** Servers that get entries but have no vote and count in no majority. Disjoint from `voters`. */
  readonly learners: readonly NodeId[];
  /** The random name that the first leader gave to the cluster; from then on in every configuration, and never another. */
  readonly clusterId?: string;
  /** Ids of removed servers, as `retire` makes them; left out while there are none. */
  readonly retired?: readonly IdRange[];
  /** Members that shall not lead (drained.ts), ascending; left out while there are none. */
  readonly drained?: readonly NodeId[];
  /** The version of the protocol that is on in the cluster (ADR 18); left out before the first switch. It never falls. */
  readonly level?: number;
}

/** The configuration of a server that waits to be admitted: it never campaigns and learns the members from a leader. */
export const EMPTY_CONFIGURATION: Configuration = { members: [], voters: [], votersOld: [], learners: [] };

/** Raft figure 2: the state that must be durable before any RPC that depends on it is answered. The log is apart. */
export interface HardState {
  readonly currentTerm: Term;
  readonly votedFor: NodeId | undefined;
  /** The cluster's id, left out until it is known to be committed; see founding.ts. */
  readonly clusterId?: string;
}

/** What a snapshot replaces (Raft 7), and what the core must know of it. */
export interface SnapshotDescription {
  readonly lastIncluded: EntryId;
  /** The latest configuration at or below `lastIncluded.index`. */
  readonly configuration: Configuration;
  /** Size of the snapshot file in bytes, the range of the chunk offsets. */
  readonly bytes: number;
}

/** The role of a server. `PreCandidate` is the state of the Raft thesis 9.6: asking without raising the term. */
export type Role = "Follower" | "PreCandidate" | "Candidate" | "Leader";
