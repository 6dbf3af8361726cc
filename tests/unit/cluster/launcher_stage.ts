/** A launcher around fake processes, for its tests. */

import { launchCluster, type NodePlan } from "../../../lib/cluster/launcher.ts";
import type { NodeProcess, ProcessEnd, ProcessPlan } from "../../../lib/cluster/node_process.ts";
import { readOrder, writeRequest } from "../../../lib/cluster/control_lines.ts";
import type { NodeAction } from "../../../lib/http/launcher_port.ts";
import type { Members, Membership, NodeView } from "../../../lib/cluster/probe.ts";

/** Fake processes by node id, and a launcher around them. Time passes only in timers, at once. */
export class Stage {
  readonly said: string[] = [];
  /** What was written to nodes, and the signals they got. */
  readonly told: string[] = [];
  readonly printed: string[] = [];
  readonly plans: ProcessPlan[] = [];
  readonly views = new Map<number, NodeView>();
  /** What nodes say of how they belong to the cluster. */
  readonly memberships = new Map<number, Membership>();
  /** The members as a node knows them: by default those that have views, which vote, and those of `memberships`. */
  onProbe: (id: number) => Members | undefined = () =>
    new Map([...Array.from(this.views.keys(), (id) => [id, "Voter"] as const), ...this.memberships]);
  /** Nodes that have said so, or that they do not know, as often as they were asked. */
  readonly asked: number[] = [];
  /** What SIGTERM does to a node: by default it stops with code 0. */
  onTerm: (id: number) => void = (id) => this.end(id, 0);
  /** Leaders that were asked to hand over, and to whom. */
  readonly transfers: string[] = [];
  /** What such a request does; by default the node asked for leads. */
  onTransfer: (to: number) => void = (to) => this.elect(to, this.views.size);
  stop = () => {};
  kill = () => {};
  readonly exit: Promise<number>;
  readonly #ends = new Map<number, (end: ProcessEnd) => void>();
  readonly #printWaiters: (() => void)[] = [];
  nowMs = 0;
  /** What was asked of the planner: the ids of the members, and the highest one that was used. */
  readonly planned: string[] = [];
  /** What the planner says: by default the next id. */
  onPlan: (usedId: number) => Promise<NodePlan | string> = (usedId) => Promise.resolve(planOf(usedId + 1));
  /** Whether the system starts no process any more. */
  isFull = false;

  constructor(count: number) {
    const nodes = Array.from({ length: count }, (_, id) => planOf(id));
    this.exit = launchCluster({
      nodes,
      clientCommand: "./kvstore cli",
      program: "./kvstore",
      planNode: (members, usedId) => {
        this.planned.push(`${members.map(({ id }) => id)} above ${usedId}`);
        return this.onPlan(usedId);
      },
      startProcess: (plan) => this.#start(plan),
      probe: (node) => Promise.resolve(this.views.get(node.id)),
      probeMembers: ({ id }) => {
        this.asked.push(id);
        return Promise.resolve(this.onProbe(id));
      },
      transfer: (leader, to) => {
        this.transfers.push(`${leader.id} to ${to}`);
        this.onTransfer(to);
        return Promise.resolve(true);
      },
      now: () => this.nowMs,
      after: (delayMs, action) => {
        const timer = setTimeout(() => {
          this.nowMs += delayMs;
          action();
        }, 0);
        return () => clearTimeout(timer);
      },
      say: (line) => this.said.push(line),
      print: (text) => {
        this.printed.push(text);
        this.#printWaiters.forEach((wake) => wake());
      },
      requests: {
        stop: new Promise((resolve) => this.stop = resolve),
        kill: new Promise((resolve) => this.kill = resolve),
      },
    });
  }

  elect(leaderId: number, count: number): void {
    for (let id = 0; id < count; id++) {
      this.views.set(id, { nodeId: id, role: id === leaderId ? "Leader" : "Follower", leaderId });
    }
  }

  ready(): Promise<void> {
    return new Promise((resolve) => this.#printWaiters.push(resolve));
  }

  end(id: number, code: number, signal?: string): void {
    this.#ends.get(id)?.({ code, signal });
  }

  #start(plan: ProcessPlan): NodeProcess {
    if (this.isFull) throw new Deno.errors.WouldBlock("no more processes");
    this.plans.push(plan);
    const id = Number(plan.args[0]);
    const ended = new Promise<ProcessEnd>((resolve) => this.#ends.set(id, resolve));
    const kill = (signal: string) => {
      if (signal === "SIGTERM") this.onTerm(id);
      else if (signal === "SIGKILL") this.end(id, 137, signal);
      else this.told.push(`${id} ${signal}`);
    };
    return { pid: 1_000 + id, ended, kill, tell: (text) => this.told.push(`${id} ${text.trim()}`) };
  }
}

/** How that node is started. */
export function planOf(id: number): NodePlan {
  return {
    id,
    host: "127.0.0.1",
    port: 5000 + id,
    clientAddress: `127.0.0.1:${5000 + id}`,
    peerAddress: `127.0.0.1:${15000 + id}`,
    httpAddress: `127.0.0.1:${8000 + id}`,
    dataDirectory: `./kvstore-data/node-${id}`,
    executable: "kvstore",
    args: [String(id)],
    environment: {},
  };
}

/** A ready cluster of three, and how node `from` asks it for something. */
export async function readyStage(): Promise<{
  readonly stage: Stage;
  readonly ask: (from: number, node: number, action: NodeAction) => string;
}> {
  const stage = new Stage(3);
  stage.elect(0, 3);
  await stage.ready();
  const ask = (from: number, node: number, action: NodeAction) => {
    const plan = stage.plans.findLast(({ args }) => args[0] === String(from));
    plan?.onLine(writeRequest({ number: 7, wish: { node, action } }).trimEnd(), "stdout");
    const order = readOrder(stage.told.at(-1)?.slice(2) ?? "");
    if (order?.type !== "Answer" || order.number !== 7) return "no answer";
    const { answer } = order;
    if (answer.type !== "Nodes") return answer.type === "Refused" ? answer.reason : answer.type;
    return answer.nodes.map(({ state, partitioned }) => `${state}${partitioned ? " alone" : ""}`).join();
  };
  return { stage, ask };
}
