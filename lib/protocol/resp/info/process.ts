/** The sections of INFO about the process: memory and cpu. */

import type { NodeMonitor } from "../../../node/api.ts";
import { processUsage } from "../../../observe/process_samples.ts";
import type { RespContext } from "../context.ts";
import type { Lines } from "./lines.ts";

const UNITS = ["B", "K", "M", "G", "T"] as const;
const UNIT_STEP = 1_024;

/** What the process holds. `used_memory` is what counts against `maxmemory`, `used_memory_rss` what the system gave. */
export function memory({ node }: RespContext): Lines {
  const { residentBytes } = processUsage();
  const { memory: { usedBytes: used } } = node.status();
  const limit = maxMemory(node);
  return [
    ["used_memory", used],
    ["used_memory_human", humanBytes(used)],
    ["used_memory_rss", residentBytes],
    ["used_memory_rss_human", humanBytes(residentBytes)],
    ["used_memory_dataset", node.state.bytes],
    ["maxmemory", limit],
    ["maxmemory_human", humanBytes(limit)],
    ["maxmemory_policy", "noeviction"],
    ["mem_fragmentation_ratio", (residentBytes / used).toFixed(2)],
    ["mem_allocator", "v8"],
  ];
}

/** The memory limit as Redis tells it: 0 for none. */
export function maxMemory(node: NodeMonitor): number {
  const { limitBytes } = node.status().memory;
  return limitBytes === Infinity ? 0 : limitBytes;
}

/** Seconds of processor time. There are no child processes. */
export function cpu(): Lines {
  const { systemSeconds, userSeconds } = processUsage();
  return [
    ["used_cpu_sys", systemSeconds.toFixed(6)],
    ["used_cpu_user", userSeconds.toFixed(6)],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
  ];
}

/** As Redis shows bytes: 0B, 1.50M. */
function humanBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= UNIT_STEP && unit < UNITS.length - 1) {
    value /= UNIT_STEP;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${UNITS[unit]}`;
}
