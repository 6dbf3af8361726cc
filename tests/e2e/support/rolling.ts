/** Restarts the nodes of a running cluster with other flags, as docs/operations tells an operator to: the leader last, each back before the next. */

import { assertEquals } from "@std/assert";
import { findFreePorts, waitUntilFree } from "../../support/ports.ts";
import type { ProcessCluster } from "../../support/process_cluster.ts";
import { runProgram } from "../../support/program.ts";
import { DEADLINE_MS, waitFor } from "../../support/wait.ts";

/** How the nodes are asked over HTTP. */
export interface Asking {
  readonly headers?: Readonly<Record<string, string>>;
  /** Of HTTPS: whom to trust. Left out for HTTP. */
  readonly client?: Deno.HttpClient;
}

interface View {
  readonly leader: number | null;
  readonly "commit_index": number;
  readonly "applied_index": number;
  readonly members: readonly { readonly reachable: boolean }[];
}

/** Restarts every node with the flags that it is to have from now on. */
export async function rollOver(
  cluster: ProcessCluster,
  { flagsOf, asking = {}, stopped = () => {} }: {
    readonly flagsOf: (id: number) => readonly string[];
    /** How a node is asked when it is back. */
    readonly asking?: Asking | ((id: number) => Asking);
    /** A node has stopped: its ports may change. */
    readonly stopped?: (id: number) => void;
  },
): Promise<void> {
  const ask = (id: number): Asking => typeof asking === "function" ? asking(id) : asking;
  const leader = await leaderOf(cluster, ask);
  for (const id of [...cluster.others(leader), leader]) {
    assertEquals((await cluster.kill(id, "SIGTERM")).code, 0, `node ${id} stops in order`);
    stopped(id);
    const { clientPort, peerBindPort, httpPort } = cluster.node(id);
    await Promise.all([clientPort, peerBindPort, httpPort].map((port) => waitUntilFree(port, DEADLINE_MS)));
    const process = cluster.launch(id, flagsOf(id));
    const isBack = async () => {
      if (!process.alive) return false;
      const ready = await fetch(`${baseOf(cluster, id, ask(id))}/readyz`, ask(id));
      await ready.body?.cancel();
      return ready.ok && await isWhole(cluster, ask) || undefined;
    };
    const isAlive = await waitFor(isBack, { what: `node ${id} is back, and all reach each other` });
    assertEquals(isAlive, true, process.lines.slice(-3).join(" | "));
    await waitUntilEqual(cluster, id, ask);
  }
}

/** The node that leads by the account of one that serves. */
export async function leaderOf(cluster: ProcessCluster, ask: (id: number) => Asking = () => ({})): Promise<number> {
  return await waitFor(async () => (await viewOf(cluster, 0, ask)).leader ?? undefined, { what: "somebody leads" });
}

/** Whether each node reaches all others. */
async function isWhole(cluster: ProcessCluster, ask: (id: number) => Asking): Promise<boolean> {
  const views = await viewsOf(cluster, ask);
  return views.every(({ leader, members }) => leader !== null && members.every(({ reachable }) => reachable));
}

/** Resolves once a node has all that is committed now: what clients go on to write does not count. */
async function waitUntilEqual(cluster: ProcessCluster, id: number, ask: (id: number) => Asking): Promise<void> {
  const target = Math.max(...(await viewsOf(cluster, ask)).map((view) => view["commit_index"]));
  const isEqual = async () => (await viewOf(cluster, id, ask))["applied_index"] >= target || undefined;
  await waitFor(isEqual, { what: `node ${id} has entry ${target}` });
}

function viewsOf(cluster: ProcessCluster, ask: (id: number) => Asking): Promise<readonly View[]> {
  return Promise.all(cluster.nodes.map(({ id }) => viewOf(cluster, id, ask)));
}

async function viewOf(cluster: ProcessCluster, id: number, ask: (id: number) => Asking): Promise<View> {
  const reply = await fetch(`${baseOf(cluster, id, ask(id))}/v1/cluster`, ask(id));
  if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`);
  return await reply.json();
}

function baseOf(cluster: ProcessCluster, id: number, { client }: Asking): string {
  return `${client === undefined ? "http" : "https"}://127.0.0.1:${cluster.node(id).httpPort}`;
}

/** Makes a change to files that nodes read again, and waits until each has said `line` because of it. */
export async function reload(
  cluster: ProcessCluster,
  { change, line }: { readonly change: () => void; readonly line: string },
): Promise<void> {
  const { nodes } = cluster;
  const told = nodes.map(({ process }) => process?.lines.length ?? 0);
  change();
  for (const { id } of nodes) cluster.signal(id, "SIGHUP");
  const isTold = ({ id, process }: (typeof nodes)[number]) =>
    process?.lines.slice(told[id]).some((each) => each.includes(line));
  await waitFor(() => nodes.every(isTold) || undefined, { what: `every node says: ${line}` });
}

/** `http://host:port` of each node. */
export function basesOf(cluster: ProcessCluster, scheme: "http" | "https" = "http"): readonly string[] {
  return cluster.nodes.map(({ httpPort }) => `${scheme}://127.0.0.1:${httpPort}`);
}

/** `host:port` of each node's clients. */
export function serversOf({ ports }: ProcessCluster): readonly string[] {
  return ports.map((port) => `127.0.0.1:${port}`);
}

/** What a further node with these flags says when it is not let in. */
export async function refusalOfJoiner(cluster: ProcessCluster, flags: readonly string[]): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const { clientPort, peerPort } = cluster.node(0);
  const [port = 0, ownPeerPort = 0, httpPort = 0] = findFreePorts(3);
  const own = ["--port", port, "--peer-port", ownPeerPort, "--http-port", httpPort, "--data-dir", `${directory}/data`];
  const join = ["--join", `127.0.0.1:${clientPort}@${peerPort}`];
  const { code, stderr } = await runProgram(["node", ...join, ...own.map(String), ...flags]);
  await Deno.remove(directory, { recursive: true });
  assertEquals(code, 1, stderr);
  return stderr;
}
