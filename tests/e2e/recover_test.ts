/** The majority of a cluster is lost for ever: what the directories that are left tell. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";

Deno.test("recover inspect: two of three directories hold every acknowledged write, one may not, and a running node is refused", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    for (let at = 0; at < 20; at++) await cluster.ask(leader, `PUT key-${at} value`);
    await cluster.waitUntilEqual();
    const running = await runProgram(["recover", "inspect", cluster.node(0).directory]);
    assertEquals([running.code, running.stdout], [1, ""]);
    assertMatch(running.stderr, /^kvstore: Cannot inspect .*: a node is running on it; stop the node first\n$/);
    const clusterId = (await cluster.status(leader)).get("Cluster ID") ?? "";
    for (const { id } of cluster.nodes) await cluster.kill(id);
    const [one = "", two = "", three = ""] = cluster.nodes.map(({ directory }) => directory);
    const all = await runProgram(["recover", "inspect", one, two, three]);
    assertEquals([all.code, all.stderr], [0, ""]);
    for (const [id, directory] of [one, two, three].entries()) {
      assertStringIncludes(all.stdout, `${directory}: node ${id} of cluster ${clusterId}\n`);
    }
    assertMatch(
      all.stdout,
      /^ {2}term [1-9]\d*, last entry \d+ of term \d+, no snapshot, log 1 to \d+, digest [0-9a-f]{8}$/m,
    );
    assertMatch(all.stdout, /^ {2}voters 0 1 2$/m);
    assertStringIncludes(all.stdout, "Of the voters 0 1 2 there are 0 1 2, a majority: no acknowledged write is lost.");
    const alone = await runProgram(["recover", "inspect", two]);
    assertMatch(alone.stdout, /^Newest: .*node-1, with entry \d+ of term \d+\.$/m);
    assertMatch(
      alone.stdout,
      /^Of the voters 0 1 2 there is 1, no majority: acknowledged writes .* all behind entry \d+,/m,
    );
    const { stdout } = await runProgram(["recover", "inspect", "--json", three, one]);
    const survey = JSON.parse(stdout);
    assertEquals([survey.voters, survey.present, survey.isMajority], [[0, 1, 2], [0, 2], true]);
    const other = await runProgram(["recover", "inspect", one, cluster.root]);
    assertEquals(other.code, 1);
    assertMatch(other.stderr, /^kvstore: .* is not a data directory: it holds no RaftNode<id>\.json\n$/);
  }));
