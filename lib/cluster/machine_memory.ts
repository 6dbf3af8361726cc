/** How much memory there is for this program, by the machine and by the control group it runs in. */

/** The largest limit of one node: places in the store have 32 bits, enough for 32 GiB of small records with their garbage. */
export const MEMORY_LIMIT_BYTES_MAX = 25_769_803_776;
/** The lowest one. */
export const MEMORY_LIMIT_BYTES_MIN = 1_048_576;
/** What of the memory nodes may fill unless told otherwise: the rest is for reserve, buffers and the system. */
const USED_SHARE = 0.6;
/** What the runtime of a node takes under load beside what counts: measured 270 MiB, most of it the young generation. */
const RUNTIME_BYTES = 320 * 2 ** 20;
/** What a node takes for each byte that counts, at the most: measured 1.17, with what the allocator cannot give back. */
const BYTES_PER_BYTE = 1.25;
/** A node may fill so much, however small the machine is. */
const LEAST_BYTES = 16 * 2 ** 20;
/** Assumed where nothing can be found out: little enough for any machine that runs this program. */
const ASSUMED_BYTES = 1_073_741_824;
const UNIFIED = "/sys/fs/cgroup";
const MEMORY_CONTROLLER = "/sys/fs/cgroup/memory";

/** What is asked about the machine; tests give another one. */
export interface Machine {
  /** Bytes of memory; undefined without the permission to know. */
  totalMemory(): number | undefined;
  /** Throws what the system throws. */
  readText(path: string): string;
}

/** The machine that this program runs on. */
export const THIS_MACHINE: Machine = {
  totalMemory: () => {
    // Asked first: to call it without the permission would make a prompt.
    const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
    return state === "granted" ? Deno.systemMemoryInfo().total : undefined;
  },
  readText: (path) => Deno.readTextFileSync(path),
};

/** The memory limit of each of so many nodes on this machine, unless somebody gives one. */
export function defaultMemoryLimit(machine: Machine, nodes: number): number {
  const available = Math.min(machine.totalMemory() ?? Infinity, groupLimit(machine));
  if (available === Infinity) return Math.floor(ASSUMED_BYTES / nodes);
  const share = available / nodes;
  const bytes = Math.min(share * USED_SHARE, (share - RUNTIME_BYTES) / BYTES_PER_BYTE, MEMORY_LIMIT_BYTES_MAX);
  return Math.floor(Math.max(bytes, LEAST_BYTES));
}

/** The lowest limit of the control group and those above it; `Infinity` where there is none, or it cannot be read. */
function groupLimit(machine: Machine): number {
  let limit = Infinity;
  for (const line of readLine(machine, "/proc/self/cgroup").split("\n")) {
    // `0::/path` in version 2, `4:memory:/path` in version 1.
    const [, controllers, path] = /^[0-9]+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === "") limit = Math.min(limit, lowest(machine, { root: UNIFIED, path, file: "memory.max" }));
    else if (controllers?.split(",").includes("memory") === true) {
      limit = Math.min(limit, lowest(machine, { root: MEMORY_CONTROLLER, path, file: "memory.limit_in_bytes" }));
    }
  }
  return limit;
}

interface GroupFile {
  readonly root: string;
  readonly path: string;
  readonly file: string;
}

/** In a container the path is often one outside of it, and the root is the group itself. */
function lowest(machine: Machine, { root, path, file }: GroupFile): number {
  let limit = Infinity;
  for (let group = path.replace(/\/+$/, "");; group = group.slice(0, group.lastIndexOf("/"))) {
    const text = readLine(machine, `${root}${group}/${file}`);
    if (/^[0-9]+$/.test(text)) limit = Math.min(limit, Number(text));
    if (group === "") return limit;
  }
}

/** The text without its end; "" for a file that is not there or may not be read, as all of these without all permissions. */
function readLine(machine: Machine, path: string): string {
  try {
    return machine.readText(path).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return "";
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotADirectory) return "";
    throw error;
  }
}
