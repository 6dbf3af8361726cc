/** What the driver is made of, and whom it tells. */

import type { Clock } from "../base/clock.ts";
import type { Registry } from "../observe/metrics.ts";
import type { RaftNode } from "../raft/raft_node.ts";
import type { Configuration, NodeId } from "../raft/types.ts";
import type { Storage } from "../storage/storage.ts";
import type { Transport } from "../transport/transport.ts";
import type { AppliedState } from "./applier.ts";
import type { DiskWatch } from "./disk_watch.ts";
import type { PendingLimits } from "./limits.ts";
import type { NodeLog, NodeOptions, NodePorts } from "./options.ts";
import type { OwnEntries } from "./own_entries.ts";
import type { Snapshots } from "./snapshots.ts";
import type { ClusterClock } from "./time/cluster_clock.ts";
import type { MachineDates } from "./time/machine_dates.ts";

/** What the driver joins. */
export interface DriverParts {
  readonly raft: RaftNode;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly clusterClock: ClusterClock;
  readonly dates: MachineDates;
  readonly metrics: Registry;
  readonly log: NodeLog;
  readonly options: NodeOptions;
  readonly pendingLimits: PendingLimits;
  readonly chunkBytesMax: number;
  /** The state recovered from the newest snapshot, or the empty one. */
  readonly begin: AppliedState;
  readonly snapshots: Snapshots;
  readonly ownEntries: OwnEntries;
  readonly diskWatch: DiskWatch;
  readonly stepped: NodePorts["stepped"];
  /** Told once of the failure that ends the node. */
  failed(error: unknown): void;
  /** A configuration is committed. */
  configurationCommitted(configuration: Configuration): void;
  /** Another configuration is in force than before. */
  configurationInForce(): void;
  /** The events of a turn have been stepped; proposing comes next. */
  beforeProposals(): void;
  /** Whether a peer is not the one that the configuration in force counts on. */
  isStranger(peer: NodeId): boolean;
}
