/** The default memory limit, from made-up machines and control groups. */

import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { defaultMemoryLimit, type Machine, THIS_MACHINE } from "../../../lib/cluster/machine_memory.ts";

const GIB = 2 ** 30;
const UNLIMITED_1 = "9223372036854771712\n";

function machine(totalMemory: number | undefined, files: Readonly<Record<string, string>> = {}): Machine {
  return {
    totalMemory: () => totalMemory,
    readText: (path) => {
      const text = files[path];
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
  };
}

function limitOf(totalMemory: number | undefined, files: Readonly<Record<string, string>> = {}): number {
  return defaultMemoryLimit(machine(totalMemory, files), 1);
}

const MIB = 2 ** 20;

function sixty(bytes: number): number {
  return Math.floor(bytes * 0.6);
}

Deno.test("without a control group it is 60 % of the machine's memory, shared by the nodes", () => {
  assertEquals(limitOf(10 * GIB), sixty(10 * GIB));
  assertEquals(defaultMemoryLimit(machine(10 * GIB), 3), Math.floor(10 * GIB * 0.6 / 3));
});

Deno.test("a lower limit of the control group counts, in version 2 and in version 1", () => {
  const two = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "3221225472\n" };
  assertEquals(limitOf(10 * GIB, two), sixty(3 * GIB));
  assertEquals(limitOf(2 * GIB, two), sixty(2 * GIB));
  assertEquals(limitOf(undefined, two), sixty(3 * GIB));
  const one = {
    "/proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/docker/4f\n0::/\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
  };
  assertEquals(limitOf(10 * GIB, one), sixty(2 * GIB));
});

Deno.test("where memory is scarce the runtime of each node has its share first, and a node may always fill something", () => {
  assertEquals(limitOf(GIB), Math.floor((GIB - 320 * MIB) / 1.25));
  assertEquals(defaultMemoryLimit(machine(3 * GIB), 3), limitOf(GIB));
  assertEquals([limitOf(1_279 * MIB) < sixty(1_279 * MIB), limitOf(1_281 * MIB)], [true, sixty(1_281 * MIB)]);
  assertEquals([limitOf(64 * MIB), limitOf(340 * MIB)], [16 * MIB, 16 * MIB]);
});

Deno.test("the lowest limit of the group and those above it counts", () => {
  const files = {
    "/proc/self/cgroup": "0::/system.slice/kv.service\n",
    "/sys/fs/cgroup/system.slice/kv.service/memory.max": "max\n",
    "/sys/fs/cgroup/system.slice/memory.max": "3221225472\n",
    "/sys/fs/cgroup/memory.max": "4294967296\n",
  };
  assertEquals(limitOf(10 * GIB, files), sixty(3 * GIB));
});

Deno.test("what says that there is no limit is none, in either version", () => {
  assertEquals(
    limitOf(4 * GIB, { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n" }),
    sixty(4 * GIB),
  );
  const one = { "/proc/self/cgroup": "4:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": UNLIMITED_1 };
  assertEquals(limitOf(4 * GIB, one), sixty(4 * GIB));
});

Deno.test("where nothing can be found out it is 1 GiB for all nodes; no node gets more than the store has places for", () => {
  assertEquals(limitOf(undefined), GIB);
  assertEquals(defaultMemoryLimit(machine(undefined), 4), GIB / 4);
  assertEquals(limitOf(1_024 * GIB), 24 * GIB);
});

Deno.test("files that may not be read are as good as not there; other errors are not hidden", () => {
  const refusing = (error: Error): Machine => ({
    totalMemory: () => 4 * GIB,
    readText: () => {
      throw error;
    },
  });
  for (const error of [new Deno.errors.NotCapable(), new Deno.errors.PermissionDenied(), new Deno.errors.NotFound()]) {
    assertEquals(defaultMemoryLimit(refusing(error), 1), sixty(4 * GIB));
  }
  assertThrows(() => defaultMemoryLimit(refusing(new Deno.errors.BadResource()), 1), Deno.errors.BadResource);
});

Deno.test({
  name: "without the permission to ask nothing is asked: no prompt, no error",
  permissions: { read: true },
  fn: () => assertEquals(defaultMemoryLimit(THIS_MACHINE, 1), GIB),
});

Deno.test("this machine has memory", () => {
  assertGreater(defaultMemoryLimit(THIS_MACHINE, 1), 2 ** 26);
});
