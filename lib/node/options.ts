/** What a node is made of and started with. The driver knows only these ports, so a simulator can stand in for each. */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Registry } from "../observe/metrics.ts";
import type { Configuration, Member, NodeId } from "../raft/types.ts";
import type { PendingLimits } from "./limits.ts";
import type { Event } from "../raft/events.ts";
import type { RaftLimits } from "../raft/options.ts";
import type { RaftNode } from "../raft/raft_node.ts";
import type { Update } from "../raft/update.ts";
import type { Compression } from "../storage/block_codec.ts";
import type { Disk } from "../storage/disk.ts";
import type { Greeting, Transport } from "../transport/transport.ts";
import type { VersionRange } from "../transport/versions.ts";

/** How a node reports what people should know. */
export type NodeLog = Log;

/** The surroundings of a node. */
export interface NodePorts {
  readonly clock: Clock;
  readonly disk: Disk;
  /** A number in [0, 1), the only source of chance. */
  random(): number;
  /** Milliseconds since 1970 by the machine's clock, which may jump. */
  wallClockMs(): number;
  /** Makes the transport once the directory is open and the greeting known. */
  makeTransport(greeting: Greeting): Transport;
  readonly metrics: Registry;
  readonly log: NodeLog;
  /** Sees each step of the core before its effects are performed; for simulators. */
  stepped?(raft: RaftNode, step: { readonly event: Event; readonly update: Update }): void;
}

/** How a node joins. */
export interface JoinOptions {
  /** The name of the new directory, which the cluster has an id for; without it one is drawn. */
  readonly identity?: string;
  /** It is not to become a voter by itself. */
  readonly staysLearner: boolean;
}

/** How often a node looks whether what it has is sound. Times in milliseconds. */
export interface SelfCheckPeriods {
  /** Of the cluster's time, between two entries at which all nodes take their digests: the same on every node. */
  readonly checkMs: number;
  /** How long a sweep of the memory takes at least; `Infinity` for none. */
  readonly sweepPassMs: number;
  /** From the beginning of one scrub to that of the next, and from the start to the first, at the least. */
  readonly scrubPauseMs: number;
}

/** The settings of a node. Times in milliseconds. */
export interface NodeOptions {
  readonly nodeId: NodeId;
  /** The servers that the operator named: the initial configuration, and the addresses to dial. */
  readonly members: readonly Member[];
  /** The operator's name for the cluster, beside the random id that it gets. */
  readonly clusterId: string | undefined;
  readonly directory: string;
  readonly newIdentity: boolean;
  /** A new directory joins a cluster that exists (`--join`); left out where it is one of the servers that found one. */
  readonly join?: JoinOptions;
  /** An address that other machines reach, at which the node is not to start without users; left out where it may. */
  readonly usersRequiredAt?: string;
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** How snapshots are compressed once every member can read that; "off" when left out. */
  readonly compression?: Compression;
  /** How fast what lies on the disk is read once more, to find what has rotted; 0, or left out, for never. */
  readonly scrubBytesPerSecond?: number;
  /** Entries whose changes are remembered, and bytes of them; the usual numbers when left out. */
  readonly historyEntries?: number;
  readonly historyBytes?: number;
  /** Bytes of state, log, history and queues above which writes that add are refused; left out for any number. */
  readonly memoryLimitBytes?: number | undefined;
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly requestTimeoutMs: number;
  /** `host:port` under which others find this node's HTTP; "" or left out where there is none, or the port is not known. */
  readonly httpAddress?: string;
  /** Versions of the protocol between nodes, as another program speaks them; for tests. */
  readonly versions?: VersionRange;
  /** Whether the runtime is to be taken for one that reads zstd; for tests. */
  readonly readsZstd?: boolean;
  /** Overrides of the core's limits, for tests. */
  readonly raftLimits?: Partial<RaftLimits>;
  /** Overrides of what may wait for its outcome, for tests. */
  readonly pendingLimits?: Partial<PendingLimits>;
  /** Size of a log segment in bytes, for tests. */
  readonly segmentBytes?: number;
  /** Other periods of the self-check than the usual ones, for tests. */
  readonly selfCheck?: SelfCheckPeriods;
}

/** The configuration that members given by the operator start with: all of them voters. */
export function configurationOf(members: readonly Member[]): Configuration {
  const sorted = [...members].sort((a, b) => a.id - b.id);
  return { members: sorted, voters: sorted.map((member) => member.id), votersOld: [], learners: [] };
}
