/** A node in a control group that ends it when it takes too much: with the limit that it gives itself it is never ended. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import type { CommandLine } from "../support/program.ts";
import { type Command, Connection } from "../support/resp/connection.ts";

const MIB = 2 ** 20;
const GROUP_BYTES = 512 * MIB;
/** What the runtime needs is left out, and a quarter on top of the rest: docs/operations.md. */
const LIMIT_BYTES = Math.floor((GROUP_BYTES - 320 * MIB) / 1.25);
const VALUE = "v".repeat(10_000);
const AT_ONCE = 200;
const BATCHES = Math.ceil(4 * LIMIT_BYTES / VALUE.length / AT_ONCE);

/** A control group of version 1 or 2 with a limit on memory; undefined where none can be made. */
function makeGroup(): { readonly path: string; readonly isKilled: () => boolean } | undefined {
  const kinds = [
    { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", events: "memory.oom_control" },
    { root: "/sys/fs/cgroup", limit: "memory.max", events: "memory.events" },
  ];
  for (const { root, limit, events } of kinds) {
    const path = `${root}/kvstore-test-${Deno.pid}`;
    try {
      Deno.mkdirSync(path);
      Deno.writeTextFileSync(`${path}/${limit}`, String(GROUP_BYTES));
      return { path, isKilled: () => /^oom_kill [1-9]/m.test(Deno.readTextFileSync(`${path}/${events}`)) };
    } catch {
      // Made, it may lack the limit: then it is no memory group.
      try {
        Deno.removeSync(path);
      } catch {
        // It was not made.
      }
    }
  }
  return undefined;
}

const group = makeGroup();

Deno.test({
  name: "a node whose control group allows 512 MiB takes what fits, refuses the rest, and is not ended" +
    (group === undefined ? " (needs the right to make a control group)" : ""),
  ignore: group === undefined,
  fn: async () => {
    assert(group !== undefined);
    // As the executable is started: with the rights of the tasks nobody can read below /sys.
    const wrap = (line: CommandLine) => {
      const rest = line.filter((word) => !word.startsWith("--allow-"));
      const all = rest.flatMap((word) => word === "run" ? [word, "--allow-all"] : [word]);
      return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', `${group.path}/cgroup.procs`, ...all];
    };
    try {
      await withCluster({ nodes: 1, wrap }, async (cluster) => {
        const { clientPort } = cluster.node(0);
        const send = async (commands: readonly Command[]) => {
          using connection = await Connection.open(`127.0.0.1:${clientPort}`);
          return (await connection.exchange(commands)).map((reply) => {
            return reply.type === "Integer" ? String(reply.value) : "text" in reply ? reply.text : reply.type;
          });
        };
        const counts = new Map<string, number>();
        const count = (word: string) => void counts.set(word, (counts.get(word) ?? 0) + 1);
        for (let round = 0; round < 2; round++) {
          for (let batch = 0; batch < BATCHES; batch++) {
            const keys = Array.from({ length: AT_ONCE }, (_, at) => `key${batch * AT_ONCE + at}`);
            for (const reply of await send(keys.map((key) => ["SET", key, VALUE]))) count(reply.split(" ")[0] ?? "");
          }
        }
        assertEquals([...counts.keys()].sort(), ["OK", "OOM"]);
        assertGreater((counts.get("OK") ?? 0) * VALUE.length, LIMIT_BYTES / 2);
        const [info = ""] = await send([["INFO", "memory"]]);
        assertEquals(Number(/\nmaxmemory:(\d+)/.exec(info)?.[1]), LIMIT_BYTES);
        assertLess(Number(/\nused_memory:(\d+)/.exec(info)?.[1]), LIMIT_BYTES * 1.25);
        assertEquals(await send([["DEL", ...Array.from({ length: 100 }, (_, at) => `key${at}`)]]), ["100"]);
        assertEquals(await send([["SET", "after", VALUE]]), ["OK"]);
        await cluster.kill(0);
        await cluster.start();
        assertEquals(await send([["STRLEN", "after"]]), [String(VALUE.length)]);
        assertEquals(cluster.node(0).processes.length, 2);
        assertEquals(group.isKilled(), false);
      });
    } finally {
      Deno.removeSync(group.path);
    }
  },
});
