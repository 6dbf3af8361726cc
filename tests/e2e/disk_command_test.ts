/** `kvstore disk` on the directory of a real node. */

import { assert, assertEquals } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";

Deno.test("of a real node every file is known, while it runs and when it is stopped", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    await cluster.ask(0, "PUT key value");
    await cluster.ask(0, "SNAPSHOT");
    const { directory } = cluster.node(0);
    for (const isRunning of [true, false]) {
      if (!isRunning) await cluster.kill(0);
      const { code, stdout, stderr } = await runProgram(["disk", directory, "--json"]);
      assertEquals([code, stderr], [0, ""]);
      const { inUse, parts } = JSON.parse(stdout);
      const filesOf = (kind: string) => parts.find(({ name }: { name: string }) => name === kind).files;
      assertEquals([inUse, filesOf("others"), filesOf("beforeRecovery")], [isRunning, 0, 0], stdout);
      for (const kind of ["log", "snapshots", "node"]) assert(filesOf(kind) > 0, stdout);
    }
  }));
