/** `kvstore rolling-restart`: restarts the nodes of a local cluster one after the other, through the launcher that runs them. */

import type { LaunchedNode } from "../http/launcher_port.ts";
import { AdminConnection, type AdminReply, failureOf } from "./admin_connection.ts";
import { type ClusterView, fieldsOf, readClusterView } from "./cluster_view.ts";
import type { CommandContext } from "./command_context.ts";
import { confirmOrThrow } from "./confirmation.ts";
import { EXIT, Failure } from "./failures.ts";
import { transfer } from "./leader_command.ts";
import { ofCluster, type RestartTools, rollingRestart, takesPart } from "./rolling_restart.ts";

const OK = 200;
const NOT_FOUND = 404;

/** Restarts all nodes. Throws `Failure`, `UsageError`. */
export async function runRollingRestartCommand(context: CommandContext): Promise<number> {
  const { settings, surroundings } = context;
  const admin = new AdminConnection(context);
  const launcher = new Launcher(admin);
  const nodeTimeoutMs = settings.integer("node-timeout-ms");
  const cluster = await admin.led();
  const nodes = ofCluster(await launcher.nodes(), cluster);
  confirmOrThrow(context, planOf(nodes, { leader: cluster.leader, nodeTimeoutMs }));
  await launcher.order("rolling-restart");
  const report = (line: string) => settings.enabled("json") ? undefined : surroundings.out(`${line}\n`);
  const restarted = await rollingRestart(toolsOf({ admin, launcher, report }), { nodeTimeoutMs });
  const { leader: leads, term } = await admin.led();
  const shown = restarted.map(({ id, oldPid = null, newPid, tookMs }) => {
    return { id, "old_pid": oldPid, "new_pid": newPid, "took_ms": tookMs };
  });
  surroundings.out(
    settings.enabled("json")
      ? `${JSON.stringify({ restarted: shown, leader: leads, term })}\n`
      : `Done: every node has a new process. Node ${leads} leads, in term ${term}.\n`,
  );
  return EXIT.ok;
}

/** What will be done, for the question. */
function planOf(
  nodes: readonly LaunchedNode[],
  { leader, nodeTimeoutMs }: { readonly leader: number; readonly nodeTimeoutMs: number },
): string {
  const list = (some: readonly LaunchedNode[]) => some.map(({ id }) => `node ${id}`).join(", ");
  const isBegun = nodes.some(({ restartPending }) => restartPending);
  const left = nodes.filter((node) => takesPart(node) && (node.restartPending || !isBegun));
  const idle = nodes.filter((node) => !takesPart(node));
  const followers = left.filter(({ id }) => id !== leader);
  const steps = [
    ...idle.length > 0 ? [`  start ${list(idle)}: not running, or cut off`] : [],
    ...followers.length > 0 ? [`  restart ${list(followers)}`] : [],
    ...left.length > followers.length ? [`  restart node ${leader}, the leader, when it has handed over`] : [],
  ];
  return [
    isBegun ? "Continues a rolling restart that was not finished, one node at a time:" : "One node at a time:",
    ...steps,
    nodes.length === 1
      ? "The cluster has one node: it answers nothing until that runs again."
      : `Each serves and has caught up before the next, within ${nodeTimeoutMs / 1_000} s, or nothing more is done.`,
  ].join("\n");
}

/** The launcher of a local cluster, through any of its nodes. */
class Launcher {
  readonly #admin: AdminConnection;

  constructor(admin: AdminConnection) {
    this.#admin = admin;
  }

  /** The nodes as they are. Throws `Failure`. */
  async nodes(): Promise<readonly LaunchedNode[]> {
    return readNodes(await this.#status());
  }

  /** Asks for something: the end of a path below `/v1/launcher`. Throws `Failure`. */
  async order(what: string): Promise<void> {
    const { address, json } = await this.#status();
    // The token is that of the node that told it.
    const headers = { "X-KV-Token": String(fieldsOf(json)["token"]) };
    const reply = await this.#admin.askNode(address, { method: "POST", path: `/v1/launcher/${what}`, headers });
    if (typeof reply === "string") throw new Failure(`${address} did not answer; the command can be repeated`);
    if (reply.status !== OK) throw failureOf(reply);
  }

  async #status(): Promise<AdminReply> {
    const reply = await this.#admin.ask({ method: "GET", path: "/v1/launcher" });
    if (reply.status === NOT_FOUND) throw new Failure(NO_LAUNCHER);
    if (reply.status !== OK) throw failureOf(reply);
    return reply;
  }
}

const NO_LAUNCHER = "These nodes were not started by kvstore cluster, so nothing here can restart them: " +
  "stop and start them one by one, the leader last, see docs/operations.md";

function readNodes({ json }: AdminReply): readonly LaunchedNode[] {
  const nodes = fieldsOf(json)["nodes"];
  if (!Array.isArray(nodes)) throw new Failure("What answered over HTTP is no KVStore node; --connect names others");
  return nodes.map((node) => {
    const { id, pid, state, partitioned, restart_pending: restartPending } = fieldsOf(node);
    return {
      id: Number(id),
      pid: typeof pid === "number" ? pid : undefined,
      state: state as LaunchedNode["state"],
      partitioned: partitioned === true,
      restartPending: restartPending === true,
    };
  });
}

/** The tools on a real cluster: what fails for the moment is seen as not there yet. */
function toolsOf({ admin, launcher, report }: {
  readonly admin: AdminConnection;
  readonly launcher: Launcher;
  readonly report: (line: string) => void;
}): RestartTools {
  /** HTTP addresses by node, as last told. */
  let addresses: ReadonlyMap<number, string> = new Map();
  const viewOf = async (id: number): Promise<ClusterView | undefined> => {
    const address = addresses.get(id) ?? "";
    const ready = address === ""
      ? "NotSeen"
      : await admin.askNode(address, { method: "GET", path: "/readyz?exclude=drained" });
    if (typeof ready === "string" || ready.status !== OK) return undefined;
    const reply = await admin.askNode(address, { method: "GET", path: "/v1/cluster" });
    return typeof reply === "string" ? undefined : readClusterView(reply.json);
  };
  return {
    nodes: () => orUndefined(launcher.nodes()),
    restart: async (id) => void await orUndefined(launcher.order(`nodes/${id}/restart`)),
    leaderView: async () => {
      const view = await orUndefined(admin.cluster());
      if (view?.leader === undefined) return undefined;
      addresses = new Map(view.members.map(({ id, httpAddress }) => [id, httpAddress]));
      const own = view.leader === view.node ? view : await viewOf(view.leader);
      return own?.leader === own?.node ? own : undefined;
    },
    viewOf,
    handOver: () => transfer(admin, undefined).then(() => undefined, whyOf),
    now: () => performance.now(),
    pause: (delayMs) => admin.pause(delayMs),
    report,
  };
}

async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Failure) return undefined; // Looked at again until the time for a node is up.
    throw error;
  }
}

function whyOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  throw error;
}
