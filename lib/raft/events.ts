/** What may happen to the core. One `step` takes one event. */

import type { Message } from "./messages.ts";
import type { Commands } from "./run.ts";
import type { EntryId, Member, NodeId, SnapshotDescription } from "./types.ts";

/** Time passes by one tick. */
export interface Tick {
  readonly type: "Tick";
}

/** A message arrived. The transport has checked frame, cluster and sender; everything else is the core's to doubt. */
export interface Receive {
  readonly type: "Receive";
  readonly message: Message;
}

/** Clients ask for commands, appended in this order or refused as one. `id` names them in the `Update`. */
export interface Propose {
  readonly type: "Propose";
  readonly id: number;
  readonly commands: Commands;
}

/** Readers ask for a confirmed commit index (thesis 6.4). `id` is the driver's, never reused in this process. */
export interface Read {
  readonly type: "Read";
  readonly id: number;
}

/** Writes of the log up to and including write number `write` are durable; `last` is the last entry of that write. */
export interface Persisted {
  readonly type: "Persisted";
  readonly write: number;
  readonly last: EntryId;
}

/** The operator, or the driver for him, asks for another configuration (Raft 6). */
export interface ChangeMembership {
  readonly type: "ChangeMembership";
  readonly id: number;
  /** Every server of the target configuration, in any order. */
  readonly members: readonly Member[];
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Members that shall not lead; as it is when left out. */
  readonly drained?: readonly NodeId[];
  /** The level to rise to; left out where it stays. */
  readonly level?: number;
}

/** Thesis 3.10. Without `target` the voter with the longest log is taken. */
export interface TransferLeadership {
  readonly type: "TransferLeadership";
  readonly target: NodeId | undefined;
}

/** The driver wrote a snapshot of the state machine: the log may be cut up to `keepFrom` (exclusive). */
export interface SnapshotTaken {
  readonly type: "SnapshotTaken";
  readonly snapshot: SnapshotDescription;
  /** Entries below this index are dropped; at most `snapshot.lastIncluded.index + 1`. What is above stays for followers that lag. */
  readonly keepFrom: number;
}

/** The snapshot received by InstallSnapshot is verified, durable and loaded into the state machine. */
export interface SnapshotInstalled {
  readonly type: "SnapshotInstalled";
  readonly snapshot: SnapshotDescription;
}

/** The received snapshot could not be used (a checksum failed, no space): the transfer starts again at offset 0. */
export interface SnapshotRejected {
  readonly type: "SnapshotRejected";
  readonly lastIncluded: EntryId;
}

/** The connection to or from `peer` ended: a process that dies closes its sockets. */
export interface PeerDisconnected {
  readonly type: "PeerDisconnected";
  readonly peer: NodeId;
}

/** A handshake told what a peer holds, also where the two then refused each other. */
export interface PeerIntroduced {
  readonly type: "PeerIntroduced";
  readonly peer: NodeId;
  /** It knows the id of the cluster it belongs to: so it may hold data. */
  readonly knowsCluster: boolean;
}

/** The process did not run for a while (SIGSTOP, a long stall): forget leadership confidence, restart the timers. */
export interface Stalled {
  readonly type: "Stalled";
}

/** The state of this server was found not to be sound, or is again; see quarantine.ts. */
export interface Quarantine {
  readonly type: "Quarantine";
  readonly isOn: boolean;
}

/** The state of `peer` is not sound: a leader sends it its newest snapshot, though it may have entries for it. */
export interface SendSnapshot {
  readonly type: "SendSnapshot";
  readonly peer: NodeId;
}

/** Every event, told apart by `type`. */
export type Event =
  | Tick
  | Receive
  | Propose
  | Read
  | Persisted
  | ChangeMembership
  | TransferLeadership
  | SnapshotTaken
  | SnapshotInstalled
  | SnapshotRejected
  | PeerDisconnected
  | PeerIntroduced
  | Stalled
  | Quarantine
  | SendSnapshot;
