/** Keys of a prefix of a running cluster, brought back from a backup by the command. */

import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";

Deno.test("the keys of a prefix become what the backup held, and every other key stays", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [asked = 0] = cluster.others(leader);
    const at = ["--connect", `127.0.0.1:${cluster.node(asked).clientPort}`];
    await using client = await connect({ servers: cluster.ports.map((port) => `127.0.0.1:${port}`) });
    const ledger = new Map<string, string>();
    for (let key = 0; key < 1_200; key++) ledger.set(`app:${String(key).padStart(4, "0")}`, `value ${key}`);
    await Promise.all(Array.from(ledger, ([key, value]) => client.put(key, value)));
    await client.put("app:later", "v", { ttlMs: 3_600_000 });
    await client.put("app:brief", "v", { ttlMs: 1 });
    await client.put("other", "before");
    const path = `${cluster.root}/backup.snap`;
    assertEquals((await runProgram(["backup", path, ...at])).code, 0);
    // The accident.
    for (const key of [...ledger.keys()].filter((_, index) => index % 2 === 0)) await client.delete(key);
    await client.put("app:0001", "spoiled");
    await client.persist("app:later");
    await client.put("app:new", "x");
    await client.put("other", "after");
    const restore = (...args: string[]) => runProgram(["restore", path, "--prefix", "app:", ...args, ...at]);
    const dry = await restore("--dry-run");
    assertEquals([dry.code, dry.stderr], [0, ""]);
    assertMatch(
      dry.stdout,
      /\nKeys of the cluster that begin with "app:": 600 to add, 2 to change, 1 to remove, 599 the same\n {2}add "app:0000"\n/,
    );
    assertMatch(
      dry.stdout,
      /\n {2}add 595 more\n {2}change "app:0001"\n {2}change "app:later"\n {2}remove "app:new"\nNothing was changed\n$/,
    );
    const unasked = await restore();
    assertEquals(unasked.code, 2);
    assertMatch(unasked.stderr, /^kvstore: This changes the cluster: give --yes where nobody can be asked\n$/);
    assertEquals(await client.exists("app:new"), true);
    const done = await restore("--yes", "--json");
    assertEquals(done.code, 0, done.stderr);
    const { added, changed, removed, same, done: isDone } = JSON.parse(done.stdout);
    assertEquals([added, changed, removed, same, isDone], [600, 2, 1, 599, true]);
    const found = new Map<string, string>();
    for await (const entry of client.scan({ prefix: "app:" })) found.set(entry.keyText(), entry.text());
    assertEquals(found, new Map([...ledger, ["app:later", "v"]]));
    const left = await client.ttl("app:later") ?? 0;
    assertEquals(left > 1_000_000 && left <= 3_600_000, true, String(left));
    assertEquals((await client.get("other"))?.text(), "after");
    const again = await restore();
    assertEquals([again.code, again.stdout.endsWith("0 to remove, 1201 the same\nNothing was changed\n")], [0, true]);
    for (
      const args of [["--data-dir", "x", "--prefix", "a"], ["--data-dir", "x", "--yes"], [
        "--data-dir",
        "x",
        "--dry-run",
      ]]
    ) {
      assertEquals((await runProgram(["restore", path, ...args])).code, 2, args.join(" "));
    }
  }));
