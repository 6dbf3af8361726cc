/** Whether the ports a node needs are free, and a line that helps when one is not. */

import { type EphemeralPorts, findEphemeralPorts } from "./ephemeral_ports.ts";
import { findPortHolder, type ProcessTable, SYSTEM_PROCESS_TABLE } from "./port_holder.ts";
import { probeNode } from "./probe.ts";

/** A port that will be listened on, and the flag that changes it. */
export interface WantedPort {
  readonly host: string;
  readonly port: number;
  readonly flag: string;
}

/** Why a port cannot be listened on, for people, on one line. */
export interface PortProblem {
  readonly wanted: WantedPort;
  readonly line: string;
}

/** Where the answer comes from; tests give another system. */
export interface PortSystem {
  readonly os: string;
  readonly table: ProcessTable;
  /** Throws what the system throws when the port cannot be listened on. */
  tryListen(host: string, port: number): void;
  /** The id of the KVStore node that answers on a port; undefined when none does. */
  askForNode(host: string, port: number): Promise<number | undefined>;
  /** The ports that the system gives to outgoing connections. */
  ephemeralPorts(): EphemeralPorts;
}

/** A program that does not answer STATUS within this time is no node of ours, in ms. */
const ASK_MS = 300;

/** This machine. */
export const THIS_SYSTEM: PortSystem = {
  os: Deno.build.os,
  table: SYSTEM_PROCESS_TABLE,
  tryListen: (host, port) => Deno.listen({ hostname: host, port }).close(),
  askForNode: async (hostname, port) => (await probeNode({ hostname, port }, { timeoutMs: ASK_MS }))?.nodeId,
  ephemeralPorts: () => findEphemeralPorts({ os: Deno.build.os, readText: (path) => Deno.readTextFileSync(path) }),
};

/** The first of the ports that cannot be listened on now, or undefined when all are free. */
export async function findPortProblem(
  wanted: readonly WantedPort[],
  system: PortSystem,
): Promise<PortProblem | undefined> {
  for (const one of wanted) {
    try {
      system.tryListen(one.host, one.port);
    } catch (error) {
      return { wanted: one, line: await describePortProblem(one, { error, system }) };
    }
  }
  return undefined;
}

async function describePortProblem(
  wanted: WantedPort,
  { error, system }: { error: unknown; system: PortSystem },
): Promise<string> {
  const { host, port, flag } = wanted;
  if (error instanceof Deno.errors.AddrInUse) {
    const by = await describeHolder(wanted, system);
    const hint = system.os === "darwin" && port === 5000
      ? "; on macOS this may be AirPlay Receiver (System Settings, General, AirDrop & Handoff)"
      : "";
    return `Port ${port} on ${host} is already in use${by}; ${flag} changes it${hint}`;
  }
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof Deno.errors.PermissionDenied) {
    return `Cannot listen on port ${port} of ${host}: ${why}; ${flag} changes the port (below 1024 needs privileges)`;
  }
  return `Cannot listen on port ${port} of ${host}: ${why}; --host changes the address and ${flag} the port`;
}

async function describeHolder({ host, port }: WantedPort, system: PortSystem): Promise<string> {
  const holder = system.os === "linux" ? findPortHolder(port, system.table) : undefined;
  const nodeId = await system.askForNode(host, port);
  const known = [
    ...(holder === undefined ? [] : [`${holder.name} (process ${holder.pid})`]),
    ...(nodeId === undefined ? [] : [`KVStore node ${nodeId}, which is running already`]),
  ];
  return known.length === 0 ? "" : ` by ${known.join(": ")}`;
}
