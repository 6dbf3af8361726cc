/** The ports that the system gives to outgoing connections: one of them may be taken whenever a node starts. */

import type { WantedPort } from "./ports.ts";

/** Both ends included, less those that the administrator has reserved. */
export interface EphemeralPorts {
  readonly first: number;
  readonly last: number;
  isReserved(port: number): boolean;
}

/** What is asked about the system. Reading throws what the system throws. */
export interface EphemeralSystem {
  readonly os: string;
  readText(path: string): string;
}

const LINUX_RANGE = "/proc/sys/net/ipv4/ip_local_port_range";
const LINUX_RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports";
/** What the kernel of Linux begins with, and what IANA proposes, which most other systems follow. */
const LINUX_DEFAULT = { first: 32_768, last: 60_999 } as const;
const IANA_RANGE = { first: 49_152, last: 65_535 } as const;
const PRIVILEGED_PORT_MAX = 1_023;

/** The range of this system, as far as it tells; else what its kind begins with. */
export function findEphemeralPorts({ os, readText }: EphemeralSystem): EphemeralPorts {
  if (os !== "linux") return { ...IANA_RANGE, isReserved: () => false };
  const [first = NaN, last = NaN] = (tryToRead(readText, LINUX_RANGE) ?? "").trim().split(/\s+/).map(Number);
  const range = Number.isInteger(first) && Number.isInteger(last) && first <= last ? { first, last } : LINUX_DEFAULT;
  const reserved = readRanges(tryToRead(readText, LINUX_RESERVED) ?? "");
  return { ...range, isReserved: (port) => reserved.some(([from, to]) => port >= from && port <= to) };
}

/** A line about the ports that the system may give to somebody else while the node is down; undefined when there are none. */
export function warnOfEphemeral(wanted: readonly WantedPort[], ports: EphemeralPorts): string | undefined {
  const { first, last } = ports;
  const found = wanted.filter(({ port }) => port >= first && port <= last && !ports.isReserved(port));
  if (found.length === 0) return undefined;
  const [noun, them] = found.length === 1 ? ["Port", "it"] : ["Ports", "them"];
  const shown = listForPeople(showRuns(found.map(({ port }) => port)));
  const flags = listForPeople([...new Set(found.map(({ flag }) => flag))]);
  // Below that, a port would need privileges.
  const advice = first > PRIVILEGED_PORT_MAX + 1
    ? `choose ${flags} below ${first}, or reserve ${them}`
    : `reserve ${them}`;
  return `${noun} ${shown} ${found.length === 1 ? "is" : "are"} among those that the system gives to outgoing ` +
    `connections (${first} to ${last}), so that another program may hold ${them} at the next start: ${advice}`;
}

/** Ports that follow each other as `first to last`. */
function showRuns(ports: readonly number[]): readonly string[] {
  const runs: { first: number; last: number }[] = [];
  for (const port of ports.toSorted((left, right) => left - right)) {
    const run = runs.at(-1);
    if (run !== undefined && port === run.last + 1) run.last = port;
    else runs.push({ first: port, last: port });
  }
  return runs.map(({ first, last }) => first === last ? String(first) : `${first} to ${last}`);
}

function listForPeople(items: readonly string[]): string {
  const [last = "", ...others] = items.toReversed();
  return others.length === 0 ? last : `${others.reverse().join(", ")} and ${last}`;
}

/** `1000,2000-2005` as pairs. */
function readRanges(text: string): readonly (readonly [number, number])[] {
  return text.trim().split(",").filter((part) => part !== "").map((part) => {
    const [from = NaN, to = from] = part.split("-").map(Number);
    return [from, to] as const;
  });
}

/** Undefined where the system does not have it, or does not let this process read it. */
function tryToRead(readText: (path: string) => string, path: string): string | undefined {
  try {
    return readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
