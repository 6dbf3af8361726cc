/** Starts a node: opens its directory, recovers state and core, joins them by the driver, and connects to the peers. */

import { nextTurn } from "../base/clock.ts";
import { checksum } from "../base/checksum.ts";
import { stringToBytes, textToByteString } from "../base/bytes.ts";
import { METRIC } from "../observe/names.ts";
import { DEFAULT_RAFT_LIMITS } from "../raft/limits.ts";
import type { RaftLimits, ReadPoint } from "../raft/options.ts";
import { RaftNode } from "../raft/raft_node.ts";
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Index,
  type Member,
  type Ticks,
  toTicks,
  ZERO_ENTRY_ID,
} from "../raft/types.ts";
import { openStorage } from "../storage/open.ts";
import type { Recovered, Storage } from "../storage/storage.ts";
import type { Greeting } from "../transport/transport.ts";
import { CONTENT_VERSIONS } from "../kv/content_versions.ts";
import { StateMachine } from "../kv/state_machine.ts";
import { ChangeFeed } from "./change_feed.ts";
import { ClusterClock } from "./time/cluster_clock.ts";
import { MachineDates } from "./time/machine_dates.ts";
import { DiskWatch } from "./disk_watch.ts";
import { Driver } from "./driver.ts";
import { DEFAULT_PENDING_LIMITS, TICK_MS } from "./limits.ts";
import { Node } from "./node.ts";
import { configurationOf, type NodeOptions, type NodePorts } from "./options.ts";
import { OwnEntries } from "./own_entries.ts";
import { Snapshots } from "./snapshots.ts";

const INCARNATION_MAX = 2 ** 48;
const IDENTITY_DIGITS = 16;
const CLUSTER_ID_DIGITS = 32;
/** The random delay before the PreVote once the leader's connection has ended, in ticks: it keeps followers from colliding. */
const DISCONNECT_DELAY_TICKS = { min: 1, max: 5 } as const;

/** The first election timeout of a life, as a share of the shortest one: for the lowest id, and more for each further one. */
const FIRST_TIMEOUT_SHARE = 0.3;
const FIRST_TIMEOUT_STEP = 0.2;

/**
 * Starts a node and resolves once it listens for its peers; it may take a while longer to find a leader.
 *
 * Rejects with the errors of `openStorage` and of `Transport.start`; then nothing is left open.
 */
export async function startNode(options: NodeOptions, ports: NodePorts): Promise<Node> {
  const storage = await openStorage({
    disk: ports.disk,
    directory: options.directory,
    nodeId: options.nodeId,
    clusterName: options.clusterId ?? "",
    initialConfiguration: options.newIdentity ? EMPTY_CONFIGURATION : configurationOf(options.members),
    makeIdentity: () => randomDigits(ports.random, IDENTITY_DIGITS),
    contents: CONTENT_VERSIONS,
    pause: () => nextTurn(ports.clock),
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  });
  try {
    return await startOn(storage, options, ports);
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function startOn(storage: Storage, options: NodeOptions, ports: NodePorts): Promise<Node> {
  const limits = limitsOf(options);
  const incarnation = Math.floor(ports.random() * INCARNATION_MAX);
  const { recovered } = storage;
  reportRecovery(recovered, options, ports);
  const readPoint = (commitIndex: Index) => existing().driver.time.readPoint(commitIndex);
  const raft = makeCore(recovered, { options, ports, limits, incarnation, readPoint });
  const greeting = makeGreeting({ recovered, options, raft, incarnation });
  const transport = ports.makeTransport(greeting);
  let node: Node | undefined = undefined;
  // The parts below call back only after the node exists: nothing runs before its start.
  const existing = (): Node => {
    if (node === undefined) throw new Error("Cannot call back: the node is not made yet");
    return node;
  };
  const snapshots = new Snapshots(storage, {
    clock: ports.clock,
    entriesBetween: options.snapshotEntries,
    handler: {
      cutPoint: () => existing().driver.applied,
      install: (loaded) => existing().driver.install(loaded),
      enqueue: (event) => existing().driver.enqueue(event),
      failed: (error) => existing().driver.fail(error),
      warn: (message) => ports.log("warn", message),
      logBytes: () => raft.status().logBytes,
    },
  });
  const state = (await snapshots.restore()) ?? new StateMachine();
  const changes = new ChangeFeed({
    revision: state.lastApplied,
    endOfTurn: (action) => ports.clock.endOfTurn(action),
  });
  state.tell(changes);
  const dates = new MachineDates(options.nodeId, { clock: ports.clock, dateMs: () => ports.wallClockMs() });
  const clusterClock = new ClusterClock(ports.clock, dates.own());
  clusterClock.learn(state.timeMs);
  const ownEntries = new OwnEntries(raft, { metrics: ports.metrics, now: ports.clock.now() });
  const { clock, log, metrics } = ports;
  const diskWatch = new DiskWatch({
    clock,
    log,
    metrics,
    directory: options.directory,
    hangMs: options.electionTimeoutMs,
  });
  const pendingLimits = { ...DEFAULT_PENDING_LIMITS, ...options.pendingLimits };
  const shared = { raft, storage, transport, snapshots, options, pendingLimits, clusterClock, ownEntries, diskWatch };
  const driver = new Driver({
    ...shared,
    clock: ports.clock,
    dates,
    metrics: ports.metrics,
    log: ports.log,
    chunkBytesMax: limits.chunkBytesMax,
    begin: {
      state,
      id: recovered.snapshot?.lastIncluded ?? ZERO_ENTRY_ID,
      configuration: recovered.snapshot?.configuration ?? recovered.initialConfiguration,
    },
    stepped: ports.stepped,
    failed: (error) => existing().failWith(error),
    configurationCommitted: (configuration) => existing().configurationCommitted(configuration),
    configurationInForce: () => existing().configurationInForce(),
    beforeProposals: () => existing().passOn(),
    isStranger: (peer) => existing().isStranger(peer),
  });
  node = new Node({ ...shared, driver, changes, ports, greeting });
  await node.start();
  return node;
}

/** Whether the configuration lists this very directory as a voter's, and not the one that was lost. */
function votesUnder({ ownership: { nodeId, identity } }: Recovered, configuration: Configuration): boolean {
  const member = configuration.members.find(({ id }) => id === nodeId);
  return configuration.voters.includes(nodeId) && member?.identity === identity;
}

/** What the node says of itself in each handshake; part of it changes while it lives. */
function makeGreeting({ recovered, options, raft, incarnation }: {
  readonly recovered: Recovered;
  readonly options: NodeOptions;
  readonly raft: RaftNode;
  readonly incarnation: number;
}): Greeting {
  const own = options.members.find((member) => member.id === options.nodeId);
  const fingerprint = fingerprintOf(options.members);
  return {
    get clusterId(): string {
      return raft.clusterId ?? "";
    },
    clusterName: options.clusterId ?? recovered.ownership.clusterName,
    nodeId: options.nodeId,
    incarnation,
    identity: recovered.ownership.identity,
    get rejoin(): boolean {
      return recovered.initialConfiguration.members.length === 0 && !votesUnder(recovered, raft.configuration);
    },
    get configurationIndex(): number {
      return raft.configurationIndex;
    },
    get membersFingerprint(): string {
      const recorded = raft.configuration.members.find(({ id }) => id === options.nodeId)?.identity;
      return recorded === recovered.ownership.identity ? "" : fingerprint;
    },
    clientAddress: own?.clientAddress ?? "",
    peerAddress: own?.address ?? "",
    ...(options.httpAddress ? { httpAddress: options.httpAddress } : {}),
  };
}

interface CoreParts {
  readonly options: NodeOptions;
  readonly ports: NodePorts;
  readonly limits: RaftLimits;
  readonly incarnation: number;
  readPoint(commitIndex: Index): ReadPoint;
}

function makeCore(recovered: Recovered, parts: CoreParts): RaftNode {
  const { options, ports, limits, incarnation, readPoint } = parts;
  const { min, max } = DISCONNECT_DELAY_TICKS;
  return new RaftNode({
    id: options.nodeId,
    initialConfiguration: recovered.initialConfiguration,
    hardState: recovered.hardState,
    snapshot: recovered.snapshot,
    entries: recovered.entries,
    incarnation,
    readPoint,
    makeClusterId: () => randomDigits(ports.random, CLUSTER_ID_DIGITS),
    drawElectionTimeout: () => toTicks(Math.ceil(limits.electionTimeoutTicksMin * (1 + ports.random()))),
    firstElectionTimeoutTicks: firstElectionTimeout(options, limits),
    drawDisconnectDelay: () => toTicks(min + Math.floor(ports.random() * (max - min + 1))),
    limits,
  });
}

/**
 * Staggered by the rank of the id among the members: the lowest one asks after 0.3 of the shortest election timeout, so that
 * a cluster that starts as a whole soon has a leader, and usually the one that people try first.
 */
function firstElectionTimeout(options: NodeOptions, limits: RaftLimits): Ticks {
  const rank = options.members.filter((member) => member.id < options.nodeId).length;
  const share = FIRST_TIMEOUT_SHARE + FIRST_TIMEOUT_STEP * rank;
  return toTicks(Math.max(1, Math.ceil(limits.electionTimeoutTicksMin * share)));
}

function limitsOf(options: NodeOptions): RaftLimits {
  return {
    ...DEFAULT_RAFT_LIMITS,
    heartbeatTicks: toTicks(Math.max(1, Math.round(options.heartbeatMs / TICK_MS))),
    electionTimeoutTicksMin: toTicks(Math.max(2, Math.round(options.electionTimeoutMs / TICK_MS))),
    ...options.raftLimits,
  };
}

function reportRecovery(recovered: Recovered, options: NodeOptions, ports: NodePorts): void {
  const { entries, snapshot, tornBytes, existed } = recovered;
  if (!existed) ports.log("info", `Created the data directory ${options.directory}`);
  else {
    const from = snapshot === undefined ? "no snapshot" : `the snapshot at index ${snapshot.lastIncluded.index}`;
    ports.log("info", `Recovered ${from} and ${entries.length} log entries from ${options.directory}`);
  }
  if (tornBytes > 0) ports.log("warn", `Cut off ${tornBytes} bytes of a last write that was never acknowledged`);
  if (existed && options.newIdentity && recovered.initialConfiguration.members.length > 0) {
    ports.log("warn", "--new-identity has no effect: the data directory is not empty");
  }
  ports.metrics.gauge(METRIC.recoveredEntries, () => entries.length);
}

function fingerprintOf(members: readonly Member[]): string {
  const { members: sorted }: Configuration = configurationOf(members);
  const text = sorted.map((member) => `${member.id}=${member.address}`).join(",");
  return checksum(stringToBytes(textToByteString(text))).toString(16).padStart(8, "0");
}

function randomDigits(random: () => number, count: number): string {
  let digits = "";
  while (digits.length < count) digits += Math.floor(random() * 16).toString(16);
  return digits;
}
