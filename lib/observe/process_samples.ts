/** What the system tells of this process, under the names that every program uses. */

import process from "node:process";
import type { Sample } from "./exposition.ts";
import { PROCESS_METRIC } from "./names.ts";

const MICROSECONDS = 1e6;
const OPEN_FILES = "/proc/self/fd";
const LIMITS = "/proc/self/limits";
const LIMIT_LINE = "Max open files";

/** What this process uses. */
export interface ProcessUsage {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
}

/** Read now. */
export function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return {
    userSeconds: user / MICROSECONDS,
    systemSeconds: system / MICROSECONDS,
    residentBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
  };
}

/** Read for one scrape. What this system does not tell is left out. */
export function processSamples(): readonly Sample[] {
  const usage = processUsage();
  return [
    { name: PROCESS_METRIC.cpuSeconds, value: usage.userSeconds + usage.systemSeconds },
    { name: PROCESS_METRIC.residentBytes, value: usage.residentBytes },
    { name: PROCESS_METRIC.heapBytes, value: usage.heapBytes },
    { name: PROCESS_METRIC.externalBytes, value: usage.externalBytes },
    { name: PROCESS_METRIC.startSeconds, value: performance.timeOrigin / 1_000 },
    ...optional(PROCESS_METRIC.openFiles, openFiles),
    ...optional(PROCESS_METRIC.filesMax, filesMax),
  ];
}

/** Newer kernels give the number as the size of the directory: listing it would cost the more the more clients there are. */
function openFiles(): number {
  return Deno.statSync(OPEN_FILES).size;
}

function filesMax(): number {
  const line = Deno.readTextFileSync(LIMITS).split("\n").find((text) => text.startsWith(LIMIT_LINE));
  return Number(line?.slice(LIMIT_LINE.length).trim().split(/ +/)[0]);
}

function optional(name: Sample["name"], read: () => number): readonly Sample[] {
  try {
    const value = read();
    return value > 0 ? [{ name, value }] : [];
  } catch (error) {
    // Not Linux, or not all permissions.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}
