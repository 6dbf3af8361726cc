/** What is found out about a cluster's directory before anything is started or made. */

import { assertEquals } from "@std/assert";
import { findDirectoryProblem } from "../../../lib/cluster/cluster_directory.ts";
import { toTerm } from "../../../lib/raft/types.ts";
import { DenoDisk } from "../../../lib/storage/deno_disk.ts";
import { encodeNodeFile } from "../../../lib/storage/node_file.ts";

/** The directory of a cluster, as its nodes leave it. */
class ClusterDirectory implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "kvstore-unit-" });

  constructor(nodes: number, { made = nodes }: { readonly made?: number } = {}) {
    const members = Array.from({ length: nodes }, (_, id) => ({
      ...{ id, identity: `i${id}` },
      ...{ address: `127.0.0.1:${15_000 + id}`, clientAddress: `127.0.0.1:${5_000 + id}` },
    }));
    const initialConfiguration = { members, voters: members.map(({ id }) => id), votersOld: [], learners: [] };
    for (let nodeId = 0; nodeId < made; nodeId++) {
      const file = encodeNodeFile({
        ownership: { nodeId, clusterName: "c", identity: `i${nodeId}` },
        hardState: { currentTerm: toTerm(3), votedFor: undefined },
        initialConfiguration,
      });
      Deno.mkdirSync(`${this.path}/node-${nodeId}`);
      Deno.writeFileSync(this.fileOf(nodeId), file);
      Deno.writeTextFileSync(`${this.path}/node-${nodeId}/LOCK`, "");
    }
  }

  fileOf(nodeId: number): string {
    return `${this.path}/node-${nodeId}/RaftNode${nodeId}.json`;
  }

  /** The line about a cluster of `nodes` here, with the directory as `DIR`. */
  async problem(nodes: number): Promise<string | undefined> {
    const nodeDirectories = Array.from({ length: nodes }, (_, id) => `${this.path}/node-${id}`);
    const before = this.#names();
    const problem = await findDirectoryProblem({ directory: this.path, nodeDirectories });
    assertEquals(this.#names(), before, "nothing is made");
    return problem && `${problem.type}: ${problem.line.replaceAll(this.path, "DIR")}`;
  }

  #names(): readonly string[] {
    return [...Deno.readDirSync(this.path)].flatMap(({ name, isDirectory }) =>
      isDirectory ? [...Deno.readDirSync(`${this.path}/${name}`)].map((file) => `${name}/${file.name}`) : [name]
    ).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

Deno.test("a directory of another number of nodes is no place for a cluster, larger or smaller", async () => {
  await using three = new ClusterDirectory(3);
  assertEquals(await three.problem(3), undefined);
  for (const nodes of [1, 5]) {
    assertEquals(
      await three.problem(nodes),
      `OtherSize: DIR holds a cluster of 3 nodes, and --nodes is ${nodes}: give --nodes 3, or --data-dir for another directory`,
    );
  }
});

Deno.test("a directory that is not there yet, or of which a node is missing, is fine", async () => {
  await using none = new ClusterDirectory(0);
  assertEquals(await none.problem(3), undefined);
  await using two = new ClusterDirectory(3, { made: 2 });
  assertEquals(await two.problem(3), undefined);
});

Deno.test("a node that is damaged keeps none of the others from running", async () => {
  await using three = new ClusterDirectory(3);
  Deno.writeTextFileSync(three.fileOf(1), "{");
  assertEquals(await three.problem(3), undefined);
  assertEquals((await three.problem(5))?.startsWith("OtherSize"), true);
});

Deno.test("a node that runs on one of the directories is named", async () => {
  await using three = new ClusterDirectory(3);
  const lock = await new DenoDisk().lock(`${three.path}/node-1/LOCK`, `${three.path}/node-1`);
  assertEquals(
    await three.problem(3),
    "InUse: A node is running on DIR/node-1: stop its cluster first, or give --data-dir",
  );
  lock.release();
  assertEquals(await three.problem(3), undefined);
});
