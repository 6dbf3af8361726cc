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

/** The range of this system, as far as it tells; else what its kind begins with. */
export function findEphemeralPorts({ os, readText }: EphemeralSystem): EphemeralPorts {
  if (os !== "linux") return { ...IANA_RANGE, isReserved: () => false };
  const [first = NaN, last = NaN] = (tryToRead(readText, LINUX_RANGE) ?? "").trim().split(/\s+/).map(Number);
  const range = Number.isInteger(first) && Number.isInteger(last) && first <= last ? { first, last } : LINUX_DEFAULT;
  const reserved = readRanges(tryToRead(readText, LINUX_RESERVED) ?? "");
  return { ...range, isReserved: (port) => reserved.some(([from, to]) => port >= from && port <= to) };
}

/** A line for each port that the system may give to somebody else while the node is down. */
export function warnOfEphemeral(wanted: readonly WantedPort[], ports: EphemeralPorts): readonly string[] {
  const { first, last } = ports;
  return wanted.filter(({ port }) => port >= first && port <= last && !ports.isReserved(port)).map(({ port, flag }) =>
    `Port ${port} is one of those that the system gives to outgoing connections (${first} to ${last}), so that another ` +
    `program may hold it at the next start: choose ${flag} below ${first}, or reserve the port`
  );
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
