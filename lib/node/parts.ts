/** Every part of a node, by the name under which others ask for it, and in the order in which they are made: each from those before it. */

import type { Clock } from "../base/clock.ts";
import type { Registry } from "../observe/metrics.ts";
import type { RaftLimits } from "../raft/options.ts";
import type { RaftNode } from "../raft/raft_node.ts";
import type { SnapshotSource, Storage } from "../storage/storage.ts";
import type { Greeting, Transport, TransportHandler } from "../transport/transport.ts";
import type { Applied } from "./effects/applied.ts";
import type { Applier } from "./effects/applier.ts";
import type { ChangeFeed } from "./changes/change_feed.ts";
import type { DiskWatch } from "./effects/disk_watch.ts";
import type { Driver } from "./driver.ts";
import type { Freshness } from "./reads/freshness.ts";
import type { Effects } from "./effects/effects.ts";
import type { Inbox } from "./inbox.ts";
import type { Lifetime } from "./lifetime.ts";
import type { PendingLimits } from "./limits.ts";
import type { MemoryBudget } from "./memory/memory_budget.ts";
import type { MembershipWatch } from "./views/membership_watch.ts";
import type { Monitor } from "./views/monitor.ts";
import type { NodeLog, NodeOptions, NodePorts } from "./options.ts";
import type { Outbox } from "./effects/outbox.ts";
import type { OwnEntries } from "./writes/own_entries.ts";
import type { PeerDirectory } from "./membership/peer_directory.ts";
import type { PendingReads } from "./reads/pending_reads.ts";
import type { PendingWrites } from "./writes/pending_writes.ts";
import type { Persistence } from "./effects/persistence.ts";
import type { Proposals } from "./writes/proposals.ts";
import type { Reader } from "./reads/reader.ts";
import type { Scrubber } from "./scrub/scrubber.ts";
import type { RoleObserver } from "./views/role_observer.ts";
import type { Snapshots } from "./snapshots/snapshots.ts";
import type { MemorySweep } from "./self_check/memory_sweep.ts";
import type { Quarantine } from "./self_check/quarantine.ts";
import type { Repair } from "./self_check/repair.ts";
import type { SelfCheck } from "./self_check/self_check.ts";
import type { StateChecks } from "./self_check/state_checks.ts";
import type { SpaceBudget } from "./space/space_budget.ts";
import type { Submissions } from "./writes/submissions.ts";
import type { UserWatch } from "./users/user_watch.ts";
import type { Ticker } from "./clock/ticker.ts";
import type { TickTime } from "./clock/tick_time.ts";
import type { ClusterClock } from "./clock/cluster_clock.ts";
import type { ClusterTime } from "./clock/cluster_time.ts";
import type { MachineDates } from "./clock/machine_dates.ts";
import type { OpenStamps } from "./clock/open_stamps.ts";
import type { Seed } from "../store/key_hash.ts";

/** What many need, and what was recovered: made first. */
export interface Ground {
  readonly options: NodeOptions;
  readonly ports: NodePorts;
  readonly clock: Clock;
  readonly log: NodeLog;
  readonly metrics: Registry;
  readonly storage: Storage;
  /** Name of this life of the process. */
  readonly incarnation: number;
  /** For the hash of keys; not to be known to clients. */
  readonly seed: Seed;
  /** The snapshot that the node begins with, open. */
  readonly newest: SnapshotSource | undefined;
  /** How long a request may wait for its outcome, and how many may. */
  readonly timeoutMs: number;
  readonly limits: PendingLimits;
  readonly raftLimits: RaftLimits;
  readonly lifetime: Lifetime;
  readonly inbox: Inbox;
  readonly tickTime: TickTime;
  readonly applied: Applied;
  readonly changes: ChangeFeed;
  readonly checks: StateChecks;
  readonly quarantine: Quarantine;
  readonly sweep: MemorySweep;
  readonly diskWatch: DiskWatch;
  readonly memory: MemoryBudget;
  readonly space: SpaceBudget;
  readonly dates: MachineDates;
  readonly clusterClock: ClusterClock;
  readonly stamps: OpenStamps;
  readonly userWatch: UserWatch;
}

/** The core, the way to the peers, and what looks at the core. */
export interface Core extends Ground {
  readonly raft: RaftNode;
  readonly greeting: Greeting;
  readonly transport: Transport;
  readonly directory: PeerDirectory;
  readonly time: ClusterTime;
  readonly ownEntries: OwnEntries;
  readonly freshness: Freshness;
  readonly observer: RoleObserver;
  readonly membershipWatch: MembershipWatch;
}

/** The stages of the driver's pass. */
export interface Stages extends Core {
  readonly reads: PendingReads;
  readonly pendingWrites: PendingWrites;
  readonly applier: Applier;
  readonly snapshots: Snapshots;
  readonly outbox: Outbox;
  readonly persistence: Persistence;
  readonly effects: Effects;
  readonly proposals: Proposals;
  readonly submissions: Submissions;
}

/** All of them, with what meets clients, peers and time. */
export interface Parts extends Stages {
  readonly driver: Driver;
  readonly selfCheck: SelfCheck;
  readonly repair: Repair;
  readonly ticker: Ticker;
  readonly monitor: Monitor;
  readonly peerEvents: TransportHandler;
  readonly reader: Reader;
  readonly scrubber: Scrubber;
}
