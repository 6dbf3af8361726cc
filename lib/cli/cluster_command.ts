/** `kvstore cluster`, and `kvstore` alone: a local cluster whose nodes are processes of their own. */

import { assert } from "../base/assert.ts";
import { UsersRequiredError } from "../base/errors.ts";
import { PRIVATE_DIRECTORY } from "../base/private_files.ts";
import { type ClusterNodes, findNodes, findRunningNode } from "../cluster/cluster_directory.ts";
import { launcherSecretPath, sharedSecret } from "../cluster/cluster_secret.ts";
import { warnOfEphemeral } from "../cluster/ephemeral_ports.ts";
import { defaultMemoryLimit, MEMORY_LIMIT_BYTES_MIN, THIS_MACHINE } from "../cluster/machine_memory.ts";
import { launchCluster, type NodePlan } from "../cluster/launcher.ts";
import { startProcess } from "../cluster/node_process.ts";
import { requestTransfer } from "../cluster/leadership.ts";
import { findOwnProgram, type OwnProgram, quoteForShell } from "../cluster/own_program.ts";
import { LAUNCHER_SECRET_VARIABLE, makeLauncherSecret } from "../cluster/parent_watch.ts";
import { findPortProblem, THIS_SYSTEM, type WantedPort } from "../cluster/ports.ts";
import { probeMembers, probeNode } from "../cluster/probe.ts";
import type { NodeId } from "../raft/types.ts";
import { caPathOf, prepareTls, tlsFlags } from "./cluster_tls.ts";
import { withoutUsers } from "./client_access.ts";
import type { CommandContext } from "./command_context.ts";
import { confirmOrThrow } from "./confirmation.ts";
import { readFirstUser } from "./credentials.ts";
import { describeFailure, Failure } from "./failures.ts";
import { environmentName, flagsOf, isSetting } from "./flags.ts";
import { makeLauncherLog } from "./launcher_log.ts";
import { defaultPeerPort, showAddress } from "./peers.ts";
import {
  checkServerSettings,
  DATA_DIRECTORY,
  defaultHttpPort,
  logFormat,
  nodeDirectory,
  ownSecret,
} from "./server_settings.ts";
import type { Settings } from "./settings.ts";
import { refuseOverlaps } from "./port_runs.ts";
import { StopSignals } from "./signals.ts";
import { UsageError } from "./usage_error.ts";

/** A node that does not answer within this time is asked again. */
const PROBE_MS = 500;
/** How long a leader may take to hand over. */
const TRANSFER_MS = 3_000;
/** What the launcher decides for each node by itself. */
const OWN_FLAGS: ReadonlySet<string> = new Set([
  "port",
  "peer-port",
  "http-port",
  "host",
  "data-dir",
  "memory-limit",
  "audit-log",
]);

/** Runs a local cluster until it is stopped. Resolves to the exit code. Throws the expected errors of the start. */
export async function runClusterCommand(context: CommandContext): Promise<number> {
  const { settings, surroundings } = context;
  const program = findOwnProgram();
  const found = await nodesOf(settings);
  const nodes = planNodes(settings, { program, found });
  const requests = new StopSignals("terminal");
  const running = await findRunningNode(nodes.map(({ dataDirectory }) => dataDirectory));
  if (running !== undefined) throw new Failure(running.line);
  if (found.added.length > 0) askToGrow(context, found);
  const log = makeLauncherLog({ format: logFormat(settings), write: surroundings.err, now: () => new Date() });
  const ports = portsOf(nodes, settings);
  const warning = warnOfEphemeral(ports, THIS_SYSTEM.ephemeralPorts());
  if (warning !== undefined) log.say(warning);
  const problem = await findPortProblem(ports, THIS_SYSTEM);
  if (problem !== undefined) throw new Failure(problem.line);
  await makeDataDirectory(clusterDirectory(settings));
  const secret = makeLauncherSecret();
  const trust = prepareTls(context, clusterDirectory(settings), { ids: nodes.map(({ id }) => id) });
  const probeOf = ({ id }: NodePlan) => ({ timeoutMs: PROBE_MS, pass: { secret, id } });
  return await launchCluster({
    nodes: withSecret(nodes, settings).map((node) => ({
      ...node,
      environment: { ...node.environment, [LAUNCHER_SECRET_VARIABLE]: secret },
    })),
    planNode: (others, usedId) => planOneMore(context, { program, others, usedId }),
    clientCommand: clientCommand(nodes, program),
    program: program.shown,
    startProcess,
    probe: (node) => probeNode({ ...endpointOf(node), trust }, probeOf(node)),
    probeMembers: (node) => probeMembers({ ...endpointOf(node), trust }, probeOf(node)),
    transfer: ({ id, httpAddress }, to) => {
      const address = reachableAddress(httpAddress);
      return requestTransfer({ httpAddress: address, leaderId: id, to, secret, timeoutMs: TRANSFER_MS, trust });
    },
    now: () => performance.now(),
    after: (delayMs, action) => {
      const timer = setTimeout(action, delayMs);
      return () => clearTimeout(timer);
    },
    ...log,
    print: (text) => surroundings.out(text),
    requests,
  });
}

/** Rejects with `UsageError` where the directory has more nodes than are asked for, or only such as were removed. */
async function nodesOf(
  settings: Settings,
  { isDefault = settings.given("nodes") === undefined } = {},
): Promise<ClusterNodes> {
  const count = Number(settings.text("nodes"));
  if (Number.isNaN(count)) throw new UsageError("--nodes of kvstore cluster is a number: 1, 3, 5 or 7");
  const found = await findNodes(clusterDirectory(settings), { count, isDefault });
  if ("line" in found) throw new UsageError(found.line);
  return found;
}

function askToGrow(context: CommandContext, { founders, joined, added }: ClusterNodes): void {
  const count = founders.length + joined.length;
  const names = added.length === 1 ? `node ${added[0]} joins` : `nodes ${added.join(" and ")} join`;
  const directory = clusterDirectory(context.settings);
  confirmOrThrow(
    context,
    `${directory} holds a cluster of ${count - added.length} nodes: ${names} it, ${count} nodes in all`,
  );
}

/** How a node is started that joins `others`, which run, with an id above `usedId`; or in words why it cannot be. */
export async function planOneMore(
  context: Pick<CommandContext, "settings" | "surroundings">,
  { program, others, usedId }: {
    readonly program: OwnProgram;
    readonly others: readonly NodePlan[];
    readonly usedId: NodeId;
  },
): Promise<NodePlan | string> {
  const { settings } = context;
  try {
    // However many it was started with.
    const { nextId } = await nodesOf(settings, { isDefault: true });
    const id = Math.max(nextId, usedId + 1);
    const joined = [...others.map((other) => other.id), id];
    const found = { founders: [], joined, added: [id], isNew: false, nextId };
    const plan = planNodes(settings, { program, found }).find((node) => node.id === id);
    assert(plan !== undefined, `Cannot find node ${id} among those that were planned`);
    const problem = await findPortProblem(portsOf([plan], settings), THIS_SYSTEM);
    if (problem !== undefined) return `${problem.line}, for all nodes at the next start of the cluster`;
    prepareTls(context, clusterDirectory(settings), { ids: [id] });
    // The secret is theirs, wherever it came from.
    return { ...plan, environment: others[0]?.environment ?? plan.environment };
  } catch (error) {
    const known = describeFailure(error);
    if (known === undefined) throw error;
    return known.line;
  }
}

/** How each node is started. Throws `UsageError` when the ports do not fit. */
export function planNodes(
  settings: Settings,
  { program, found }: { readonly program: OwnProgram; readonly found: ClusterNodes },
): readonly NodePlan[] {
  checkServerSettings(settings, settings.enabled("tls") ? "secured" : "local cluster");
  const places = placeNodes(settings, [...found.founders, ...found.joined]);
  const host = settings.text("host");
  const founders = places.filter(({ id }) => found.founders.includes(id));
  const addressOf = ({ port, peerPort }: Place) => `${showAddress(peerHost(host), port)}@${peerPort}`;
  const peers = `--peers=${founders.map((place) => `${place.id}=${addressOf(place)}`).join(",")}`;
  const known = places.filter(({ id }) => !found.added.includes(id));
  /** Of all that are there, so that it does not matter who is removed; of itself where it is alone. */
  const joinOf = ({ id }: Place) => {
    const others = known.filter((place) => place.id !== id);
    return `--join=${(others.length === 0 ? known : others).map(addressOf).join(",")}`;
  };
  // Said once, and not by each node.
  const firstUser = readFirstUser(settings);
  ownSecret(settings);
  if (found.isNew && withoutUsers(settings, { host, firstUser }) === "DoNotStart") {
    throw new UsersRequiredError(host, { isLocalCluster: true });
  }
  const memory = memoryShare(settings, places.length);
  const caPath = caPathOf(settings, clusterDirectory(settings));
  return places.map((place) => {
    const { id, port, peerPort, httpPort } = place;
    const directory = clusterDirectory(settings);
    const dataDirectory = nodeDirectory(directory, id);
    const ports = ["--port", port, "--peer-port", peerPort, "--http-port", httpPort];
    const own = ["--node-id", id, "--host", host, ...ports, "--data-dir", dataDirectory, "--memory-limit", memory];
    return {
      id,
      host,
      port,
      clientAddress: showAddress(host, port),
      httpAddress: showAddress(host, httpPort),
      peerAddress: showAddress(host, peerPort),
      dataDirectory,
      ...caPath === undefined ? {} : { caPath },
      executable: program.executable,
      args: [
        ...program.prefix,
        "node",
        ...own.map(String),
        found.founders.includes(id) ? peers : joinOf(place),
        ...tlsFlags(settings, directory, place),
        ...auditFlags(settings, id),
        ...passedOn(settings),
      ],
      environment: secretsOf(settings),
    };
  });
}

/** Two nodes cannot write one file. */
function auditFlags(settings: Settings, id: NodeId): readonly string[] {
  const path = settings.optionalText("audit-log");
  return path === undefined ? [] : [`--audit-log=${path}-${id}`];
}

/**
 * The nodes, told the secret that this user's nodes share where there is no secret of their own: what is wrong with its file
 * is said once, and not by each node at each of its starts. Nodes with certificates need none. Throws `ClusterSecretError`.
 */
function withSecret(nodes: readonly NodePlan[], settings: Settings): readonly NodePlan[] {
  if (ownSecret(settings) !== undefined || settings.enabled("tls")) return nodes;
  const secret = sharedSecret(launcherSecretPath(clusterDirectory(settings)));
  const name = environmentName("cluster-secret");
  return nodes.map((node) => ({ ...node, environment: { ...node.environment, [name]: secret } }));
}

/** The ports of one node. */
interface Place {
  readonly id: number;
  readonly port: number;
  readonly peerPort: number;
  readonly httpPort: number;
}

/** Node `id` has the ports that many behind the first ones. */
function placeNodes(settings: Settings, ids: readonly NodeId[]): Place[] {
  const count = Math.max(...ids) + 1;
  const port = settings.integer("port");
  const peerPort = settings.optionalInteger("peer-port") ?? defaultPeerPort(port + count - 1) - count + 1;
  const httpPort = settings.optionalInteger("http-port") ?? defaultHttpPort(port);
  refuseOverlaps([
    { whose: "clients", first: port, flag: "--port", count },
    { whose: "nodes", first: peerPort, flag: "--peer-port", count },
    { whose: "HTTP", first: httpPort, flag: "--http-port", count },
  ]);
  return ids.map((id) => ({ id, port: port + id, peerPort: peerPort + id, httpPort: httpPort + id }));
}

/** The nodes share the memory of one machine. Throws `UsageError`. */
function memoryShare(settings: Settings, nodes: number): number {
  const limitBytes = settings.optionalInteger("memory-limit");
  if (limitBytes === undefined) return defaultMemoryLimit(THIS_MACHINE, nodes);
  const share = Math.floor(limitBytes / nodes);
  if (share >= MEMORY_LIMIT_BYTES_MIN) return share;
  const least = MEMORY_LIMIT_BYTES_MIN * nodes;
  throw new UsageError(
    `--memory-limit ${limitBytes} is too little for ${nodes} nodes; the nearest valid one is ${least}`,
  );
}

/** What nodes are told through the environment. */
function secretsOf(settings: Settings): Readonly<Record<string, string>> {
  const names = ["cluster-secret", "bootstrap-user", "master-key"] as const;
  return Object.fromEntries(names.flatMap((name) => {
    const value = settings.optionalText(name);
    return value === undefined ? [] : [[environmentName(name), value]];
  }));
}

/** The flags that somebody gave, for the nodes; what is secret goes through the environment. */
function passedOn(settings: Settings): string[] {
  const passed: string[] = [];
  for (const flag of flagsOf("node")) {
    const given = settings.given(flag.name);
    const applies = flag.commands.includes("cluster") && isSetting(flag) && !OWN_FLAGS.has(flag.name);
    if (given === undefined || !applies || flag.secret === true) continue;
    passed.push(`--${flag.name}=${given.value}`);
  }
  return passed;
}

function clusterDirectory(settings: Settings): string {
  return settings.optionalText("data-dir") ?? DATA_DIRECTORY;
}

async function makeDataDirectory(directory: string): Promise<void> {
  try {
    await Deno.mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(`Cannot create data directory ${directory}: ${why}; --data-dir names another`);
  }
}

function portsOf(nodes: readonly NodePlan[], settings: Settings): readonly WantedPort[] {
  const host = settings.text("host");
  return placeNodes(settings, nodes.map(({ id }) => id)).flatMap(({ port, peerPort, httpPort }) => [
    { host, port, flag: "--port" },
    { host, port: peerPort, flag: "--peer-port" },
    { host, port: httpPort, flag: "--http-port" },
  ]);
}

/** All nodes are on this machine, so where they listen on every address they use the loopback one. */
function peerHost(host: string): string {
  return reachableHost(host);
}

function reachableHost(host: string): string {
  return host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
}

/** Where the launcher asks a node. */
function endpointOf({ host, port }: NodePlan): { readonly hostname: string; readonly port: number } {
  return { hostname: reachableHost(host), port };
}

/** The same for `host:port`. */
function reachableAddress(address: string): string {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return showAddress(reachableHost(host), Number(address.slice(colon + 1)));
}

function clientCommand(nodes: readonly NodePlan[], program: OwnProgram): string {
  const addresses = nodes.map((node) => showAddress(reachableHost(node.host), node.port));
  const usual = addresses.slice(0, 3).join(",") === "127.0.0.1:5000,127.0.0.1:5001,127.0.0.1:5002";
  const ca = nodes[0]?.caPath;
  const tls = ca === undefined ? "" : ` --tls-ca ${quoteForShell(ca, { onWindows: Deno.build.os === "windows" })}`;
  return `${program.shown} cli${tls}${usual ? "" : ` --connect ${addresses.join(",")}`}`;
}
