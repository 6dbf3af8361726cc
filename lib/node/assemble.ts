/** Puts a node together. Each part is made from those before it, so nothing calls back into what does not exist yet. */

import type { StateMachine } from "../kv/state_machine.ts";
import { METRIC } from "../observe/names.ts";
import { ZERO_ENTRY_ID } from "../raft/types.ts";
import type { Applied } from "./effects/applied.ts";
import { Applier } from "./effects/applier.ts";
import { ChangeFeed } from "./changes/change_feed.ts";
import { CHANGE_HISTORY_BYTES_MAX } from "./changes/change_history.ts";
import { limitsOf, makeCore } from "./core.ts";
import { DiskWatch } from "./effects/disk_watch.ts";
import { Driver } from "./driver.ts";
import { Effects } from "./effects/effects.ts";
import { Freshness } from "./reads/freshness.ts";
import { Flights } from "./writes/flights.ts";
import { makeGreeting } from "./membership/greeting.ts";
import { Inbox } from "./inbox.ts";
import { Lifetime } from "./lifetime.ts";
import { DEFAULT_PENDING_LIMITS, MEMORY_HISTORY_SHARE, MEMORY_QUEUE_SHARE } from "./limits.ts";
import { MembershipWatch } from "./views/membership_watch.ts";
import { Monitor } from "./views/monitor.ts";
import { Node } from "./node.ts";
import { Outbox } from "./effects/outbox.ts";
import { OwnEntries } from "./writes/own_entries.ts";
import type { Core, Ground, Parts, Stages } from "./parts.ts";
import { PeerDirectory } from "./membership/peer_directory.ts";
import { PeerEvents } from "./peer_events.ts";
import { PendingReads } from "./reads/pending_reads.ts";
import { PendingWrites } from "./writes/pending_writes.ts";
import { Persistence } from "./effects/persistence.ts";
import { Proposals } from "./writes/proposals.ts";
import { Reader } from "./reads/reader.ts";
import { RoleObserver } from "./views/role_observer.ts";
import { Repairs } from "./scrub/repairs.ts";
import { Scrubber } from "./scrub/scrubber.ts";
import { Snapshots } from "./snapshots/snapshots.ts";
import { MemorySweep } from "./self_check/memory_sweep.ts";
import { Quarantine } from "./self_check/quarantine.ts";
import { QuarantineFile } from "../storage/quarantine_file.ts";
import { Repair } from "./self_check/repair.ts";
import { SelfCheck } from "./self_check/self_check.ts";
import { StateChecks } from "./self_check/state_checks.ts";
import { SpaceBudget } from "./space/space_budget.ts";
import { Submissions } from "./writes/submissions.ts";
import { Ticker } from "./clock/ticker.ts";
import { TickTime } from "./clock/tick_time.ts";
import { ClusterClock } from "./clock/cluster_clock.ts";
import { ClusterTime } from "./clock/cluster_time.ts";
import { MachineDates } from "./clock/machine_dates.ts";
import { OpenStamps } from "./clock/open_stamps.ts";
import { Upkeep } from "./upkeep.ts";
import { UserWatch } from "./users/user_watch.ts";

/** What a node is put together on. */
export interface Foundation
  extends Pick<Ground, "options" | "ports" | "storage" | "incarnation" | "seed" | "newest" | "memory"> {
  /** What is in the newest snapshot. */
  readonly state: StateMachine;
}

/** A node that has not begun to listen, connect and tick. */
export function assembleNode(foundation: Foundation): Node {
  return new Node(addEdges(addStages(addCore(layGround(foundation)))));
}

function layGround({ state, ...foundation }: Foundation): Ground {
  const { options, ports, memory, storage: { recovered: { snapshot, initialConfiguration }, directory } } = foundation;
  const { clock, log, metrics } = ports;
  const changes = new ChangeFeed({
    revision: state.lastApplied,
    entriesMax: options.historyEntries,
    bytesMax: Math.min(options.historyBytes ?? CHANGE_HISTORY_BYTES_MAX, memory.limitBytes * MEMORY_HISTORY_SHARE),
    endOfTurn: (action) => clock.endOfTurn(action),
  });
  state.tell(changes);
  const applied: Applied = {
    state,
    id: snapshot?.lastIncluded ?? ZERO_ENTRY_ID,
    configuration: snapshot?.configuration ?? initialConfiguration,
  };
  const lifetime = new Lifetime();
  const dates = new MachineDates(options.nodeId, ports);
  const clusterClock = new ClusterClock(clock, dates.own());
  clusterClock.learn(state.timeMs);
  const inbox = new Inbox(clock, lifetime);
  const quarantine = new Quarantine({
    ...{ inbox, lifetime, metrics, log },
    file: new QuarantineFile(ports.disk, directory),
    wallClockMs: () => ports.wallClockMs(),
  });
  return {
    ...foundation,
    ...{ clock, log, metrics, applied, changes, lifetime, inbox, quarantine, dates, clusterClock },
    timeoutMs: options.requestTimeoutMs,
    limits: {
      ...DEFAULT_PENDING_LIMITS,
      writeBytesMax: Math.min(DEFAULT_PENDING_LIMITS.writeBytesMax, memory.limitBytes * MEMORY_QUEUE_SHARE),
      ...options.pendingLimits,
    },
    raftLimits: limitsOf(options),
    tickTime: new TickTime(clock),
    checks: new StateChecks(state, options.selfCheck?.checkMs),
    sweep: new MemorySweep({ clock, applied, metrics, log, passMs: options.selfCheck?.sweepPassMs }),
    stamps: new OpenStamps(clusterClock, applied),
    userWatch: new UserWatch(state.users),
    space: new SpaceBudget({ storage: foundation.storage, applied, clock, log }),
    diskWatch: new DiskWatch({ clock, log, metrics, directory, hangMs: options.electionTimeoutMs }),
  };
}

function addCore(ground: Ground): Core {
  const { options, ports, storage: { recovered }, incarnation, clock, clusterClock, metrics } = ground;
  const raft = makeCore(ground);
  const greeting = makeGreeting({ recovered, options, raft, incarnation });
  const transport = ports.makeTransport(greeting);
  return {
    ...ground,
    raft,
    greeting,
    transport,
    directory: new PeerDirectory({ self: options.nodeId, raft, transport, greeting, clock, named: options.members }),
    time: new ClusterTime({ ...ground, raft, clock: clusterClock, monotonic: clock }),
    ownEntries: new OwnEntries(raft, { metrics, now: clock.now() }),
    freshness: new Freshness({ ...ground, raft, transport }),
    observer: new RoleObserver(raft, ground),
    membershipWatch: new MembershipWatch({ raft, clock, wallClockMs: () => ports.wallClockMs() }),
  };
}

function addStages(core: Core): Stages {
  const { options: { nodeId: self, snapshotEntries, snapshotBytes, compression = "off" } } = core;
  const reads = new PendingReads();
  const pendingWrites = new PendingWrites();
  const applier = new Applier(core.applied, { ...core, pendingWrites });
  const snapshots = new Snapshots({ ...core, applier, snapshotEntries, snapshotBytes, compression });
  const outbox = new Outbox({ ...core, snapshots });
  const persistence = new Persistence({ ...core, outbox });
  const stepping = { ...core, reads, pendingWrites, applier, snapshots, outbox, persistence };
  const effects = new Effects(stepping);
  const proposals = new Proposals({ ...stepping, effects });
  const submissions = new Submissions({ ...core, proposals, flights: new Flights({ ...core, self }) });
  core.memory.count([applier, core.changes, core.raft, pendingWrites, proposals, submissions]);
  return { ...stepping, effects, proposals, submissions };
}

function addEdges(stages: Stages): Parts {
  const { options, ports, clock, metrics, lifetime } = stages;
  const driver = new Driver(stages);
  const selfCheck = new SelfCheck(stages);
  const repair = new Repair(stages);
  const ticker = new Ticker(clock, {
    handler: new Upkeep({ ...stages, driver, selfCheck, repair }),
    lag: metrics.histogram(METRIC.eventLoopLagSeconds),
    stallMs: options.electionTimeoutMs / 2,
    lifetime,
  });
  const monitor = new Monitor({ ...stages, ticker });
  return {
    ...stages,
    driver,
    selfCheck,
    repair,
    ticker,
    monitor,
    peerEvents: new PeerEvents({ ...stages, monitor }),
    reader: new Reader(stages),
    scrubber: new Scrubber({
      ...stages,
      disk: ports.disk,
      repairs: new Repairs(stages),
      wallClockMs: () => ports.wallClockMs(),
      bytesPerSecond: options.scrubBytesPerSecond ?? 0,
      pauseMs: options.selfCheck?.scrubPauseMs,
    }),
  };
}
