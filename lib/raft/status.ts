/** What the core tells about itself to the driver and to people. A copy; reading it changes nothing. */

import type { Configuration, EntryId, Index, NodeId, Role, Term, Ticks } from "./types.ts";

/** How the leader feeds one peer (the diagram is in progress.ts). */
export type ProgressState = "Probe" | "Replicate" | "Snapshot";

/** A leader's knowledge of one peer. */
export interface PeerProgress {
  readonly id: NodeId;
  readonly state: ProgressState;
  readonly matchIndex: Index;
  readonly nextIndex: Index;
  /** Ticks since the last answer. */
  readonly silentTicks: Ticks;
}

/** The state of figure 2 and what surrounds it. */
export interface RaftStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly currentTerm: Term;
  readonly votedFor: NodeId | undefined;
  readonly leaderId: NodeId | undefined;
  readonly commitIndex: Index;
  /** First index still in memory; `lastIndex + 1` when the log is empty. */
  readonly firstIndex: Index;
  readonly lastEntry: EntryId;
  /** The last entry that is durable here. */
  readonly lastDurable: EntryId;
  readonly snapshot: EntryId;
  /** Bytes of the commands in memory. */
  readonly logBytes: number;
  readonly configuration: Configuration;
  /** True from the first commit of the own term on: only then are reads confirmed (Raft 8). False when not leader. */
  readonly termCommitted: boolean;
  /** The peers a leader feeds; empty on others. */
  readonly progress: readonly PeerProgress[];
  /** The target of a leadership transfer under way. */
  readonly transferTarget: NodeId | undefined;
  /** The id of the cluster; undefined until it is known to be committed. */
  readonly clusterId?: string | undefined;
  /** A peer with data, because of which this server with its empty directory begins no cluster. */
  readonly foundingHeldBy?: NodeId | undefined;
  /** Campaigns (not PreVotes) started in this life. */
  readonly electionsStarted: number;
}
