/** What a measurement costs the servers: processor time of all their processes, and the memory of the largest one. */

import { median } from "../support/table.ts";
import { pidsOf, type Server } from "./servers/server.ts";

const CLOCK_TICKS_PER_SECOND = 100;

/** What one server took during one run. */
export interface Cost {
  readonly name: string;
  /** Resident memory of its largest process at the end. */
  readonly rssMebibytes: number;
  /** Of all its processes that still run at the end. */
  readonly cpuSeconds: number;
  /** Requests that this was for; undefined when they were not counted. */
  readonly requests: number | undefined;
}

/** What is looked at: a server, or some of its nodes. */
export type Metered = Pick<Server, "name" | "ids" | "pid">;

/** Begins when it is made. A process that starts meanwhile counts from its start; one that ends counts for nothing. */
export class Meter {
  readonly #server: Metered;
  readonly #before: ReadonlyMap<number, number>;

  /** With `sinceStart` what the processes have taken so far counts as well. */
  constructor(server: Metered, { sinceStart = false }: { readonly sinceStart?: boolean } = {}) {
    this.#server = server;
    this.#before = new Map(sinceStart ? [] : pidsOf(server).map((pid) => [pid, cpuSecondsOf(pid)]));
  }

  /** What it has cost since, for so many requests. */
  read(requests?: number): Cost {
    const pids = pidsOf(this.#server);
    const used = pids.map((pid) => cpuSecondsOf(pid) - (this.#before.get(pid) ?? 0));
    return {
      name: this.#server.name,
      rssMebibytes: Math.max(0, ...pids.map((pid) => memoryMebibytes(pid, "VmRSS"))),
      cpuSeconds: used.reduce((sum, seconds) => sum + seconds, 0),
      requests,
    };
  }
}

/** Processor time of a process so far, of all its threads; 0 when it has ended. */
export function cpuSecondsOf(pid: number): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** A line of the status of a process that counts kB: VmRSS is its memory now, VmHWM the most it ever had. */
export function memoryMebibytes(pid: number, name: "VmRSS" | "VmHWM"): number {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? NaN) / 1_024;
  } catch {
    return NaN;
  }
}

/** The memory of each server, as a table shows it: `KVStore 210, Redis 24 MiB`. */
export function showMemory(costs: readonly Cost[]): string {
  const shown = namesOf(costs).map((name) => {
    const of = costs.filter((cost) => cost.name === name);
    return `${name} ${median(of.map(({ rssMebibytes }) => rssMebibytes)).toFixed(0)}`;
  });
  return shown.length === 0 ? "" : `${shown.join(", ")} MiB`;
}

/** Processor time of each server: for one request where all are counted, else in all. */
export function showProcessorTime(costs: readonly Cost[]): string {
  const perRequest = costs.every(({ requests }) => requests !== undefined);
  const shown = namesOf(costs).map((name) => {
    const of = costs.filter((cost) => cost.name === name);
    const seconds = (cost: Cost) => cost.cpuSeconds;
    const micros = (cost: Cost) => cost.cpuSeconds / Math.max(1, cost.requests ?? 1) * 1_000_000;
    return `${name} ${median(of.map(perRequest ? micros : seconds)).toFixed(1)}`;
  });
  return shown.length === 0 ? "" : `${shown.join(", ")} ${perRequest ? "us" : "s"}`;
}

function namesOf(costs: readonly Cost[]): readonly string[] {
  return [...new Set(costs.map(({ name }) => name))];
}
