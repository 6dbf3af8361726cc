/** Loads by `kvstore bench`, in a process of its own: for those that last a time, or keep a rate. */

import { ROOT } from "../../../tests/support/program.ts";
import type { LoadResult } from "../../../lib/load/options.ts";
import { VALUE_BYTES } from "../options.ts";
import { unwatch, watch } from "../servers/server.ts";

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
  const owner = { pids: () => [child.pid] };
  watch(owner);
  const result = child.output().finally(() => unwatch(owner)).then(({ stdout }) => {
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

function stop(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended.
  }
}
