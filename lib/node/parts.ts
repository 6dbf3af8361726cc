/** What a node is put together from. */

import type { DiskWatch } from "./disk_watch.ts";
import type { RaftNode } from "../raft/raft_node.ts";
import type { Storage } from "../storage/storage.ts";
import type { Greeting, Transport } from "../transport/transport.ts";
import type { ChangeFeed } from "./change_feed.ts";
import type { ClusterClock } from "./time/cluster_clock.ts";
import type { Driver } from "./driver.ts";
import type { PendingLimits } from "./limits.ts";
import type { NodeOptions, NodePorts } from "./options.ts";
import type { OwnEntries } from "./own_entries.ts";
import type { Snapshots } from "./snapshots.ts";

/** What a node is made of. */
export interface NodeParts {
  readonly raft: RaftNode;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly driver: Driver;
  readonly snapshots: Snapshots;
  readonly ownEntries: OwnEntries;
  readonly diskWatch: DiskWatch;
  readonly changes: ChangeFeed;
  readonly options: NodeOptions;
  readonly pendingLimits: PendingLimits;
  readonly ports: NodePorts;
  readonly greeting: Greeting;
  readonly clusterClock: ClusterClock;
}
