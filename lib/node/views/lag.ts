/** How far a node is behind the cluster, and what of its own disk or memory is the cause. */

import type { NodeHealth, NodeMonitor, NodeStatus } from "../api.ts";

/** The newest commit index that this node knows: the peers tell theirs once a second, so one that has just started knows it. */
export function newestCommit({ raft, peers }: Pick<NodeStatus, "raft" | "peers">): number {
  return Math.max(raft.commitIndex, ...peers.map((peer) => peer.status?.commitIndex ?? 0));
}

/**
 * Why a read that was not served in time could not be: this node lags because of its own disk or memory. To follow
 * "this node is"; undefined when the node does not lag or both work, so that the cause is elsewhere.
 */
export function describeLag(node: Pick<NodeMonitor, "health" | "status">): string | undefined {
  const status = node.status();
  const lag = newestCommit(status) - status.lastApplied;
  if (lag <= 0) return undefined;
  const trouble = describeTrouble(node.health());
  if (trouble === undefined) return undefined;
  return `${lag} ${lag === 1 ? "entry" : "entries"} behind: ${trouble} (${status.directory})`;
}

function describeTrouble({ failed, hungMs, hasSpace, staysOut = false }: NodeHealth): string | undefined {
  if (staysOut) return "its memory is full";
  if (failed) return "its storage failed";
  if (hungMs !== undefined) return `its disk ${describeHang(hungMs)}`;
  return hasSpace ? undefined : "its disk is full";
}

/** What a disk does whose sync has been under way for `hungMs`; to follow "the disk". */
export function describeHang(hungMs: number): string {
  return `hangs, a sync has been under way for ${Math.round(hungMs / 1_000)} s`;
}
