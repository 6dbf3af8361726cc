/** What a node shows of itself and its cluster. Pure views are in views.ts. */

import type { Registry } from "../../observe/metrics.ts";
import { isJoint } from "../../raft/quorum.ts";
import type { NodeId } from "../../raft/types.ts";
import type { PeerStatus } from "../../transport/transport.ts";
import { FIRST_LEVEL } from "../../transport/versions.ts";
import type { LogLine, MemberView, NodeHealth, NodeMonitor, NodeStatus, RpcCounts } from "../api.ts";
import type { Changes } from "../changes/changes.ts";
import { LOG_TAIL_MAX } from "../limits.ts";
import type { Parts, Stages } from "../parts.ts";
import { UnappliedUsers } from "../users/unapplied_users.ts";
import { logLines, memberViews, peerStatusOf, quorumOf } from "./views.ts";

type Needed = Stages & Pick<Parts, "ticker">;

/** Bytes of the write that must find room for a node to count as one that takes writes. */
const PROBE_BYTES = 4_096;

/** Looks at every part, and owns nothing but the moment of the start. */
export class Monitor implements NodeMonitor {
  readonly id: NodeId;
  readonly metrics: Registry;
  readonly changes: Changes;
  readonly #parts: Needed;
  readonly #startedAt: number;
  readonly #unappliedUsers: UnappliedUsers;

  /** The node starts now. */
  constructor(parts: Needed) {
    this.#parts = parts;
    this.id = parts.options.nodeId;
    this.metrics = parts.metrics;
    this.changes = parts.changes;
    this.#startedAt = parts.clock.now();
    this.#unappliedUsers = new UnappliedUsers(parts);
  }

  /** See `NodeMonitor`. */
  status(): NodeStatus {
    const { raft, transport, storage, options, greeting, snapshots, memory, space, membershipWatch } = this.#parts;
    const { state, id } = this.#parts.applied;
    const status = raft.status();
    const peers = transport.peers();
    const now = this.#parts.clock.now();
    return {
      raft: status,
      lastApplied: id.index,
      uptimeMs: now - this.#startedAt,
      now,
      peers,
      quorum: quorumOf({ self: this.id, voters: status.configuration.voters, peers }),
      versions: greeting.versions,
      level: status.configuration.level ?? FIRST_LEVEL,
      storage: storage.sizes(),
      clientAddress: greeting.clientAddress,
      directory: options.directory,
      logEntries: status.lastEntry.index - status.firstIndex + 1,
      digest: state.digest,
      keys: state.size,
      keyBytes: state.bytes,
      expiring: state.expiring,
      memory: { usedBytes: memory.usedBytes, limitBytes: memory.limitBytes },
      space: space.view,
      lastSnapshotMs: this.#parts.clusterClock.now() - (now - snapshots.takenAt),
      eventLoopLagMs: this.#parts.ticker.lagMs,
      clocks: this.#parts.time.offsets(),
      isChangingMembership: isJoint(status.configuration) || raft.configurationIndex > status.commitIndex,
      membershipChangedMs: membershipWatch.changedMs,
      learnerLags: membershipWatch.lags(),
    };
  }

  /** See `NodeMonitor`. */
  health(): NodeHealth {
    const {
      storage,
      diskWatch: { hungMs, refusedBytes },
      lifetime: { isStopping: stopping, hasFailed },
      memory,
      space,
    } = this.#parts;
    if (hasFailed) return { stopping, failed: true, hasSpace: false, hungMs };
    try {
      // What the leader sends may be longer than a probe: a node that has no room for that lags.
      const hasSpace = storage.reserve(PROBE_BYTES, 1) && storage.reserveBody(refusedBytes) &&
        space.hasRoomFor(refusedBytes);
      return {
        stopping,
        failed: false,
        hasSpace,
        hungMs,
        staysOut: memory.isBeyond,
        quarantined: this.#parts.quarantine.isFenced,
      };
    } catch {
      // A disk that failed for good says so with every call; the driver meets the same error with its next write.
      return { stopping, failed: true, hasSpace: false, hungMs };
    }
  }

  /** See `NodeMonitor`. */
  members(): readonly MemberView[] {
    return memberViews({ self: this.peerStatus(), id: this.id, status: this.status() });
  }

  /** See `NodeMonitor`. */
  logTail(count: number): readonly LogLine[] {
    return logLines(this.#parts.raft.logTail(Math.min(count, LOG_TAIL_MAX)));
  }

  /** See `NodeMonitor`. */
  rpcCounts(): RpcCounts {
    return this.#parts.transport.counts();
  }

  /** See `NodeMonitor`. */
  hasUsers(): boolean {
    return this.#unappliedUsers.exist();
  }

  /** See `NodeMonitor`. */
  watchUsers(listener: () => void): () => void {
    return this.#parts.userWatch.add(listener);
  }

  /** What the peers are told with each answer to a ping. */
  peerStatus(): PeerStatus {
    const { raft, applied, greeting: { clientAddress }, options: { httpAddress = "" }, checks: { last } } = this.#parts;
    const found = {
      ...(last.length === 0 ? {} : { checks: last }),
      ...(this.#parts.sweep.foundAt === undefined ? {} : { suspect: true }),
      ...(this.#parts.quarantine.isOn ? { quarantined: true } : {}),
    };
    return peerStatusOf(raft, { lastApplied: applied.id.index, clientAddress, httpAddress, ...found });
  }
}
