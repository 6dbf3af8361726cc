/** The load generators, each in a process of its own: `kvstore bench` for everything, `redis-benchmark` as a check of it. */

import { ROOT } from "../../tests/support/program.ts";
import type { LoadResult } from "../../lib/load/options.ts";
import { VALUE_BYTES } from "./options.ts";

/** One load. */
export interface Load {
  readonly command: "set" | "get";
  readonly connections: number;
  readonly pipeline: number;
  readonly keys: number;
  readonly seconds?: number;
  readonly requests?: number;
  readonly warmupSeconds?: number;
  readonly sequential?: boolean;
}

/** A load that was begun. */
export interface RunningLoad {
  readonly result: Promise<LoadResult>;
  /** Ends the load early; the result is that of what ran until then. */
  stop(): void;
}

/** Begins a load of the server at `address`. */
export function startLoad(address: string, load: Load): RunningLoad {
  const args = [
    ...["run", "--quiet", "--no-prompt", "-A", `${ROOT}main.ts`, "bench", "--json", `--connect=${address}`],
    ...[`--command=${load.command}`, `--connections=${load.connections}`, `--pipeline=${load.pipeline}`],
    ...[`--keys=${load.keys}`, `--value-bytes=${VALUE_BYTES}`, `--warmup=${load.warmupSeconds ?? 0}`],
    ...(load.seconds === undefined ? [] : [`--duration=${load.seconds}`]),
    ...(load.requests === undefined ? [] : [`--requests=${load.requests}`]),
    ...(load.sequential === true ? ["--sequential"] : []),
  ];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  const result = child.output().then(({ stdout }) => {
    const text = new TextDecoder().decode(stdout);
    if (text === "") throw new Error(`The load generator for ${address} failed`);
    return JSON.parse(text).result as LoadResult;
  });
  return { result, stop: () => stop(child) };
}

/** Runs a load to its end. */
export async function runLoad(address: string, load: Load): Promise<LoadResult> {
  return await startLoad(address, load).result;
}

/** Sets every key once. Throws when a write failed. */
export async function fill(address: string, keys: number): Promise<void> {
  const load: Load = { command: "set", connections: 50, pipeline: 16, keys, requests: keys, sequential: true };
  const result = await runLoad(address, load);
  if (result.errors > 0) throw new Error(`Could not fill ${address}: ${showErrors(result)}`);
}

/** Errors by their first word: `CLUSTERDOWN 3, BUSY 1`; empty when there were none. */
export function showErrors({ errorsByWord }: LoadResult): string {
  return Object.entries(errorsByWord).map(([word, { count }]) => `${word} ${count}`).join(", ");
}

/** Requests per second of SET and GET by redis-benchmark; undefined when it is not installed or fails. */
export async function redisBenchmark(
  address: string,
  { pipeline, requests, keys }: { pipeline: number; requests: number; keys: number },
): Promise<{ readonly set: number; readonly get: number } | undefined> {
  const [host = "", port = ""] = address.split(":");
  const args = [
    ...["-h", host, "-p", port, "-t", "set,get", "-c", "50", "-P", String(pipeline), "-n", String(requests)],
    ...["-r", String(keys), "-d", String(VALUE_BYTES), "--csv"],
  ];
  try {
    const { stdout } = await new Deno.Command("redis-benchmark", { args, stderr: "null" }).output();
    const text = new TextDecoder().decode(stdout);
    const rate = (name: string) => Number(new RegExp(`^"${name}","([\\d.]+)"`, "m").exec(text)?.[1] ?? NaN);
    const rates = { set: rate("SET"), get: rate("GET") };
    return Number.isNaN(rates.set + rates.get) ? undefined : rates;
  } catch {
    return undefined;
  }
}

function stop(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended.
  }
}
