/** A running node: a facade that gives each call to the part that answers it. */

import type { Call, Command, CommandOrigin, Compare } from "../kv/commands.ts";
import type { Reply } from "../kv/replies.ts";
import type { Shown } from "../kv/rights.ts";
import { NO_LOGIN, type UsersView } from "../kv/users.ts";
import type { Registry } from "../observe/metrics.ts";
import type { Commands } from "../raft/run.ts";
import type { NodeId } from "../raft/types.ts";
import type {
  BackupOutcome,
  KeyValueNode,
  LogLine,
  MemberChange,
  MemberChangeOutcome,
  MemberView,
  NodeHealth,
  NodeStatus,
  ReadOutcome,
  RpcCounts,
  RunNode,
  SnapshotOutcome,
  StateView,
  TransferOutcome,
  WriteOutcome,
} from "./api.ts";
import type { Span } from "../store/span.ts";
import type { ChangeFeed } from "./changes/change_feed.ts";
import type { Driver } from "./driver.ts";
import { transferLeadership } from "./membership/leadership.ts";
import { changeMember } from "./membership/member_change.ts";
import type { Parts } from "./parts.ts";
import { drain, endWhenRemoved, shutDown } from "./shutdown.ts";

/** A node that runs until `stop` or until `failed` resolves. */
export class Node implements KeyValueNode, RunNode {
  readonly id: NodeId;
  readonly metrics: Registry;
  readonly changes: ChangeFeed;
  readonly driver: Driver;
  readonly #parts: Parts;
  #stopping: Promise<void> | undefined;

  /** A node that waits for `start`. */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.id = parts.monitor.id;
    this.metrics = parts.monitor.metrics;
    this.changes = parts.changes;
    this.driver = parts.driver;
  }

  /** Begins to listen, connect and tick. Rejects with the error of `Transport.start`. */
  async start(): Promise<void> {
    const { directory, transport, peerEvents, ticker, scrubber } = this.#parts;
    directory.dial();
    await transport.start(peerEvents);
    ticker.start();
    scrubber.start();
    void endWhenRemoved(this.#parts);
  }

  /** Resolves when the node can't go on: `DiskFailureError`, `CorruptionError`, `RemovedError`, or a bug. */
  get failed(): Promise<Error> {
    return this.#parts.lifetime.failure;
  }

  /** See `NodeWriter`. */
  write(command: Command, done: (outcome: WriteOutcome) => void, login = NO_LOGIN): void {
    this.#parts.submissions.write(command, done, login);
  }

  /** See `NodeWriter`. */
  submit(command: Command, done: (outcome: WriteOutcome) => void, origin?: CommandOrigin): void {
    this.#parts.submissions.submit(command, done, origin);
  }

  /** See `RunNode`. */
  submitRun(commands: Commands, done: (outcome: WriteOutcome, place: number) => void): void {
    this.#parts.submissions.submitRun(commands, done);
  }

  /** See `NodeReader`. */
  get state(): StateView {
    return this.#parts.reader.state;
  }

  /** See `NodeReader`. */
  read(done: (outcome: ReadOutcome) => void, requests?: number): void {
    this.#parts.reader.read(done, requests);
  }

  /** See `RunNode`. */
  lookUp(keys: Iterable<Span>, tell: (value: Span | undefined) => void): void {
    this.#parts.reader.lookUp(keys, tell);
  }

  /** See `NodeReader`. */
  answer(call: Call, shown?: Shown): Reply {
    return this.#parts.reader.answer(call, shown);
  }

  /** See `NodeReader`. */
  ageMs(): number | undefined {
    return this.#parts.reader.ageMs();
  }

  /** See `NodeReader`. */
  get isQuarantined(): boolean {
    return this.#parts.reader.isQuarantined;
  }

  /** See `NodeReader`. */
  compare(compares: readonly Compare[]): boolean {
    return this.#parts.reader.compare(compares);
  }

  /** See `NodeReader`. */
  get users(): UsersView {
    return this.#parts.reader.users;
  }

  /** See `NodeMonitor`. */
  hasUsers(): boolean {
    return this.#parts.monitor.hasUsers();
  }

  /** See `NodeMonitor`. */
  watchUsers(listener: () => void): () => void {
    return this.#parts.monitor.watchUsers(listener);
  }

  /** See `NodeReader`. */
  timeMs(): number {
    return this.#parts.reader.timeMs();
  }

  /** See `NodeMonitor`. */
  status(): NodeStatus {
    return this.#parts.monitor.status();
  }

  /** See `NodeMonitor`. */
  health(): NodeHealth {
    return this.#parts.monitor.health();
  }

  /** See `NodeMonitor`. */
  members(): readonly MemberView[] {
    return this.#parts.monitor.members();
  }

  /** See `NodeMonitor`. */
  logTail(count: number): readonly LogLine[] {
    return this.#parts.monitor.logTail(count);
  }

  /** See `NodeMonitor`. */
  rpcCounts(): RpcCounts {
    return this.#parts.monitor.rpcCounts();
  }

  /** See `NodeAdministrator`. */
  takeSnapshot(): Promise<SnapshotOutcome> {
    return this.#parts.snapshots.take();
  }

  /** See `NodeAdministrator`. */
  openBackup(): Promise<BackupOutcome> {
    return this.#parts.snapshots.openBackup();
  }

  /** See `NodeAdministrator`. */
  transferLeadership(target: NodeId | undefined): Promise<TransferOutcome> {
    return transferLeadership(this.#parts, target);
  }

  /** See `NodeAdministrator`. */
  changeMember(change: MemberChange): Promise<MemberChangeOutcome> {
    return changeMember(this.#parts, change);
  }

  /** It is over because of `error`. */
  failWith(error: unknown): void {
    this.#parts.lifetime.fail(error);
  }

  /** See `drain` in shutdown.ts. */
  drain(): Promise<void> {
    return drain(this.#parts);
  }

  /** Drains and closes everything. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= shutDown(this.#parts);
    return this.#stopping;
  }
}
