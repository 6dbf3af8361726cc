/** A node in memory whose outcomes and delays a test decides; what it stores it keeps in a Map. */

import { UserWatch } from "../../lib/node/users/user_watch.ts";
import { Users, type UsersView } from "../../lib/kv/users.ts";
import { Registry } from "../../lib/observe/metrics.ts";
import type { KeyRecord } from "../../lib/kv/key_record.ts";
import { fail } from "../../lib/base/assert.ts";
import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { Span } from "../../lib/store/span.ts";
import { type Call, type Command, type CommandOrigin, decodeCommand } from "../../lib/kv/commands.ts";
import { type Commands, decodeCommands } from "../../lib/raft/run.ts";
import type { Reply } from "../../lib/kv/replies.ts";
import type { CommandResult } from "../../lib/kv/results.ts";
import type {
  BackupOutcome,
  KeyValueNode,
  LearnerLag,
  LogLine,
  MemberChange,
  MemberChangeOutcome,
  MemberView,
  NodeHealth,
  NodeStatus,
  NotDoneReason,
  ReadOutcome,
  RpcCounts,
  RunNode,
  SnapshotOutcome,
  StateView,
  TransferOutcome,
  WriteOutcome,
} from "../../lib/node/api.ts";
import { ChangeFeed } from "../../lib/node/changes/change_feed.ts";
import type { PeerInfo } from "../../lib/transport/transport.ts";
import type { IdRange } from "../../lib/raft/retired.ts";
import { EMPTY_CONFIGURATION, type NodeId, toIndex, toTerm } from "../../lib/raft/types.ts";

/** A request that a test lets go on. */
export interface HeldRequest {
  readonly type: "Write" | "Read";
  readonly key: string;
  /** Gives the outcome that the node is set to, or the one given. */
  finish(outcome?: WriteOutcome & ReadOutcome): void;
}

/** Answers every request in a microtask, or, when `holding`, when the test says so. */
export class FakeNode implements KeyValueNode, RunNode {
  readonly id: NodeId = 0;
  readonly metrics = new Registry();
  /** Told of nothing here. */
  readonly changes = new ChangeFeed({ revision: 0, endOfTurn: queueMicrotask });
  readonly values = new Map<string, KeyRecord>();
  readonly state: StateView;
  /** Requests in the order they came, as `PUT k`, `DELETE k`, `READ`. */
  readonly seen: string[] = [];
  /** How many commands each run had. */
  readonly runs: number[] = [];
  readonly held: HeldRequest[] = [];
  holding = false;
  /** Undefined does what is asked. */
  refusal: NotDoneReason | undefined;
  leaderId: NodeId | undefined = 0;
  /** Writes take effect, but nobody hears of it. */
  unknown = false;
  reachable = 3;
  /** Entries that are committed and not applied. */
  entriesBehind = 0;
  isQuarantined = false;
  /** What `ageMs` tells. */
  age: number | undefined = 0;
  isChangingMembership = false;
  learnerLags: readonly LearnerLag[] = [];
  wallClockMs = 1_700_000_000_123;
  snapshotOutcome: () => Promise<SnapshotOutcome> = () =>
    Promise.resolve({ type: "Created", id: { index: toIndex(42), term: toTerm(3) } });
  transferOutcome: TransferOutcome = { type: "NotLeader" };
  changeOutcome: MemberChangeOutcome = { type: "NotLeader" };
  /** Servers that were removed, and are listed. */
  retired: readonly IdRange[] = [];
  backupOutcome: BackupOutcome = { type: "Empty" };
  /** The targets of transfers that were asked for. */
  readonly transfers: (NodeId | undefined)[] = [];
  /** The changes of the membership that were asked for. */
  readonly memberChanges: MemberChange[] = [];
  logLines: readonly LogLine[] = [];
  healthNow: NodeHealth = { stopping: false, failed: false, hasSpace: true };
  /** Nobody makes any here. */
  readonly users: UsersView = new Users();
  readonly userWatch = new UserWatch(this.users);
  #index = 0;

  /** An empty node that leads. */
  constructor() {
    const values = this.values;
    const nowMs = () => this.wallClockMs;
    this.state = {
      get readTimeMs() {
        return nowMs();
      },
      get: (key) => values.get(key),
      peek: (key) => values.get(key),
      records: (start) =>
        [...values].filter(([key]) => key >= start).sort(([first], [second]) => (first < second ? -1 : 1)),
      get size() {
        return values.size;
      },
      get bytes() {
        return [...values].reduce((sum, [key, { value }]) => sum + key.length + value.length, 0);
      },
    };
  }

  /** See `KeyValueNode`. */
  write(command: Command, done: (outcome: WriteOutcome) => void, _login?: number): void {
    const key = "key" in command ? command.key : "";
    this.seen.push(`${command.type.toUpperCase()} ${key}`);
    this.#later("Write", key, (outcome) => done(outcome ?? this.#writeOutcome(command)));
  }

  /** See `KeyValueNode`. */
  timeMs(): number {
    return this.wallClockMs;
  }

  /** See `KeyValueNode`. */
  hasUsers(): boolean {
    return this.users.size > 0;
  }

  /** See `KeyValueNode`. */
  watchUsers(listener: () => void): () => void {
    return this.userWatch.add(listener);
  }

  /** See `KeyValueNode`. */
  submit(command: Command, done: (outcome: WriteOutcome) => void, _origin?: CommandOrigin): void {
    this.write(command, done);
  }

  /** See `RunNode`. One after the other. */
  submitRun(commands: Commands, done: (outcome: WriteOutcome, place: number) => void): void {
    this.runs.push(commands.count);
    for (const [place, encoded] of decodeCommands(commands).entries()) {
      const { command, login } = decodeCommand(encoded) ?? fail("a run of commands that cannot be read");
      this.submit(command, (outcome) => done(outcome, place), { login });
    }
  }

  /** See `RunNode`. */
  lookUp(keys: Iterable<Span>, tell: (value: Span | undefined) => void): void {
    for (const key of keys) {
      const value = this.answer(["GET", bytesToString(key.bytes, key.start, key.end)]);
      tell(typeof value === "string" ? Span.of(stringToBytes(value)) : undefined);
    }
  }

  /** See `KeyValueNode`. Knows GET only. */
  answer([, key = ""]: Call): Reply {
    return this.values.get(key)?.value ?? null;
  }

  /** See `KeyValueNode`. */
  ageMs(): number | undefined {
    return this.age;
  }

  /** See `KeyValueNode`. Nothing is compared. */
  compare(): boolean {
    return true;
  }

  /** See `KeyValueNode`. */
  read(done: (outcome: ReadOutcome) => void): void {
    this.seen.push("READ");
    this.#later("Read", "", (outcome) => done(outcome ?? this.#notDone() ?? { type: "Ready", index: toIndex(1) }));
  }

  /** See `KeyValueNode`. */
  transferLeadership(target: NodeId | undefined): Promise<TransferOutcome> {
    this.transfers.push(target);
    return Promise.resolve(this.transferOutcome);
  }

  /** See `KeyValueNode`. */
  changeMember(change: MemberChange): Promise<MemberChangeOutcome> {
    this.memberChanges.push(change);
    return Promise.resolve(this.changeOutcome);
  }

  /** See `KeyValueNode`. */
  openBackup(): Promise<BackupOutcome> {
    return Promise.resolve(this.backupOutcome);
  }

  /** See `KeyValueNode`. Nothing in it changes by itself. */
  status(): NodeStatus {
    return {
      raft: {
        id: this.id,
        role: this.leaderId === this.id ? "Leader" : "Follower",
        currentTerm: toTerm(3),
        votedFor: this.leaderId,
        leaderId: this.leaderId,
        commitIndex: toIndex(42),
        firstIndex: toIndex(11),
        lastEntry: { index: toIndex(43), term: toTerm(3) },
        lastDurable: { index: toIndex(43), term: toTerm(3) },
        snapshot: { index: toIndex(10), term: toTerm(2) },
        logBytes: 1_536,
        configuration: { ...EMPTY_CONFIGURATION, retired: this.retired },
        termCommitted: true,
        progress: [],
        transferTarget: undefined,
        electionsStarted: 1,
      },
      lastApplied: toIndex(42 - this.entriesBehind),
      uptimeMs: 3_723_000,
      now: 1_000,
      peers: PEERS,
      versions: { oldest: 6, newest: 7 },
      level: 6,
      quorum: { reachable: this.reachable, total: 3, needed: 2 },
      storage: {
        segments: 1,
        walBytes: 67_108_864,
        snapshots: 1,
        snapshotBytes: 100,
        newestSnapshotBytes: 100,
        temporaryBytes: 0,
      },
      clientAddress: "127.0.0.1:5000",
      directory: "/data/node-0",
      logEntries: 33,
      digest: "1:0123456789abcdef",
      keys: this.state.size,
      expiring: 0,
      lastSnapshotMs: this.wallClockMs,
      keyBytes: this.state.bytes,
      memory: { usedBytes: 4_194_304, limitBytes: 8_388_608 },
      space: {
        ...{ totalBytes: 1_000_000_000, freeBytes: 600_000_000, reserveBytes: 70_000_000, marginBytes: 62_500_000 },
        ...{ walBytes: 67_108_864, snapshotBytes: 100, temporaryBytes: 0 },
      },
      eventLoopLagMs: { last: 0.5, max: 12.25 },
      isChangingMembership: this.isChangingMembership,
      membershipChangedMs: 0,
      learnerLags: this.learnerLags,
      clocks: [{ id: 0, aheadMs: -12 }, { id: 2, aheadMs: 600_000 }],
    };
  }

  /** See `KeyValueNode`. */
  health(): NodeHealth {
    return this.healthNow;
  }

  /** See `KeyValueNode`. */
  members(): readonly MemberView[] {
    return MEMBERS.map((member) => member.id < this.reachable ? member : { ...member, reachable: false });
  }

  /** See `KeyValueNode`. */
  logTail(count: number): readonly LogLine[] {
    return this.logLines.slice(-count);
  }

  /** See `KeyValueNode`. */
  takeSnapshot(): Promise<SnapshotOutcome> {
    return this.snapshotOutcome();
  }

  /** See `KeyValueNode`. */
  rpcCounts(): RpcCounts {
    return { sent: new Map([["AppendEntries", 7]]), received: new Map([["AppendEntriesResult", 6]]) };
  }

  #later(type: "Write" | "Read", key: string, finish: HeldRequest["finish"]): void {
    if (this.holding) this.held.push({ type, key, finish });
    else queueMicrotask(() => finish());
  }

  #writeOutcome(command: Command): WriteOutcome {
    const refused = this.#notDone();
    if (refused !== undefined) return refused;
    const result = this.#apply(command);
    return this.unknown ? { type: "Unknown" } : { type: "Done", result };
  }

  #notDone(): (WriteOutcome & { readonly type: "NotDone" }) | undefined {
    if (this.refusal === undefined) return undefined;
    return { type: "NotDone", reason: this.refusal, leaderId: this.leaderId };
  }

  #apply(command: Command): CommandResult {
    this.#index += 1;
    const revision = this.#index;
    if (command.type !== "Put" && command.type !== "Delete") throw new Error(`Not in this stand-in: ${command.type}`);
    const existed = this.values.has(command.key);
    if (command.type === "Delete") {
      this.values.delete(command.key);
      return { type: "Delete", revision, existed };
    }
    this.values.set(command.key, fakeRecord(command.value, revision));
    return { type: "Put", revision, created: !existed };
  }
}

/** A record that was made by the entry that it is of. */
export function fakeRecord(value: string, revision: number): KeyRecord {
  return { value, createRevision: revision, revision, version: 1, expiresAt: undefined };
}

const PEERS: readonly PeerInfo[] = [
  {
    id: 1,
    address: "127.0.0.1:15001",
    reachable: true,
    lastContact: 988,
    roundTripMs: 0.25,
    status: undefined,
    lastAnswer: undefined,
    versions: { oldest: 6, newest: 6 },
    bytesSent: 100,
    bytesReceived: 200,
    framesDropped: 0,
    problem: undefined,
  },
  {
    id: 2,
    address: "127.0.0.1:15002",
    reachable: false,
    lastContact: undefined,
    roundTripMs: undefined,
    status: undefined,
    lastAnswer: undefined,
    versions: undefined,
    bytesSent: 0,
    bytesReceived: 0,
    framesDropped: 3,
    problem: "connection refused",
  },
];

const MEMBERS: readonly MemberView[] = [
  {
    id: 0,
    clientAddress: "127.0.0.1:5000",
    httpAddress: "127.0.0.1:8000",
    peerAddress: "127.0.0.1:15000",
    voter: true,
    drained: false,
    reachable: true,
    quarantined: false,
    role: "Leader",
    term: toTerm(3),
    matchIndex: toIndex(43),
    lag: 0,
    versions: { oldest: 6, newest: 7 },
    lastContactMs: 0,
  },
  {
    id: 1,
    clientAddress: "127.0.0.1:5001",
    httpAddress: "127.0.0.1:8001",
    peerAddress: "127.0.0.1:15001",
    voter: true,
    drained: false,
    reachable: true,
    quarantined: false,
    role: "Follower",
    term: toTerm(3),
    matchIndex: toIndex(40),
    lag: 2,
    versions: { oldest: 6, newest: 6 },
    lastContactMs: 12.4,
  },
  {
    id: 2,
    clientAddress: "",
    httpAddress: "",
    peerAddress: "127.0.0.1:15002",
    voter: false,
    drained: false,
    reachable: false,
    quarantined: false,
    role: undefined,
    term: undefined,
    matchIndex: undefined,
    lag: undefined,
    versions: undefined,
    lastContactMs: undefined,
  },
];
