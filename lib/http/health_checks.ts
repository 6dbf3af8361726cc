/** What a node must fulfil to be alive, and to be ready for clients. */

import { describeEmptyDirectory } from "../node/membership/empty_directory.ts";
import type { NodeHealth, NodeMonitor, NodeStatus } from "../node/api.ts";
import { describeHang, newestCommit } from "../node/views/lag.ts";
import { describeReach } from "../node/views/reach.ts";

/** Entries that a ready node may be behind the newest commit index it knows: applied in well under a second. */
export const READY_LAG_ENTRIES_MAX = 10_000;

/** What the checks look at. */
export interface HealthFacts {
  readonly node: Pick<NodeMonitor, "id" | "status" | "members">;
  readonly status: NodeStatus;
  readonly health: NodeHealth;
}

/** One check. `failure` says what is wrong, in a few words; undefined when nothing is. */
export interface HealthCheck {
  readonly name: string;
  failure(facts: HealthFacts): string | undefined;
}

/** That this code runs shows that the event loop turns. */
const PING: HealthCheck = { name: "ping", failure: () => undefined };

const STORAGE: HealthCheck = {
  name: "storage",
  failure: ({ health }) => health.failed ? "the storage failed; the node is about to end" : undefined,
};

/** A process that should be started again when one of these fails: none depends on another server, or on room on the disk. */
export const LIVE_CHECKS: readonly HealthCheck[] = [PING, STORAGE];

/** A node that should get no requests while one of these fails. */
export const READY_CHECKS: readonly HealthCheck[] = [
  PING,
  STORAGE,
  { name: "stopping", failure: ({ health }) => health.stopping ? "the node is stopping" : undefined },
  {
    name: "disk",
    failure: ({ health: { hungMs } }) => hungMs === undefined ? undefined : `the disk ${describeHang(hungMs)}`,
  },
  { name: "space", failure: ({ health }) => health.hasSpace ? undefined : "the disk is full" },
  {
    name: "quarantine",
    failure: ({ health }) =>
      health.quarantined === true ? "the state is not sound, and waits for a snapshot" : undefined,
  },
  {
    name: "leader",
    failure: ({ node, status: { raft } }) => {
      if (raft.leaderId !== undefined) return undefined;
      if (raft.foundingHeldBy !== undefined) return describeEmptyDirectory(raft.foundingHeldBy);
      return `no leader; ${describeReach(node, "?level=stale").join("; ")}`;
    },
  },
  {
    name: "applied",
    failure: ({ status }) => {
      const lag = newestCommit(status) - status.lastApplied;
      return lag <= READY_LAG_ENTRIES_MAX ? undefined : `${lag} entries behind`;
    },
  },
  {
    name: "drained",
    failure: ({ status: { raft: { id, configuration: { drained = [] } } } }) =>
      drained.includes(id) ? "the node is drained; kvstore member undrain ends that" : undefined,
  },
];
