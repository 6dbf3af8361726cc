/** A running node: what the protocols see of the driver, the ear of the transport, and the care for its life. */

import { fault } from "../base/faults.ts";
import {
  type Call,
  type Command,
  COMMAND_BYTES_MAX,
  type Compare,
  encodeCommand,
  KEY_BYTES_MAX,
  type SessionUse,
  VALUE_BYTES_MAX,
} from "../kv/commands.ts";
import type { Reply } from "../kv/replies.ts";
import type { Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import type { Configuration, NodeId } from "../raft/types.ts";
import type { PeerMessage } from "../transport/forward.ts";
import type { PeerStatus, TransportHandler } from "../transport/transport.ts";
import type {
  BackupOutcome,
  KeyValueNode,
  LogLine,
  MemberView,
  NodeHealth,
  NodeStatus,
  ReadOutcome,
  RemovalOutcome,
  RpcCounts,
  SnapshotOutcome,
  StateView,
  TransferOutcome,
  WriteOutcome,
} from "./api.ts";
import type { ChangeFeed } from "./change_feed.ts";
import type { Driver } from "./driver.ts";
import { EmptyDirectoryNotice } from "./empty_directory.ts";
import { ForwardedWrites } from "./forwarded_writes.ts";
import { Health } from "./health.ts";
import { transferLeadership, type TransferParts, until } from "./leadership.ts";
import {
  CLOSE_MS,
  DRAIN_MS,
  HANDOVER_MS,
  LOG_TAIL_MAX,
  MEMBERSHIP_CHECK_MS,
  RECEIVER_SILENT_MS_MAX,
  TICK_MS,
} from "./limits.ts";
import { PeerDirectory } from "./peer_directory.ts";
import { reachableOf, removeMember } from "./member_removal.ts";
import type { NodeParts } from "./parts.ts";
import { Submissions } from "./submissions.ts";
import { Ticker } from "./ticker.ts";
import { logLines, memberViews, peerStatusOf, quorumOf } from "./views.ts";

/** A node that runs until `stop` or until `failed` resolves. */
export class Node implements KeyValueNode {
  readonly id: NodeId;
  readonly metrics: Registry;
  readonly driver: Driver;
  readonly changes: ChangeFeed;
  readonly #parts: NodeParts;
  readonly #ticker: Ticker;
  readonly #directory: PeerDirectory;
  readonly #failed = Promise.withResolvers<Error>();
  readonly #startedAt: number;
  readonly #notice: EmptyDirectoryNotice;
  #ticksUntilCheck = 0;
  #changeId = 0;
  readonly #submissions: Submissions;
  readonly #forwardedWrites: ForwardedWrites;
  #stopping: Promise<void> | undefined;
  readonly #health = new Health();

  /** A node that waits for `start`. */
  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.id = parts.options.nodeId;
    this.metrics = parts.ports.metrics;
    this.driver = parts.driver;
    this.changes = parts.changes;
    this.#directory = new PeerDirectory({
      self: this.id,
      raft: parts.raft,
      transport: parts.transport,
      greeting: parts.greeting,
      named: parts.options.members,
    });
    this.#startedAt = parts.ports.clock.now();
    this.#notice = new EmptyDirectoryNotice(parts.raft, parts.ports.log);
    this.#submissions = new Submissions({
      self: this.id,
      incarnation: parts.greeting.incarnation,
      timeoutMs: parts.options.requestTimeoutMs,
      limits: parts.pendingLimits,
      role: () => parts.raft.role,
      leaderId: () => parts.raft.leaderId,
      localWritesOpen: () => parts.driver.writesOpen,
      write: (write) => parts.driver.submit(write),
      send: (message) => parts.transport.send(message),
      now: () => parts.driver.now,
      wake: () => parts.driver.wake(),
    });
    this.#forwardedWrites = new ForwardedWrites({
      self: this.id,
      write: (command, done) => this.driver.write(command, done),
      send: (result) => {
        if (parts.transport.send(result)) parts.transport.flush();
      },
    });
    this.#ticker = new Ticker(parts.ports.clock, {
      handler: { ticks: (count) => this.#ticks(count), stalled: (gapMs) => this.#stalled(gapMs) },
      lag: this.metrics.histogram(METRIC.eventLoopLagSeconds),
      stallMs: parts.options.electionTimeoutMs / 2,
    });
  }

  /** Begins to listen, connect and tick. Rejects with the error of `Transport.start`. */
  async start(): Promise<void> {
    this.#directory.dial();
    await this.#parts.transport.start(this.#transportHandler());
    this.#ticker.start();
  }

  /** Resolves when the node can't go on: `DiskFailureError`, `CorruptionError`, or a bug. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** The applied state; read it in the turn in which a read was confirmed. */
  get state(): StateView {
    return this.driver.state;
  }

  /** See `KeyValueNode`. */
  write(command: Command, done: (outcome: WriteOutcome) => void): void {
    const key = "key" in command ? command.key : "";
    const value = "value" in command ? command.value : "";
    const encoded = encodeCommand(command);
    const isTooLarge = key.length > KEY_BYTES_MAX || value.length > VALUE_BYTES_MAX ||
      encoded.length > COMMAND_BYTES_MAX;
    if (!isTooLarge) return this.driver.write(encoded, done);
    this.#refuseTooLarge(done);
  }

  /** See `KeyValueNode`. */
  submit(command: Command, done: (outcome: WriteOutcome) => void, session?: SessionUse): void {
    const encoded = encodeCommand(command, session);
    if (encoded.length <= COMMAND_BYTES_MAX) return this.#submissions.add(encoded, done);
    this.#refuseTooLarge(done);
  }

  #refuseTooLarge(done: (outcome: WriteOutcome) => void): void {
    const { leaderId } = this.#parts.raft;
    queueMicrotask(() => done({ type: "NotDone", reason: "TooLarge", leaderId }));
  }

  /** See `KeyValueNode`. */
  answer(call: Call): Reply {
    const { ports } = this.#parts;
    return this.driver.state.read(call, { random: () => ports.random() });
  }

  /** See `KeyValueNode`. */
  timeMs(): number {
    return this.#parts.clusterClock.now();
  }

  /** See `KeyValueNode`. */
  compare(compares: readonly Compare[]): boolean {
    return this.driver.state.compare(compares);
  }

  /** The events of a turn have been stepped: who leads may have changed. */
  passOn(): void {
    this.#submissions.pump();
  }

  /** See `KeyValueNode`. */
  read(done: (outcome: ReadOutcome) => void): void {
    this.driver.read(done);
  }

  /** See `KeyValueNode`. */
  takeSnapshot(): Promise<SnapshotOutcome> {
    return this.driver.takeSnapshot();
  }

  /** See `KeyValueNode`. */
  transferLeadership(target: NodeId | undefined): Promise<TransferOutcome> {
    return transferLeadership(this.#steering(), target);
  }

  /** See `KeyValueNode`. */
  removeMember(id: NodeId): Promise<RemovalOutcome> {
    return removeMember({ ...this.#steering(), reachable: () => reachableOf(this.members()) }, id);
  }

  #steering(): TransferParts {
    return { ...this.#parts, clock: this.#parts.ports.clock, enqueue: (event) => this.driver.enqueue(event) };
  }

  /** See `KeyValueNode`. */
  openBackup(): Promise<BackupOutcome> {
    return this.#parts.snapshots.backups.open(() => this.driver.takeSnapshot());
  }

  /** See `KeyValueNode`. */
  status(): NodeStatus {
    const { raft, transport, storage, options, greeting, snapshots } = this.#parts;
    const status = raft.status();
    const { state, id } = this.driver.applied;
    const peers = transport.peers();
    return {
      raft: status,
      lastApplied: id.index,
      uptimeMs: this.#now() - this.#startedAt,
      now: this.#now(),
      peers,
      quorum: quorumOf({ self: this.id, voters: status.configuration.voters, peers }),
      storage: storage.sizes(),
      clientAddress: greeting.clientAddress,
      directory: options.directory,
      logEntries: status.lastEntry.index - status.firstIndex + 1,
      keys: state.size,
      keyBytes: state.bytes,
      expiring: state.expiring,
      lastSnapshotMs: this.#parts.clusterClock.now() - (this.#now() - snapshots.takenAt),
      eventLoopLagMs: this.#ticker.lagMs,
      clocks: this.driver.time.offsets(),
    };
  }

  /** See `KeyValueNode`. */
  health(): NodeHealth {
    return this.#health.view(this.#parts);
  }

  /** See `KeyValueNode`. */
  members(): readonly MemberView[] {
    return memberViews({ self: this.#peerStatus(), id: this.id, status: this.status() });
  }

  /** See `KeyValueNode`. */
  logTail(count: number): readonly LogLine[] {
    return logLines(this.#parts.raft.logTail(Math.min(count, LOG_TAIL_MAX)));
  }

  /** See `KeyValueNode`. */
  rpcCounts(): RpcCounts {
    return this.#parts.transport.counts();
  }

  /** The driver applied a configuration. */
  configurationCommitted(configuration: Configuration): void {
    this.#directory.configurationCommitted(configuration);
  }

  /** Another configuration is in force, committed or not. */
  configurationInForce(): void {
    this.#directory.configurationInForce();
    if (fault("node/stallReported")) this.driver.enqueue({ type: "Stalled" });
  }

  /** See `isStranger` in membership_keeper.ts. */
  isStranger(peer: NodeId): boolean {
    return this.#directory.isStranger(peer);
  }

  #transportHandler(): TransportHandler {
    return {
      receive: (message) => this.#receive(message),
      disconnected: (peer) => {
        this.#submissions.disconnected(peer);
        if (!fault("node/disconnectNotTold")) this.driver.enqueue({ type: "PeerDisconnected", peer });
      },
      connected: (peer) => this.#parts.ports.log("debug", `Connected with node ${peer}`),
      admit: (greeting) => {
        // Who waits to be admitted says nothing of value: it knows neither a cluster nor that there is none.
        if (greeting.clusterId !== "" || !greeting.rejoin) this.#introduce(greeting.nodeId, greeting.clusterId);
        return this.#directory.admit(greeting);
      },
      refusedBy: (peer, clusterId) => this.#introduce(peer, clusterId),
      status: () => this.#peerStatus(),
    };
  }

  #introduce(peer: NodeId, clusterId: string): void {
    if (this.#parts.raft.clusterId !== undefined) return;
    this.driver.enqueue({ type: "PeerIntroduced", peer, knowsCluster: clusterId !== "" });
  }

  #receive(message: PeerMessage): void {
    if (message.type === "ForwardResult") return this.#submissions.takeResult(message);
    if (message.type !== "Forward") return this.driver.enqueue({ type: "Receive", message });
    this.#forwardedWrites.take(message);
  }

  /** The driver or storage failed for good. */
  failWith(error: unknown): void {
    this.#health.failed = true;
    this.#ticker.stop();
    this.#failed.resolve(error instanceof Error ? error : new Error(String(error)));
  }

  /** Hands leadership over and lets open requests finish, refusing new writes. At most `HANDOVER_MS + DRAIN_MS`. */
  async drain(): Promise<void> {
    const { raft, ports: { clock } } = this.#parts;
    this.#health.stopping = true;
    this.changes.end();
    if (raft.role === "Leader" && raft.configuration.voters.length > 1) {
      this.driver.enqueue({ type: "TransferLeadership", target: undefined });
      await until(clock, { condition: () => raft.role !== "Leader", limitMs: HANDOVER_MS });
    }
    this.driver.refuseWrites();
    const isDrained = () => this.driver.drained && this.#submissions.size === 0;
    await until(clock, { condition: isDrained, limitMs: DRAIN_MS });
  }

  /** Drains and closes everything. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { transport, snapshots, storage } = this.#parts;
    await this.drain();
    this.#ticker.stop();
    this.driver.end();
    this.#submissions.endAll();
    await transport.stop();
    await this.#closeFiles(snapshots.close().then(() => storage.close()));
  }

  /** A disk that hangs holds up the end of the node no longer than a moment: what is durable does not depend on it. */
  async #closeFiles(closing: Promise<void>): Promise<void> {
    const { clock, log } = this.#parts.ports;
    const late = Promise.withResolvers<"late">();
    const timer = clock.after(CLOSE_MS, () => late.resolve("late"));
    try {
      if (await Promise.race([closing, late.promise]) !== "late") return;
      log("warn", `Stopped without waiting longer for the disk under ${this.#parts.options.directory}`);
    } finally {
      timer.cancel();
    }
  }

  #ticks(count: number): void {
    const wanted = count + (fault("node/tickDoubled") ? 1 : 0) - (fault("node/tickLost") ? 1 : 0);
    for (let tick = 0; tick < wanted; tick++) this.driver.enqueue({ type: "Tick" });
    this.#parts.diskWatch.look();
    this.driver.expire();
    this.#submissions.expire();
    this.#ticksUntilCheck -= count;
    if (this.#ticksUntilCheck > 0) return;
    this.#ticksUntilCheck = MEMBERSHIP_CHECK_MS / TICK_MS;
    this.#check();
  }

  #stalled(gapMs: number): void {
    this.#parts.ports.log("warn", `The process did not run for ${Math.round(gapMs)} ms`);
    this.#parts.diskWatch.stalled();
    this.driver.enqueue({ type: "Stalled" });
    this.driver.expire();
  }

  #check(): void {
    this.#notice.look();
    this.#directory.leaveOtherClusters();
    const peer = this.#directory.anyPeer;
    if (peer !== undefined && fault("node/connectionReset")) this.#parts.transport.reset(peer);
    if (this.#parts.raft.role !== "Leader") return this.#parts.snapshots.sender.prune(new Set());
    const status = this.#parts.raft.status();
    const receiving = status.progress
      .filter(({ state, silentTicks }) => state === "Snapshot" && silentTicks <= RECEIVER_SILENT_MS_MAX / TICK_MS)
      .map((peer) => peer.id);
    this.#parts.snapshots.sender.prune(new Set(receiving));
    if (fault("node/membershipLookSkipped")) return;
    const change = this.#directory.dueChange(status);
    if (change === undefined || !this.#parts.ownEntries.mayConfigure(this.#now())) return;
    this.#changeId += 1;
    this.driver.enqueue({ type: "ChangeMembership", id: this.#changeId, ...change });
  }

  #peerStatus(): PeerStatus {
    const { raft, greeting: { clientAddress } } = this.#parts;
    const { httpAddress = "" } = this.#parts.options;
    return peerStatusOf(raft, { lastApplied: this.driver.applied.id.index, clientAddress, httpAddress });
  }

  #now(): number {
    return this.#parts.ports.clock.now();
  }
}
