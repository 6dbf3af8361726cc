/** What a node can ask of the launcher that started it. */

/** What can be done to a node of the local cluster. */
export const NODE_ACTIONS = ["kill", "pause", "continue", "restart", "partition", "heal"] as const;

/** One of `NODE_ACTIONS`. */
export type NodeAction = (typeof NODE_ACTIONS)[number];

/**
 * What a node is doing, as its launcher knows it. `Down`: it was killed on request and waits to be restarted; `Waiting`: it
 * crashed and will be started again; `Ended`: it is not started again by itself.
 */
export type LaunchedState = "Running" | "Paused" | "Down" | "Waiting" | "Ended";

/** One node of the local cluster. */
export interface LaunchedNode {
  readonly id: number;
  /** Undefined while no process runs. */
  readonly pid: number | undefined;
  readonly state: LaunchedState;
  /** Its connections to the other nodes are cut on request. */
  readonly partitioned: boolean;
  /** A rolling restart was begun, and its process is still the one of before. */
  readonly restartPending: boolean;
}

/** What became of a request. `Gone`: the launcher did not answer in time. */
export type LauncherAnswer =
  /** `added`: the node that was started because somebody asked for one more. */
  | { readonly type: "Nodes"; readonly nodes: readonly LaunchedNode[]; readonly added?: number }
  | { readonly type: "Refused"; readonly reason: string }
  | { readonly type: "Gone" };

/** A way to the launcher. Nothing here rejects. */
export interface LauncherPort {
  /** The nodes as they are. */
  status(): Promise<LauncherAnswer>;
  /** Does something to a node; the answer has the nodes as they are then. */
  act(id: number, action: NodeAction): Promise<LauncherAnswer>;
  /** Starts one more node, which joins the cluster by itself. */
  addNode(): Promise<LauncherAnswer>;
  /** Begins a rolling restart: notes which processes run. One that was begun and not finished goes on. */
  beginRollingRestart(): Promise<LauncherAnswer>;
}
