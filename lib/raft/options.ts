/** What the core is started with: recovered state, limits and its only source of chance. */

import type { Run } from "./run.ts";
import type { Configuration, HardState, Index, NodeId, SnapshotDescription, Ticks } from "./types.ts";

/** Limits and times of the core. Defaults in `DEFAULT_RAFT_LIMITS`. */
export interface RaftLimits {
  /** Ticks between heartbeats. */
  readonly heartbeatTicks: Ticks;
  /** Shortest election timeout: within it a server that heard the leader refuses to vote (thesis 4.2.3). */
  readonly electionTimeoutTicksMin: Ticks;
  /** AppendEntries with entries sent to one peer and not yet answered. */
  readonly inFlightMessagesMax: number;
  /** Entries in one AppendEntries. */
  readonly entriesPerMessageMax: number;
  /** Bytes of commands in one AppendEntries; one entry is always sent, however long. */
  readonly bytesPerMessageMax: number;
  /** Bytes in one InstallSnapshot chunk. */
  readonly chunkBytesMax: number;
  /** How long a peer that could not use a snapshot is sent none; twice as long after each further one. */
  readonly snapshotPauseTicksMin: Ticks;
  /** The longest of these pauses. */
  readonly snapshotPauseTicksMax: Ticks;
  /** Entries not yet committed above which a leader refuses proposals with `LogFull`. */
  readonly uncommittedEntriesMax: number;
  /** The same in bytes of commands. */
  readonly uncommittedBytesMax: number;
  /** Reads waiting for confirmation above which further ones are refused with `LogFull`. */
  readonly pendingReadsMax: number;
}

/** From which entry on the state may be read, and the time that its readers are told; to the core an opaque number. */
export interface ReadPoint {
  /** From the commit index to the last index of the log. */
  readonly index: number;
  readonly timeMs: number;
}

/** Everything the core needs at start. */
export interface RaftOptions {
  readonly id: NodeId;
  /** The configuration to start from when neither snapshot nor entries hold one. */
  readonly initialConfiguration: Configuration;
  readonly hardState: HardState;
  readonly snapshot: SnapshotDescription | undefined;
  /** The recovered log after the snapshot, contiguous, all durable. */
  readonly runs: readonly Run[];
  /** Random, another in each life of the process; 0 to 2^48-1. Makes ReadIndex tokens unique. */
  readonly incarnation: number;
  /**
   * Asked by a leader when a round of reads begins: its commit index or a later entry that they shall wait for, and its time.
   * Without it they get the commit index and time 0.
   */
  readPoint?(commitIndex: Index): ReadPoint;
  /**
   * A random id for a new cluster, asked of its first leader. Where it is left out the cluster gets none, and a server that
   * holds nothing does not ask who holds something before it campaigns (founding.ts).
   */
  makeClusterId?(): string;
  /** A fresh election timeout in ticks, at least `electionTimeoutTicksMin`. Asked at each restart of the timer. */
  drawElectionTimeout(): Ticks;
  /** How long this life waits for a leader before its first campaign; drawn like any other when left out (D16). */
  readonly firstElectionTimeoutTicks?: Ticks;
  /** A short random delay in ticks before the PreVote after `PeerDisconnected(leader)`. */
  drawDisconnectDelay(): Ticks;
  readonly limits: RaftLimits;
}
