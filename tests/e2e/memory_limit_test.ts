/** Real nodes under a memory limit. */

import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import { type Command, Connection } from "../support/resp/connection.ts";
import { waitFor } from "../support/wait.ts";

const MIB = 2 ** 20;
const LIMIT_BYTES = 6 * MIB;
const VALUE = "v".repeat(10_000);
/** Writes of one batch, and batches: four times the limit. */
const AT_ONCE = 50;
const BATCHES = Math.ceil(4 * LIMIT_BYTES / VALUE.length / AT_ONCE);
const REFUSED = "OOM command not allowed when used memory > 'maxmemory'.";

Deno.test("clients of every protocol want four times the memory limit: each is refused in its own words, and no node ends", () =>
  withCluster({ flags: [`--memory-limit=${LIMIT_BYTES}`] }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [follower = 0] = cluster.others(leader);
    const done: string[] = [];
    let refused = 0;
    const ask = async (id: number, commands: readonly Command[]) => {
      using connection = await Connection.open(`127.0.0.1:${cluster.node(id).clientPort}`);
      const replies = await connection.exchange(commands);
      return replies.map((reply) => reply.type === "Integer" ? String(reply.value) : "text" in reply ? reply.text : "");
    };
    for (let batch = 0; batch < BATCHES; batch++) {
      const keys = Array.from({ length: AT_ONCE }, (_, at) => `key${batch * AT_ONCE + at}`);
      const replies = await ask(batch % 2 === 0 ? leader : follower, keys.map((key) => ["SET", key, VALUE]));
      for (const [at, reply] of replies.entries()) {
        if (reply === "OK") done.push(keys[at] ?? "");
        else {
          assertEquals(reply, REFUSED);
          refused += 1;
        }
      }
    }
    assertGreater(refused, BATCHES * AT_ONCE / 2);
    assertGreater(done.length * VALUE.length, LIMIT_BYTES / 2);
    for (const id of [leader, follower]) {
      const queued: Command[] = [["MULTI"], ["SET", "more", VALUE], ["DEL", "none"], ["EXEC"]];
      assertEquals(await ask(id, queued), ["OK", "QUEUED", "QUEUED", REFUSED]);
      const copies: Command[] = [["COPY", "key0", "more"], ["APPEND", "more", VALUE], [
        "SETRANGE",
        "more",
        "8000000",
        "x",
      ]];
      assertEquals(await ask(id, copies), [REFUSED, REFUSED, REFUSED]);
      assertEquals(await ask(id, [["EXPIRE", "key0", "9999"], ["GETDEL", "none"], ["STRLEN", "key0"]]), [
        ...["1", "", String(VALUE.length)],
      ]);
      const { httpPort } = cluster.node(id);
      const put = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/more`, { method: "PUT", body: VALUE });
      const problem: { readonly code: string } = await put.json();
      assertEquals([put.status, problem.code], [507, "out_of_memory"]);
      const get = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/key0`);
      assertEquals([get.status, (await get.text()).length], [200, VALUE.length]);
    }
    assertEquals(
      await cluster.ask(leader, `PUT more ${VALUE}`),
      "Error: Out of memory. The leader's memory limit is reached; reads and DELETE go on.",
    );
    const [info = ""] = await ask(leader, [["INFO", "memory"]]);
    assertStringIncludes(info, `maxmemory:${LIMIT_BYTES}\r\n`);
    const used = Number(/used_memory:(\d+)/.exec(info)?.[1]);
    assert(used > LIMIT_BYTES * 0.9 && used < LIMIT_BYTES * 1.25, info);
    const metrics = await (await fetch(`http://127.0.0.1:${cluster.node(leader).httpPort}/metrics`)).text();
    assertStringIncludes(metrics, `kvstore_memory_limit_bytes ${LIMIT_BYTES}\n`);
    assertMatch(metrics, /kvstore_server_refused_for_memory_total [1-9]/);
    const removed = done.splice(0, done.length / 2);
    assertEquals(await ask(follower, removed.map((key) => ["DEL", key])), removed.map(() => "1"));
    assertEquals(await ask(follower, [["SET", "after", VALUE]]), ["OK"]);
    // The same processes as at the start; then others, which find what was acknowledged.
    for (const { processes } of cluster.nodes) assertEquals(processes.length, 1);
    for (const { id } of cluster.nodes) await cluster.kill(id);
    await cluster.start();
    assertEquals(await ask(follower, done.map((key) => ["STRLEN", key])), done.map(() => String(VALUE.length)));
    assertEquals(await ask(follower, [["SET", "again", VALUE]]), ["OK"]);
  }));

Deno.test("a node whose snapshot does not fit into its memory limit says so in one line and exits with 78", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    const id = await cluster.waitForLeader();
    {
      using connection = await Connection.open(`127.0.0.1:${cluster.node(id).clientPort}`);
      const sets = Array.from({ length: 200 }, (_, at): Command => ["SET", `key${at}`, VALUE]);
      for (const reply of await connection.exchange(sets)) assertEquals(reply.type, "Status");
    }
    assertMatch(await cluster.ask(id, "SNAPSHOT"), /^Snapshot created/);
    await cluster.kill(id);
    const [program = "", ...rest] = cluster.commandLine(id, ["--memory-limit=1MiB"]);
    const { code, stderr } = await new Deno.Command(program, { args: rest, stdout: "null", stderr: "piped" }).output();
    const said = new TextDecoder().decode(stderr).trim().split("\n");
    assertEquals(code, 78);
    const line =
      /Cannot load the snapshot in .*: it does not fit into the memory limit of 1\.0 MiB; raise --memory-limit$/;
    assertMatch(said.at(-1) ?? "", line);
    assertEquals(said.filter((each) => line.test(each)).length, 1);
    cluster.launch(id, ["--memory-limit=64MiB"]);
    await waitFor(async () => (await cluster.ask(id, "GET key0").catch(() => "")).startsWith("value of") || undefined, {
      what: "it starts with a higher limit",
    });
  }));
