/** What a running node offers to the protocols: writes, confirmed reads, and what there is to know about it. */

import type { KeyRecord } from "../kv/key_record.ts";
import type { Call, Command, CommandOrigin, Compare } from "../kv/commands.ts";
import type { Reply } from "../kv/replies.ts";
import type { CommandResult } from "../kv/results.ts";
import type { Shown } from "../kv/rights.ts";
import type { UsersView } from "../kv/users.ts";
import type { Registry } from "../observe/metrics.ts";
import type { PeerInfo } from "../transport/transport.ts";
import type { VersionRange } from "../transport/versions.ts";
import type { Commands } from "../raft/run.ts";
import type { RaftStatus } from "../raft/status.ts";
import type { EntryId, Index, NodeId, Role, Term } from "../raft/types.ts";
import type { DiskSpace } from "../storage/disk.ts";
import type { Span } from "../store/span.ts";
import type { StorageSizes } from "../storage/storage.ts";
import type { Changes } from "./changes/changes.ts";
import type { DateOffset } from "./clock/machine_dates.ts";

/** Why a request was certainly not done: it is safe to send it again. */
export type NotDoneReason =
  /** This node is a follower; `leaderId` says of whom. */
  | "NotLeader"
  /** No leader is known here: an election is under way, or this node is cut off from the majority. */
  | "NoLeader"
  /** Too many requests wait; the client should slow down. */
  | "Overloaded"
  /** The leader's disk is full. */
  | "NoSpace"
  /** The leader's memory is full, and the command may add to it. */
  | "OutOfMemory"
  /** The key or the value is longer than allowed. */
  | "TooLarge"
  /** The node is stopping or handing its leadership over. */
  | "Stopping"
  /** The read could not be confirmed with a majority before its deadline. */
  | "Timeout"
  /** There are users, and who asks is none of them, or not any more. */
  | "NotLoggedIn"
  /** Some member of the cluster is not known to understand what was asked for: its program may be older, or it has said nothing yet. */
  | "TooOld"
  /** The state of this node is not sound, and it waits for another one; other nodes do what is asked. */
  | "Quarantined";

/** Certainly not done, and why. */
export interface NotDone {
  readonly type: "NotDone";
  readonly reason: NotDoneReason;
  readonly leaderId: NodeId | undefined;
}

/** The three outcomes of a write, never mixed: done, certainly not done, unknown (appended, fate not known). */
export type WriteOutcome =
  | { readonly type: "Done"; readonly result: CommandResult }
  | NotDone
  | { readonly type: "Unknown" };

/** After `Ready` the state machine may be read, synchronously in the callback, and is as new as linearizability asks. */
export type ReadOutcome = { readonly type: "Ready"; readonly index: Index } | NotDone;

/** Read access to the state machine. Byte strings. */
export interface StateView {
  get(key: string): KeyRecord | undefined;
  /** The same, also of a key whose deadline has come and that no entry has removed yet: the last of its history. */
  peek(key: string): KeyRecord | undefined;
  /** Keys in byte order from `start` on, with what is known of each; nothing may change meanwhile. */
  records(start: string): Iterable<readonly [key: string, record: KeyRecord]>;
  /** The time by which deadlines are judged in what is read here, in ms since 1970: that of the log, or what the leader told since. */
  readonly readTimeMs: number;
  /** Number of keys. */
  readonly size: number;
  /** Bytes of keys and values. */
  readonly bytes: number;
}

/** How many servers of the configuration this node can reach, itself included, and how many a majority is. */
export interface Quorum {
  readonly reachable: number;
  readonly total: number;
  readonly needed: number;
}

/** What STATUS shows, and more. Times in milliseconds. */
export interface NodeStatus {
  readonly raft: RaftStatus;
  readonly lastApplied: Index;
  readonly uptimeMs: number;
  /** The clock now, which `PeerInfo.lastContact` is relative to. */
  readonly now: number;
  readonly peers: readonly PeerInfo[];
  readonly quorum: Quorum;
  /** Of the protocol between nodes, that this node speaks. */
  readonly versions: VersionRange;
  /** Which of them is on in the cluster, by this node's log (ADR 18). */
  readonly level: number;
  readonly storage: StorageSizes;
  readonly clientAddress: string;
  readonly directory: string;
  /** Entries in the log in memory. */
  readonly logEntries: number;
  /** Of the state at `lastApplied`; see `StateMachine.digest`. */
  readonly digest: string;
  readonly keys: number;
  readonly keyBytes: number;
  /** Keys that have a deadline. */
  readonly expiring: number;
  /** What counts against the memory limit, and the limit: `Infinity` for none. */
  readonly memory: { readonly usedBytes: number; readonly limitBytes: number };
  /** Of the disk; undefined where the system does not tell. */
  readonly space: SpaceView | undefined;
  /** The cluster's time at which the last snapshot was taken, in ms since 1970; that of the start when there was none since. */
  readonly lastSnapshotMs: number;
  readonly eventLoopLagMs: { readonly last: number; readonly max: number };
  /** How far machines' clocks are from what a majority says: on a leader all that have said theirs of late, else this one. */
  readonly clocks: readonly DateOffset[];
  /** A change of the membership is not complete: two sets of voters are in force, or the configuration is not committed. */
  readonly isChangingMembership: boolean;
  /** When this node saw the last change of voters or learners, in ms since 1970; 0 while there was none in this life. */
  readonly membershipChangedMs: number;
  /** Of each learner, on the leader; empty elsewhere. */
  readonly learnerLags: readonly LearnerLag[];
}

/** The disk under the directory of a node, in bytes. */
export interface SpaceView extends DiskSpace {
  /** What is to stay free: what snapshots need beside those that are there, and the margin. Below it, writes that add are refused. */
  readonly reserveBytes: number;
  readonly marginBytes: number;
  /** What the node itself takes. */
  readonly walBytes: number;
  readonly snapshotBytes: number;
  readonly temporaryBytes: number;
}

/** How far a learner is behind its leader. */
export interface LearnerLag {
  readonly id: NodeId;
  /** Committed entries that it does not hold. */
  readonly entries: number;
  /** It holds all that was committed so many ms ago, as far as this leader has watched it. */
  readonly ms: number;
}

/** Whether a node can work, as far as it knows by itself. */
export interface NodeHealth {
  /** It was told to stop, or hands its leadership over for that. */
  readonly stopping: boolean;
  /** Its storage or a bug has ended it; the process is about to end. */
  readonly failed: boolean;
  /** The disk has room for another write. */
  readonly hasSpace: boolean;
  /** It holds more than its limit and reserve allow, and takes no entries of a leader. */
  readonly staysOut?: boolean;
  /** Its state is not sound, and it waits for another one. */
  readonly quarantined?: boolean;
  /** Ms that a sync has been under way, from an election timeout on; undefined while the disk answers. */
  readonly hungMs?: number | undefined;
}

/** One line of CLUSTER: what this node knows of a server, itself included. */
export interface MemberView {
  readonly id: NodeId;
  readonly clientAddress: string;
  /** `host:port` of its HTTP; "" while that server has said none to the cluster. */
  readonly httpAddress: string;
  readonly peerAddress: string;
  readonly voter: boolean;
  /** It is not to lead. */
  readonly drained: boolean;
  readonly reachable: boolean;
  /** Its state is not sound, as it told last: it serves nothing, and waits for a snapshot. */
  readonly quarantined: boolean;
  /** The rest is undefined while nothing has been heard from that server. */
  readonly role: Role | undefined;
  readonly term: Term | undefined;
  /** Last durable entry known of that server. */
  readonly matchIndex: Index | undefined;
  /** Entries that server is behind the newest commit index known here. */
  readonly lag: number | undefined;
  /** Of the protocol between nodes, that its program spoke when it was connected last. */
  readonly versions: VersionRange | undefined;
  /** Milliseconds since it was last heard; 0 for this node. */
  readonly lastContactMs: number | undefined;
}

/** One log entry for people; commands decoded, a configuration or no-op described. */
export interface LogLine {
  readonly id: EntryId;
  readonly text: string;
}

/** The outcome of a checkpoint. `UpToDate` when nothing was applied since the last one, whose id it carries. */
export type SnapshotOutcome =
  | { readonly type: "Created"; readonly id: EntryId }
  | { readonly type: "UpToDate"; readonly id: EntryId }
  /** The state is not sound, and none is taken of it; other nodes do what is asked. */
  | { readonly type: "NotSound" }
  | { readonly type: "Failed"; readonly message: string };

/** Why a transfer was not begun. `NotReachable`, `NotCaughtUp`: writes would have been held up for nothing. */
export type TransferRefusal =
  | { readonly type: "NotCaughtUp"; readonly lag: number | undefined }
  | { readonly type: "NotAMember" | "NotAVoter" | "Drained" | "NotReachable" | "NoOther" };

/** The outcome of a transfer of the leadership. `Failed`: nobody else, or another than the target, leads after the time for it. */
export type TransferOutcome =
  | { readonly type: "Done"; readonly leaderId: NodeId; readonly term: Term }
  | TransferRefusal
  | { readonly type: "NotLeader" | "Failed" };

/** A change of the membership that somebody asks for. Asked for again it is done when it holds already. */
export type MemberChange =
  /** A learner, which a node that is started later with that id fills; the lowest free id when it is left out. `host:port` each. */
  | {
    readonly type: "Add";
    readonly id?: NodeId;
    readonly peerAddress: string;
    readonly clientAddress: string;
    readonly httpAddress?: string;
  }
  /** Makes a learner that has caught up a voter. */
  | { readonly type: "Promote"; readonly id: NodeId }
  /** A voter shall not lead, or may again. */
  | { readonly type: "Drain" | "Undrain"; readonly id: NodeId }
  /** Removes a server for good. */
  | { readonly type: "Remove"; readonly id: NodeId };

/**
 * The outcome of a change of the membership. `Done`: it is committed, with the id of the member. `Unsafe`: not begun, why, and
 * what to do; `passing` where it may be done in a moment without anybody's doing. `Unknown`: begun, and not known to be
 * committed after the time for it.
 */
export type MemberChangeOutcome =
  | { readonly type: "Done"; readonly id: NodeId }
  | { readonly type: "Unsafe"; readonly reason: string; readonly passing: boolean }
  | { readonly type: "NotLeader" | "NotAMember" | "Unknown" };

/** A snapshot's file, open until `close`, whatever becomes of the node's own. */
export interface Backup {
  readonly id: EntryId;
  /** Length of the file. */
  readonly bytes: number;
  /** Bytes from `offset` on, fewer than `lengthMax` only at the end. */
  read(offset: number, lengthMax: number): Uint8Array;
  /** Idempotent. */
  close(): void;
}

/** The outcome of opening a backup. `Busy`: so many are open that there is no room; `Empty`: nothing was ever written; `NotSound`: as of a snapshot. */
export type BackupOutcome =
  | { readonly type: "Opened"; readonly backup: Backup }
  | { readonly type: "Failed"; readonly message: string }
  | { readonly type: "Busy" | "Empty" | "NotSound" };

/** RPC messages between servers by type, since the start. */
export interface RpcCounts {
  readonly sent: ReadonlyMap<string, number>;
  readonly received: ReadonlyMap<string, number>;
}

/** What writes. Callbacks run once, in a later microtask or turn, never before the call returns. */
export interface NodeWriter {
  /**
   * Appends a command if this node leads. `done` gets the outcome within `REQUEST_TIMEOUT_MS` and a little. `login` is that of the user
   * who asks, who must still have it when the command is applied; left out for nobody.
   */
  write(command: Command, done: (outcome: WriteOutcome) => void, login?: number): void;
  /**
   * Appends a command on any node: one that does not lead passes it on to the leader, and waits for one while there is none.
   * Writes of one node take effect in the order in which they were submitted. `done` and `origin.login` as for `write`.
   */
  submit(command: Command, done: (outcome: WriteOutcome) => void, origin?: CommandOrigin): void;
}

/** What does several things at once. */
export interface RunNode {
  /**
   * Submits encoded commands that follow each other, each of which makes or changes one key: `done` gets the outcome of each, by its
   * place among them, in any order.
   */
  submitRun(commands: Commands, done: (outcome: WriteOutcome, place: number) => void): void;
  /**
   * Tells of each key in turn what it leads to, where it lies: to be used at once. Synchronously in the callback of a read, as all that
   * looks at the state; undefined for a key that is not there.
   */
  lookUp(keys: Iterable<Span>, tell: (value: Span | undefined) => void): void;
}

/** What reads: `read` first, then the rest in its callback, synchronously. */
export interface NodeReader {
  readonly state: StateView;
  /** Confirms a linearizable read (ReadIndex, batched), on any node, for one request or several. Callbacks as those of `NodeWriter`. */
  read(done: (outcome: ReadOutcome) => void, requests?: number): void;
  /** Answers a call that changes nothing from the state as it is now; of keys that it goes through only those in `shown`. */
  answer(call: Call, shown?: Shown): Reply;
  /**
   * How old the state is at most, in ms: it holds every write that was acknowledged so long ago or longer. Undefined where that is
   * not known. Asks nobody, so that it tells the age of what is read without `read`.
   */
  ageMs(): number | undefined;
  /** The state is not sound, and nothing of it may be told: `read` and all writes are not done, and who reads without `read` asks here. */
  readonly isQuarantined: boolean;
  /** Whether every comparison holds in the state as it is now. */
  compare(compares: readonly Compare[]): boolean;
  /** The cluster's time as far as this node can tell, in ms since 1970. */
  timeMs(): number;
  /** The users of the applied state: in the callback of `read`, those who may have what it reads. */
  readonly users: UsersView;
}

/** What looks: nothing here is confirmed with the others, and nothing changes the node. */
export interface NodeMonitor {
  readonly id: NodeId;
  readonly metrics: Registry;
  /** What the entries applied have changed. */
  readonly changes: Changes;
  status(): NodeStatus;
  /** For health checks: may prepare a segment of the log, as the next write would. Never throws. */
  health(): NodeHealth;
  members(): readonly MemberView[];
  logTail(count: number): readonly LogLine[];
  rpcCounts(): RpcCounts;
  /** Whether there are users, by the applied state or by what follows it in the log. */
  hasUsers(): boolean;
  /** Calls `listener` in the step in which a change of the users is applied, until the function that is returned is called. */
  watchUsers(listener: () => void): () => void;
}

/** What administers. */
export interface NodeAdministrator {
  takeSnapshot(): Promise<SnapshotOutcome>;
  /** Opens a verified snapshot of the present state. Never rejects. */
  openBackup(): Promise<BackupOutcome>;
  /** Lets another voter lead: `target`, or the one that is best prepared. Never rejects. */
  transferLeadership(target: NodeId | undefined): Promise<TransferOutcome>;
  /** Changes the configuration, if a majority can go on with it. Never rejects. */
  changeMember(change: MemberChange): Promise<MemberChangeOutcome>;
}

/** A running node with all that it offers; who uses a part of it asks for that part. */
export interface KeyValueNode extends NodeWriter, NodeReader, NodeMonitor, NodeAdministrator {}
