import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findFreePorts } from "../support/ports.ts";
import { withCluster } from "../support/process_cluster.ts";
import { type ProgramResult, runProgram } from "../support/program.ts";

Deno.test("kvstore cli: replies, and exit codes 0, 1, 2, 3, 5 and 6", () =>
  withCluster({ flags: ["--request-timeout-ms", "1000"] }, async (cluster) => {
    const connect = cluster.ports.map((port) => `127.0.0.1:${port}`).join(",");
    const cli = (...words: string[]): Promise<ProgramResult> =>
      runProgram(["cli", "--connect", connect, "--timeout-ms", "3000", ...words]);

    const value = 'two words, a "quote",\na new line and trailing blanks  ';
    const put = await cli("PUT", "key 1", value);
    assertEquals([put.code, put.stdout], [0, "key 1 added successfully.\n"], put.stderr);
    const got = await cli("GET", "key 1");
    assertEquals(got.code, 0, got.stderr);
    assertStringIncludes(got.stdout, String.raw`two words, a \"quote\",\na new line and trailing blanks  `);
    assertEquals((await cli("GET", "missing")).code, 3);
    assertEquals((await cli("DELETE", "missing")).code, 3);
    assertEquals((await cli("PUT", "only-a-key")).code, 2);
    const status = await cli("STATUS");
    assertEquals(status.code, 0, status.stderr);
    assertMatch(status.stdout, /Role: (Leader|Follower)/);

    const piped = await runProgram(["cli", "--connect", connect], { input: "PUT piped yes\nGET piped\n" });
    assertEquals([piped.code, piped.stdout], [0, "piped added successfully.\nvalue of piped: yes\n"], piped.stderr);

    const leader = await cluster.waitForLeader();
    const followers = cluster.others(leader);
    // Followers that are stopped take nothing: the leader appends, and cannot know whether it will be committed.
    for (const id of followers) cluster.signal(id, "SIGSTOP");
    const unknown = await runProgram([
      "cli",
      "--connect",
      `127.0.0.1:${cluster.node(leader).clientPort}`,
      "PUT",
      "u",
      "1",
    ]);
    assertEquals(unknown.code, 6, unknown.stdout + unknown.stderr);
    for (const id of followers) cluster.signal(id, "SIGCONT");
    for (const id of followers) await cluster.kill(id);
    assertEquals((await cli("PUT", "k", "v")).code, 5);
    await cluster.kill(leader);
    const [nobody = 0] = findFreePorts(1);
    const unreachable = await runProgram([
      "cli",
      "--connect",
      `127.0.0.1:${nobody}`,
      "--timeout-ms",
      "300",
      "GET",
      "k",
    ]);
    assertEquals([unreachable.code, unreachable.stderr.split("\n").length], [1, 2], unreachable.stderr);
    assertStringIncludes(unreachable.stderr, String(nobody));
  }));

Deno.test("version and help: exit 0", async () => {
  const version = await runProgram(["version"]);
  assertEquals(version.code, 0);
  assertMatch(version.stdout, /^kvstore \d+\.\d+\.\d+ \(deno \d/);
  const help = await runProgram(["help"]);
  assertEquals(help.code, 0);
  for (const command of ["cluster", "node", "cli", "inspect", "recover", "version"]) {
    assertStringIncludes(help.stdout, command);
  }
});
