/** `kvstore cluster`, and `kvstore` alone: a local cluster whose nodes are processes of their own. */

import { ensureDir } from "@std/fs";
import { launchCluster, type NodePlan } from "../cluster/launcher.ts";
import { startProcess } from "../cluster/node_process.ts";
import { findOwnProgram, type OwnProgram } from "../cluster/own_program.ts";
import { findPortProblem, THIS_SYSTEM, type WantedPort } from "../cluster/ports.ts";
import { probeNode } from "../cluster/probe.ts";
import type { CommandContext } from "./commands.ts";
import { Failure } from "./failures.ts";
import { environmentName, flagsOf, isSetting } from "./flags.ts";
import { onOneLine } from "./log.ts";
import { defaultPeerPort, showAddress } from "./peers.ts";
import { checkServerSettings, DATA_DIRECTORY, nodeDirectory } from "./server_settings.ts";
import type { Settings } from "./settings.ts";
import { StopSignals } from "./signals.ts";
import { UsageError } from "./usage_error.ts";

/** A node that does not answer within this time is asked again. */
const PROBE_MS = 500;
/** What the launcher decides for each node by itself. */
const OWN_FLAGS: ReadonlySet<string> = new Set(["port", "peer-port", "host", "data-dir"]);

/** Runs a local cluster until it is stopped. Resolves to the exit code. Throws the expected errors of the start. */
export async function runClusterCommand({ settings, surroundings }: CommandContext): Promise<number> {
  const requests = new StopSignals("terminal");
  const program = findOwnProgram();
  const nodes = planNodes(settings, program);
  const problem = await findPortProblem(portsOf(nodes, settings), THIS_SYSTEM);
  if (problem !== undefined) throw new Failure(problem.line);
  await makeDataDirectory(clusterDirectory(settings));
  return await launchCluster({
    nodes,
    clientCommand: clientCommand(nodes, program),
    startProcess,
    probe: (node) => probeNode({ hostname: reachableHost(node.host), port: node.port }, PROBE_MS),
    now: () => performance.now(),
    after: (delayMs, action) => {
      const timer = setTimeout(action, delayMs);
      return () => clearTimeout(timer);
    },
    say: (line) => surroundings.err(`${onOneLine(line)}\n`),
    print: (text) => surroundings.out(text),
    requests,
  });
}

/** How each node is started. Throws `UsageError` when the ports do not fit. */
export function planNodes(settings: Settings, program: OwnProgram): readonly NodePlan[] {
  checkServerSettings(settings);
  const places = placeNodes(settings);
  const host = settings.text("host");
  const peers = places.map(({ id, port, peerPort }) => `${id}=${showAddress(peerHost(host), port)}@${peerPort}`);
  const secret = settings.optionalText("cluster-secret");
  return places.map(({ id, port, peerPort }) => {
    const dataDirectory = nodeDirectory(clusterDirectory(settings), id);
    const own = ["--node-id", id, "--host", host, "--port", port, "--peer-port", peerPort, "--data-dir", dataDirectory];
    return {
      id,
      host,
      port,
      clientAddress: showAddress(host, port),
      peerAddress: showAddress(host, peerPort),
      dataDirectory,
      executable: program.executable,
      args: [...program.prefix, "node", ...own.map(String), `--peers=${peers.join(",")}`, ...passedOn(settings)],
      environment: secret === undefined ? {} : { [environmentName("cluster-secret")]: secret },
    };
  });
}

function placeNodes(settings: Settings): { id: number; port: number; peerPort: number }[] {
  const count = Number(settings.text("nodes"));
  const port = settings.integer("port");
  const peerPort = settings.optionalInteger("peer-port") ?? defaultPeerPort(port + count - 1) - count + 1;
  const highest = Math.max(port, peerPort) + count - 1;
  if (highest > 65_535) {
    const flag = peerPort > port ? "--peer-port" : "--port";
    throw new UsageError(`${count} nodes need ports up to ${highest}; the nearest valid ${flag} is ${65_536 - count}`);
  }
  if (Math.abs(port - peerPort) < count) {
    throw new UsageError(
      `The ${count} ports for clients from ${port} on and those for nodes from ${peerPort} on overlap; ` +
        `the nearest valid --peer-port is ${peerPort < port && port > count ? port - count : port + count}`,
    );
  }
  return Array.from({ length: count }, (_, id) => ({ id, port: port + id, peerPort: peerPort + id }));
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
    await ensureDir(directory);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(`Cannot create data directory ${directory}: ${why}; --data-dir names another`);
  }
}

function portsOf(nodes: readonly NodePlan[], settings: Settings): readonly WantedPort[] {
  const host = settings.text("host");
  return placeNodes(settings).slice(0, nodes.length).flatMap(({ port, peerPort }) => [
    { host, port, flag: "--port" },
    { host, port: peerPort, flag: "--peer-port" },
  ]);
}

/** All nodes are on this machine, so where they listen on every address they use the loopback one. */
function peerHost(host: string): string {
  return reachableHost(host);
}

function reachableHost(host: string): string {
  return host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
}

function clientCommand(nodes: readonly NodePlan[], program: OwnProgram): string {
  const addresses = nodes.map((node) => showAddress(reachableHost(node.host), node.port));
  const usual = addresses.slice(0, 3).join(",") === "127.0.0.1:5000,127.0.0.1:5001,127.0.0.1:5002";
  return `${program.shown} cli${usual ? "" : ` --connect ${addresses.join(",")}`}`;
}
