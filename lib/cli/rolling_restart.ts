/**
 * The order of a rolling restart: one node at a time, first those that take no part anyway, then the followers, the leader last,
 * when it has handed over. Each waits until all others serve and have caught up.
 */

import type { LaunchedNode } from "../http/launcher_port.ts";
import type { NodeId } from "../raft/types.ts";
import type { ClusterView } from "./cluster_view.ts";
import { Failure } from "./failures.ts";

/** How often the nodes are looked at, in ms. */
const LOOK_MS = 100;
/** The request to restart may be lost with the node that passes it on: while the old process runs it is repeated after so long. */
const REPEAT_MS = 7_000;
const AGAIN = "Mend that and run kvstore rolling-restart again: it continues with the nodes that are left";

/** What a rolling restart works with; tests give fakes. Times in milliseconds. */
export interface RestartTools {
  /** The nodes as their launcher knows them; undefined while no node answers. */
  nodes(): Promise<readonly LaunchedNode[] | undefined>;
  /** Asks the launcher to restart a node; whether it did, `nodes` shows. */
  restart(id: NodeId): Promise<void>;
  /** The cluster as its leader sees it; undefined while none leads. */
  leaderView(): Promise<ClusterView | undefined>;
  /** What a node says of itself; undefined while it does not serve. */
  viewOf(id: NodeId): Promise<ClusterView | undefined>;
  /** Lets another node lead. Undefined when it does, or why not. */
  handOver(): Promise<string | undefined>;
  now(): number;
  pause(delayMs: number): Promise<void>;
  /** Takes a line for people with each step. */
  report(line: string): void;
}

/** A node that has a new process. */
export interface RestartedNode {
  readonly id: NodeId;
  /** Undefined when it did not run. */
  readonly oldPid: number | undefined;
  readonly newPid: number;
  /** Until it served again and had caught up. */
  readonly tookMs: number;
}

/**
 * Restarts every node whose restart is pending, or that takes no part. Resolves with those that were restarted, in their order.
 * Throws `Failure` when what it waits for does not come within `nodeTimeoutMs`; called again it continues.
 */
export async function rollingRestart(
  tools: RestartTools,
  { nodeTimeoutMs }: { readonly nodeTimeoutMs: number },
): Promise<readonly RestartedNode[]> {
  const restarted: RestartedNode[] = [];
  for (;;) {
    const next = await within(tools, { nodeTimeoutMs, look: nextNode(tools) });
    if (next === "None") return restarted;
    const oldPid = next.pid;
    tools.report(oldPid === undefined ? `Node ${next.id} starts` : `Node ${next.id} restarts (process ${oldPid})`);
    const began = tools.now();
    const newPid = await within(tools, { nodeTimeoutMs, look: newProcess(tools, next) });
    const tookMs = Math.round(tools.now() - began);
    tools.report(
      `Node ${next.id} serves and has caught up (process ${newPid}, after ${(tookMs / 1_000).toFixed(1)} s)`,
    );
    restarted.push({ id: next.id, oldPid, newPid, tookMs });
  }
}

/** Whether a node can answer the others. */
export function takesPart({ state, partitioned }: LaunchedNode): boolean {
  return state === "Running" && !partitioned;
}

/** The nodes that belong to the cluster: one that was removed ends as soon as it is started. All, where the cluster is not known. */
export function ofCluster(nodes: readonly LaunchedNode[], cluster: ClusterView | undefined): readonly LaunchedNode[] {
  return nodes.filter(({ id }) => cluster === undefined || cluster.members.some((member) => member.id === id));
}

/** What a look found: what was waited for, or in words why it is not there yet. */
type Look<T> = () => Promise<{ readonly found: T } | string>;

async function within<T>(
  tools: RestartTools,
  { nodeTimeoutMs, look }: { readonly nodeTimeoutMs: number; readonly look: Look<T> },
): Promise<T> {
  const deadline = tools.now() + nodeTimeoutMs;
  for (;;) {
    const seen = await look();
    if (typeof seen !== "string") return seen.found;
    if (tools.now() >= deadline) throw new Failure(`Stopped after ${nodeTimeoutMs / 1_000} s: ${seen}. ${AGAIN}`);
    await tools.pause(LOOK_MS);
  }
}

/** Looks for the node that is to be restarted next, as soon as all others can do without it. */
function nextNode(tools: RestartTools): Look<LaunchedNode | "None"> {
  const settled = caughtUp(tools);
  return async () => {
    const all = await tools.nodes();
    if (all === undefined) return "no node answers";
    const nodes = ofCluster(all, await tools.leaderView());
    const idle = nodes.find((node) => !takesPart(node));
    if (idle !== undefined) return { found: idle };
    const cluster = await settled(nodes.map(({ id }) => id));
    if (typeof cluster === "string") return cluster;
    const { quorum: { reachable, total, needed }, leader } = cluster;
    if (reachable < total && reachable <= needed) {
      return `the leader reaches ${reachable} of ${total} nodes and needs ${needed}, so none can be spared`;
    }
    const pending = nodes.filter(({ restartPending }) => restartPending);
    const next = pending.find(({ id }) => id !== leader);
    if (next !== undefined || pending.length === 0) return { found: next ?? "None" };
    // Where nobody else is to lead, its orderly end does what can be done.
    const isAlone = !cluster.members.some(({ id, voter, drained }) => voter && !drained && id !== leader);
    if (isAlone) return { found: pending[0] ?? "None" };
    tools.report(`Node ${leader} leads and hands over`);
    return await tools.handOver() ?? `node ${leader} hands over`;
  };
}

/** Asks for the restart of a node, and looks for its new process, until that has caught up. */
function newProcess(tools: RestartTools, { id, pid: oldPid }: LaunchedNode): Look<number> {
  const settled = caughtUp(tools);
  let askedAt = -Infinity;
  return async () => {
    const node = (await tools.nodes())?.find((candidate) => candidate.id === id);
    if (node !== undefined && (node.pid === oldPid) && tools.now() - askedAt >= REPEAT_MS) {
      askedAt = tools.now();
      await tools.restart(id);
      return `node ${id} has not stopped`;
    }
    if (node?.state === "Ended" && askedAt !== -Infinity) {
      throw new Failure(`Node ${id} ended and is not started again; the launcher's lines say why. ${AGAIN}`);
    }
    if (node?.pid === undefined || node.pid === oldPid) return `node ${id} does not run again`;
    const cluster = await settled([id]);
    return typeof cluster === "string" ? cluster : { found: node.pid };
  };
}

/**
 * Looks whether nodes serve and have caught up: with all that was committed when they were first seen to serve, by what they
 * say and by what the leader knows. The result is the leader's view of the cluster, or in words what is missing.
 */
function caughtUp(tools: RestartTools): (ids: readonly NodeId[]) => Promise<ClusterView | string> {
  let commitIndex: number | undefined;
  return async (ids) => {
    const cluster = await tools.leaderView();
    if (cluster === undefined) return "no node leads";
    const views = await Promise.all(ids.map(async (id) => ({ id, own: await tools.viewOf(id) })));
    const silent = views.find(({ own }) => own === undefined);
    if (silent !== undefined) return `node ${silent.id} does not serve`;
    const target = commitIndex ??= cluster.commitIndex;
    for (const { id, own } of views) {
      const member = cluster.members.find((candidate) => candidate.id === id);
      if (member?.reachable !== true) return `the leader does not reach node ${id}`;
      const has = Math.min(own?.appliedIndex ?? 0, member.matchIndex ?? 0);
      if (has < target) return `node ${id} has ${has} of ${target} entries`;
    }
    return cluster;
  };
}
