/** A mistake under load, taken back by the command: the keys of the prefix are what they were, and nothing else is changed. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { Failure } from "../../lib/cli/failures.ts";
import { runUndoCommand } from "../../lib/cli/transfer/undo_command.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { fakeSurroundings, settingsOf } from "../unit/cli/support.ts";

/** Writes other keys until it is told to stop. Returns what was acknowledged. */
function startLoad(cluster: ProcessCluster) {
  const ledger = new Map<string, string>();
  let isStopped = false;
  const run = async () => {
    await using client = await connect({ servers: cluster.ports.map((port) => `127.0.0.1:${port}`) });
    for (let at = 0; !isStopped; at++) {
      const key = `load:${at % 100}`;
      await client.put(key, `${at}`);
      ledger.set(key, `${at}`);
    }
  };
  const done = run();
  return {
    ledger,
    stop: async () => {
      isStopped = true;
      await done;
    },
  };
}

Deno.test("a prefix that was deleted by mistake under load is what it was, and what is written meanwhile stays", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [asked = 0] = cluster.others(leader);
    const at = ["--connect", `127.0.0.1:${cluster.node(asked).clientPort}`];
    await using client = await connect({ servers: cluster.ports.map((port) => `127.0.0.1:${port}`) });
    const read = async () => {
      const found = new Map<string, string>();
      for await (const entry of client.scan({ prefix: "app:" })) found.set(entry.keyText(), entry.text());
      return found;
    };
    const load = startLoad(cluster);
    for (let key = 0; key < 300; key++) {
      await client.put(`app:${key}`, key % 7 === 0 ? `\u00fc ${key}`.repeat(200) : `${key}`);
    }
    await client.put("app:timed", "v", { ttlMs: 3_600_000 });
    await client.put("app:last", "v");
    const revision = (await client.revision("app:last"))?.modified ?? 0;
    const ledger = await read();
    // The mistake.
    for (const key of ledger.keys()) if (key !== "app:1") await client.delete(key);
    await client.put("app:1", "spoiled");
    await client.put("app:new", "x");

    const undo = (...args: string[]) => runProgram(["undo", "--prefix", "app:", "--to", `${revision}`, ...args, ...at]);
    const dry = await undo("--dry-run");
    assertEquals([dry.code, dry.stderr], [0, ""]);
    assertMatch(
      dry.stdout,
      /^Keys that begin with "app:", back to revision \d+: 301 to add, 1 to change, 1 to remove\n {2}add "app:0"\n/,
    );
    assertMatch(dry.stdout, /\n {2}add 296 more\n {2}change "app:1"\n {2}remove "app:new"\nNothing was changed\n$/);
    const unasked = await undo();
    assertEquals([unasked.code, unasked.stderr.includes("give --yes")], [2, true]);
    assertEquals(await client.exists("app:new"), true);
    const done = await undo("--yes", "--json");
    assertEquals([done.code, done.stderr.split("\n").length > 1], [0, true], done.stderr);
    const { added, changed, removed, done: isDone } = JSON.parse(done.stdout);
    assertEquals([added, changed, removed, isDone], [301, 1, 1, true]);
    assertEquals(await read(), ledger);
    const left = await client.ttl("app:timed") ?? 0;
    assert(left > 0 && left <= 3_600_000, String(left));
    // All of it is one entry of the log.
    const revisions = await Promise.all(
      ["app:0", "app:1", "app:timed"].map(async (key) => (await client.revision(key))?.modified),
    );
    assertEquals(new Set(revisions).size, 1);
    const again = await undo();
    assertEquals([again.code, again.stdout.endsWith("0 to remove\nNothing was changed\n")], [0, true], again.stdout);

    await load.stop();
    for (const [key, value] of load.ledger) assertEquals((await client.get(key))?.text(), value, key);
    const ahead = await runProgram(["undo", "--prefix", "app:", "--to", "9007199254740991", ...at]);
    assertEquals(ahead.code, 1);
    assertMatch(ahead.stderr, /^kvstore: Revision 9007199254740991 lies ahead of this node, which is at \d+\n$/);
    for (const args of [["--prefix", "a"], ["--to", "5"], ["x", "--prefix", "a", "--to", "5"]]) {
      assertEquals((await runProgram(["undo", ...args])).code, 2, args.join(" "));
    }
  }));

Deno.test("what the cluster does not remember is refused in one line with the oldest revision and where else to look", () =>
  withCluster({ flags: ["--history-entries", "100"] }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    for (let at = 0; at < 150; at++) await cluster.ask(leader, `PUT k v${at}`);
    const refused = await runProgram([
      ...["undo", "--prefix", "k", "--to", "2", "--yes"],
      ...["--connect", `127.0.0.1:${cluster.node(leader).clientPort}`],
    ]);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(
      refused.stderr,
      /^kvstore: That is too long ago: the oldest revision that is remembered is \d+; kvstore restore FILE --prefix PREFIX brings keys back from a backup\n$/,
    );
  }));

Deno.test("where a key was written after it was shown nothing is changed, and it is said so", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const address = `127.0.0.1:${cluster.node(leader).clientPort}`;
    await using client = await connect({ servers: [address] });
    for (const key of ["app:a", "app:b"]) await client.put(key, "1");
    const revision = (await client.revision("app:b"))?.modified ?? 0;
    for (const key of ["app:a", "app:b"]) await client.put(key, "2");
    const surroundings = fakeSurroundings();
    const settings = settingsOf("undo", "--prefix", "app:", "--to", `${revision}`, "--connect", address);
    const person = {
      isThere: () => true,
      // Somebody else, while the question stands there.
      agrees: () => {
        const [program = "", ...args] = programLine(["cli", "--connect", address, "PUT", "app:b", "3"]);
        return new Deno.Command(program, { args, stdin: "null" }).outputSync().success;
      },
    };
    const undo = () => runUndoCommand({ settings, surroundings, operands: [] }, { person });
    const refused = await assertRejects(undo, Failure);
    assertEquals(refused.message, "Keys were written since the changes were shown; nothing was changed");
    assertEquals([(await client.get("app:a"))?.text(), (await client.get("app:b"))?.text()], ["2", "3"]);
    for (const key of ["big:1", "big:2", "big:3"]) await client.put(key, "v".repeat(3_000_000));
    const back = `${(await client.revision("big:3"))?.modified ?? 0}`;
    for (const key of ["big:1", "big:2", "big:3"]) await client.delete(key);
    const long = await runProgram(["undo", "--prefix", "big:", "--to", back, "--yes", "--connect", address]);
    assertEquals(long.code, 1);
    assertMatch(
      long.stderr,
      /^kvstore: More has changed than one transaction writes back \(8585216 bytes\); give a longer --prefix\n$/,
    );
    const single = await runProgram(["undo", "--prefix", "big:2", "--to", back, "--yes", "--connect", address]);
    assertEquals([single.code, (await client.get("big:2"))?.value.length], [0, 3_000_000]);
    const agrees = () => true;
    assertEquals(await runUndoCommand({ settings, surroundings, operands: [] }, { person: { ...person, agrees } }), 0);
    assertEquals([(await client.get("app:a"))?.text(), (await client.get("app:b"))?.text()], ["1", "1"]);
  }));
