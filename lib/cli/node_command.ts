/** `kvstore node`: one server in this process, until a signal, the end of its launcher, or a failure. */

import { collectedProcess, IdleCollector } from "../cluster/idle_collector.ts";
import { LauncherLink } from "../cluster/launcher_link.ts";
import { LAUNCHED_VARIABLE, LAUNCHER_SECRET_VARIABLE } from "../cluster/parent_watch.ts";
import { warnOfEphemeral } from "../cluster/ephemeral_ports.ts";
import { findPortProblem, type PortSystem, THIS_SYSTEM } from "../cluster/ports.ts";
import type { RunningServer, ServerOptions } from "../cluster/server_types.ts";
import type { StopRequests } from "../cluster/launcher.ts";
import { SystemClock } from "../node/clock/system_clock.ts";
import type { NodeId } from "../raft/types.ts";
import { warnOfClients } from "./client_access.ts";
import type { CommandContext } from "./command_context.ts";
import { describeFailure, EXIT, Failure } from "./failures.ts";
import { resolveJoin } from "./join.ts";
import { makeLog } from "./log.ts";
import { readMasterKeys } from "./master_key.ts";
import { logFormat, logLevel, ownPeers, serverOptions, wantedPorts } from "./server_settings.ts";
import { StopSignals } from "./signals.ts";

/** A node must be gone 5 s after the signal, whatever its open requests do. */
const STOP_MS = 4_800;

/** What a node runs on; tests give fakes. */
export interface NodeParts {
  readonly startServer: (options: ServerOptions) => Promise<RunningServer>;
  readonly system: PortSystem;
  readonly requests: StopRequests;
  /** Takes what SIGHUP shall do; it may decide that SIGHUP stops the node, as it does where this is left out. */
  readonly onHangup?: (action: () => void) => void;
  /** The way to the launcher, where one has started this node. */
  readonly link?: LauncherLink | undefined;
}

/** Runs one node to its end. Resolves to the exit code. Throws the expected errors of the start. */
export async function runNodeCommand(context: CommandContext): Promise<number> {
  const launched = context.surroundings.environment(LAUNCHED_VARIABLE) !== undefined;
  const signals = new StopSignals(launched ? "launcher" : "terminal");
  const link = launched ? linkToLauncher(context) : undefined;
  const stop = link === undefined ? signals.stop : Promise.race([signals.stop, link.gone]);
  return await runNode(context, {
    startServer: startServerLate,
    system: THIS_SYSTEM,
    requests: { stop, kill: signals.kill },
    onHangup: (action) => {
      // From a terminal it says that the terminal is gone.
      const streams = [Deno.stdin, Deno.stdout, Deno.stderr];
      if (!streams.some((stream) => stream.isTerminal())) signals.hangup = action;
    },
    link,
  });
}

function linkToLauncher({ surroundings }: CommandContext): LauncherLink {
  return new LauncherLink({
    input: Deno.stdin,
    write: (line) => surroundings.out(line),
    after: (delayMs, action) => {
      const timer = setTimeout(action, delayMs);
      return () => clearTimeout(timer);
    },
  });
}

/** The client and the help start faster without the server's modules. */
async function startServerLate(options: ServerOptions): Promise<RunningServer> {
  const { startServer } = await import("../cluster/server.ts");
  const server = await startServer(options);
  const collected = collectedProcess();
  if (collected === undefined) return server;
  const collector = new IdleCollector(collected, new SystemClock());
  collector.start();
  return {
    ...server,
    stop: () => {
      collector.stop();
      return server.stop();
    },
  };
}

/** `runNodeCommand` on given parts. */
export async function runNode({ settings, surroundings }: CommandContext, parts: NodeParts): Promise<number> {
  const { link } = parts;
  const makeNodeLog = (node: NodeId) =>
    makeLog({
      level: logLevel(settings),
      format: logFormat(settings),
      node,
      write: surroundings.err,
      now: () => new Date(),
    });
  const stop = Promise.race([parts.requests.stop, parts.requests.kill]);
  if (settings.given("tls-cert") !== undefined) {
    surroundings.trustRoots(settings.given("tls-ca") === undefined ? "System" : "None");
  }
  const wanted = serverOptions(settings, makeNodeLog(ownPeers(settings).nodeId));
  // Nodes with certificates believe their own CAs, and speak TLS with nobody else.
  if (wanted.peerTls !== undefined && settings.given("tls-cert") === undefined) surroundings.trustRoots("None");
  // A node that joins learns its id from the cluster.
  const joined = { ...await resolveJoin(wanted, { settings, stop }), masterKeys: await readMasterKeys(settings) };
  const log = makeNodeLog(joined.nodeId);
  const launcherSecret = surroundings.environment(LAUNCHER_SECRET_VARIABLE);
  const options = { ...joined, log, ...(link === undefined ? {} : { launcher: link, launcherSecret }) };
  // A launcher has said it of all nodes.
  const warning = link === undefined ? warnOfEphemeral(wantedPorts(options), parts.system.ephemeralPorts()) : undefined;
  if (warning !== undefined) log("warn", warning);
  const killed = parts.requests.kill.then(() => EXIT.interrupted);
  const server = await Promise.race([startChecked(options, parts), killed]);
  if (typeof server === "number") return server;
  const open = warnOfClients(options);
  if (open !== undefined && !server.node.hasUsers()) log("warn", open);
  if (options.tls !== undefined || options.peerTls !== undefined) parts.onHangup?.(() => server.reload());
  if (link !== undefined) follow(link, (isolated) => isolate(server, { isolated, log }));
  surroundings.out(
    `kvstore node ${options.nodeId} is ready: clients ${server.clientAddress}, HTTP ${server.httpAddress}, ` +
      `peers ${server.peerAddress}, data ${options.dataDirectory}\n`,
  );
  const failed = server.failed.then(async (error) => {
    const code = reportFailure(error, log);
    // Others go on: what is open here gets its answers.
    if (code === EXIT.removed) await stopWithin(server, STOP_MS);
    return code;
  });
  const stopped = parts.requests.stop.then(async () => {
    log("info", "Stopping");
    const finished = await stopWithin(server, STOP_MS);
    log(finished ? "info" : "warn", finished ? "Stopped" : "Stopped before all open requests were finished");
    return EXIT.ok;
  });
  return await Promise.race([failed, stopped, killed]);
}

/** Also what was ordered while the server was starting. */
function follow(link: LauncherLink, action: (isolated: boolean) => void): void {
  link.isolate = action;
  if (link.isolated) action(true);
}

function isolate(
  server: RunningServer,
  { isolated, log }: { readonly isolated: boolean; readonly log: ServerOptions["log"] },
): void {
  log("warn", isolated ? "Cut off from the other nodes, as the dashboard asked" : "Let back to the other nodes");
  server.isolate(isolated);
}

async function startChecked(options: ServerOptions, { startServer, system }: NodeParts): Promise<RunningServer> {
  await refuseTakenPorts(options, system);
  try {
    return await startServer(options);
  } catch (error) {
    // Another program may have taken the port since the check.
    if (error instanceof Deno.errors.AddrInUse) await refuseTakenPorts(options, system);
    throw error;
  }
}

/** Before anything is written: a node that cannot listen must not touch its directory. */
async function refuseTakenPorts(options: ServerOptions, system: PortSystem): Promise<void> {
  const problem = await findPortProblem(wantedPorts(options), system);
  if (problem !== undefined) throw new Failure(problem.line);
}

function reportFailure(error: Error, log: ServerOptions["log"]): number {
  const known = describeFailure(error);
  log("error", known === undefined ? `Bug: ${error.stack ?? error.message}` : known.line);
  return known?.exitCode ?? EXIT.failure;
}

async function stopWithin(server: RunningServer, delayMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), delayMs);
  });
  try {
    return await Promise.race([server.stop().then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
