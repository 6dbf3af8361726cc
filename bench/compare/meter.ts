/** What a measurement costs the servers: processor time of all their processes, and the memory of the largest one. */

import { cpuSecondsOf, residentBytes } from "../../tests/support/process_usage.ts";
import { median } from "../support/table.ts";
import { pidsOf, type Server } from "./servers/server.ts";

const MEBIBYTE = 1_048_576;

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
      rssMebibytes: Math.max(0, ...pids.map((pid) => residentBytes(pid) / MEBIBYTE)),
      cpuSeconds: used.reduce((sum, seconds) => sum + seconds, 0),
      requests,
    };
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
