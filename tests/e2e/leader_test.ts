/** `kvstore leader` against real nodes: through any of them, and each refusal. */

import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../support/program.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("leader and leader transfer through every node, and why not", () =>
  withCluster({}, async (cluster) => {
    const kvstore = async (via: number, ...args: string[]) => {
      const connect = ["--connect", `127.0.0.1:${cluster.node(via).clientPort}`];
      const { code, stdout, stderr } = await runProgram(["leader", ...args, ...connect]);
      return { code, said: stdout + stderr };
    };
    for (const { id: via } of cluster.nodes) {
      const leader = await cluster.waitForLeader();
      const shown = await kvstore(via);
      assertEquals([shown.code, shown.said.startsWith(`Node ${leader} (127.0.0.1:`)], [0, true], shown.said);
      const [target = -1] = cluster.others(leader);
      const moved = await kvstore(via, "transfer", String(target));
      assertEquals([moved.code, moved.said.startsWith(`Node ${target} `)], [0, true], moved.said);
      assertMatch(moved.said, / leads now, in term \d+\.\n$/);
      assertEquals(await cluster.waitForLeader(), target);
      const again = await kvstore(via, "transfer", String(target));
      assertEquals(again.code, 0);
      assertMatch(again.said, / leads already, so nothing was done, in term \d+\.\n$/);
    }
    const unknown = await kvstore(0, "transfer", "7");
    assertEquals(unknown, { code: 1, said: "kvstore: There is no node 7; the members are 0, 1, 2\n" });
    const leader = await cluster.waitForLeader();
    const [gone = -1, via = -1] = cluster.others(leader);
    await cluster.kill(gone);
    const refused = await waitFor(async () => {
      const { code, said } = await kvstore(via, "transfer", String(gone));
      return code === 1 && said.includes("cannot reach") ? said : undefined;
    }, { what: "the leader notices that the node is gone" });
    assertMatch(refused, new RegExp(`^kvstore: The leader cannot reach node ${gone}; start it [^\n]*\n$`));
    assertEquals(await cluster.waitForLeader(), leader);
    await cluster.kill(leader);
    const lost = await kvstore(via, "--timeout-ms", "3000");
    assertEquals([lost.code, lost.said], [5, `kvstore: No leader; node ${via} reaches 1 of 3 nodes, needs 2\n`]);
  }));
