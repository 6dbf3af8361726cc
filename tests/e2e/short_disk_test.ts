/** A node on a small disk of its own, which its clients fill. */

import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { MOUNTS, testWith, WITH_MOUNTS } from "../support/needs.ts";
import { withCluster } from "../support/process_cluster.ts";
import type { CommandLine } from "../support/program.ts";
import { type Command, Connection } from "../support/resp/connection.ts";
import { waitFor } from "../support/wait.ts";

const MIB = 2 ** 20;
const DISK_BYTES = 96 * MIB;
const VALUE = "v".repeat(100_000);
const AT_ONCE = 16;
/** Twice the disk. */
const BATCHES = Math.ceil(2 * DISK_BYTES / VALUE.length / AT_ONCE);
const REFUSED = "READONLY";

/** The same, with a file system of its own where its directories are: what this process sees there is empty. */
function onSmallDisk(line: CommandLine, root: string): CommandLine {
  const script = `mount -t tmpfs -o size=${DISK_BYTES} none "$0" && exec "$@"`;
  return [...WITH_MOUNTS, "sh", "-c", script, root, ...line];
}

testWith(
  [MOUNTS],
  "a disk that its clients fill keeps room for snapshots: nothing taken is lost, deletes make room, and writes go on",
  async () => {
    const root = await Deno.makeTempDir({ prefix: "kvstore-short-" });
    await withCluster({ nodes: 1, root, wrap: (line) => onSmallDisk(line, root) }, async (cluster) => {
      const { clientPort, httpPort, process } = cluster.node(0);
      const http = `http://127.0.0.1:${httpPort}`;
      const ask = async (commands: readonly Command[]) => {
        using connection = await Connection.open(`127.0.0.1:${clientPort}`);
        const replies = await connection.exchange(commands);
        return replies.map((reply) =>
          reply.type === "Integer" ? String(reply.value) : "text" in reply ? reply.text : ""
        );
      };
      const metric = async (name: string): Promise<number> => {
        const line = (await (await fetch(`${http}/metrics`)).text()).split("\n").find((line) =>
          line.startsWith(`${name} `)
        );
        return Number(line?.split(" ")[1]);
      };
      assertEquals(await metric("kvstore_disk_size_bytes"), DISK_BYTES);
      const done: string[] = [];
      let refused = 0;
      for (let batch = 0; batch < BATCHES; batch++) {
        const keys = Array.from({ length: AT_ONCE }, (_, at) => `key${batch * AT_ONCE + at}`);
        for (const [at, reply] of (await ask(keys.map((key) => ["SET", key, VALUE]))).entries()) {
          if (reply === "OK") done.push(keys[at] ?? "");
          else {
            assert(reply.startsWith(REFUSED), reply);
            refused += 1;
          }
        }
      }
      assertGreater(refused, BATCHES);
      assertGreater(done.length * VALUE.length, DISK_BYTES / 10);
      const put = await fetch(`${http}/v1/kv/more`, { method: "PUT", body: VALUE });
      assertEquals([put.status, (await put.json()).code], [507, "no_space"]);
      assertEquals(await ask(done.map((key): Command => ["STRLEN", key])), done.map(() => String(VALUE.length)));
      assertLess(await metric("kvstore_disk_free_bytes"), DISK_BYTES);
      // The log is compacted, which is what the room was kept for.
      assertMatch((await ask([["DEL", done[0] ?? ""]]))[0] ?? "", /^1$/);
      const snapshot = await fetch(`${http}/v1/snapshot`, { method: "POST" });
      assertEquals(snapshot.status, 201, await snapshot.text());
      const gone = done.slice(1, Math.ceil(done.length * 0.8));
      assertEquals(new Set(await ask(gone.map((key): Command => ["DEL", key]))), new Set(["1"]));
      await waitFor(async () => (await ask([["SET", "again", VALUE]]))[0] === "OK" || undefined, {
        what: "writes go on",
      });
      const kept = done.slice(1 + gone.length);
      assertEquals(await ask(kept.map((key): Command => ["STRLEN", key])), kept.map(() => String(VALUE.length)));
      // Another program takes the rest, and gives it back.
      const other = `/proc/${process?.pid}/root${root}/other`;
      await Deno.writeFile(other, new Uint8Array(await metric("kvstore_disk_free_bytes") - 2 * MIB));
      await waitFor(async () => (await ask([["SET", "again", VALUE]]))[0]?.startsWith(REFUSED) || undefined, {
        what: "no room",
      });
      assertEquals(await ask([["DEL", kept[0] ?? ""], ["EXISTS", kept[0] ?? ""]]), ["1", "0"]);
      await Deno.remove(other);
      await waitFor(async () => (await ask([["SET", "again", VALUE]]))[0] === "OK" || undefined, { what: "room" });
      const log = process?.lines.join("\n") ?? "";
      assertMatch(log, /The disk under .* is \d+ % full: log [\d.]+ MiB, snapshots [\d.]+ MiB/);
      assertMatch(log, /writes that add are refused/);
      assertMatch(log, /writes that add are taken again/);
    });
    await Deno.remove(root, { recursive: true });
  },
);
