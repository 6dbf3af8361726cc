/** What the numbers were measured on, without names of machines or people. */

import { median } from "../support/table.ts";

const SYNCS = 200;
const BLOCK_BYTES = 4_096;

/** One line for each thing that matters. */
export async function describeMachine(): Promise<readonly string[]> {
  const { deno, v8 } = Deno.version;
  return [
    `${navigator.hardwareConcurrency} cores (${cpuModel()}) shared by all nodes, the references and the load generator`,
    `${Deno.build.os} ${Deno.build.arch}, Deno ${deno}, V8 ${v8}`,
    `fdatasync of 4 KiB in the directory of the data: ${await syncMicroseconds()} us in the median`,
    `redis-server: ${await firstLine("redis-server", "--version")}`,
    `memory: ${(Deno.systemMemoryInfo().total / 2 ** 30).toFixed(0)} GiB`,
    `etcd: ${await firstLine("etcd", "--version")}`,
  ];
}

/** Whether a program of that name can be started. */
export async function isInstalled(name: string): Promise<boolean> {
  return await firstLine(name, "--version") !== "not installed";
}

async function firstLine(program: string, flag: string): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(program, { args: [flag], stderr: "null" }).output();
    return (new TextDecoder().decode(stdout).split("\n")[0] ?? "").replace(/ sha=.*$/, "");
  } catch {
    return "not installed";
  }
}

function cpuModel(): string {
  try {
    return /model name\s*:\s*(.*)/.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}

async function syncMicroseconds(): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "kvstore-compare-sync-" });
  const times: number[] = [];
  try {
    using file = await Deno.open(path, { write: true });
    const block = new Uint8Array(BLOCK_BYTES);
    for (let done = 0; done < SYNCS; done++) {
      const start = performance.now();
      file.writeSync(block);
      file.syncDataSync();
      times.push((performance.now() - start) * 1_000);
    }
  } finally {
    await Deno.remove(path);
  }
  return median(times).toFixed(0);
}
