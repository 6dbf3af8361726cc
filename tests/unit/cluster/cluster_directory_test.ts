/** What is found out about a cluster's directory before anything is started or made. */

import { assertEquals } from "@std/assert";
import { type ClusterNodes, findNodes, findRunningNode } from "../../../lib/cluster/cluster_directory.ts";
import { EMPTY_CONFIGURATION, toTerm } from "../../../lib/raft/types.ts";
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

  /** The nodes that so many are on it; or the line that says why not, with the directory as `DIR`. */
  async find(count: number, { isDefault = false } = {}): Promise<ClusterNodes | string> {
    const before = this.#names();
    const found = await findNodes(this.path, { count, isDefault });
    assertEquals(this.#names(), before, "nothing is made");
    return "line" in found ? found.line.replaceAll(this.path, "DIR") : found;
  }

  /** A node that joined, or was removed. */
  add(nodeId: number, { removed = false } = {}): void {
    const path = `${this.path}/node-${nodeId}`;
    Deno.mkdirSync(path, { recursive: true });
    if (removed) Deno.writeTextFileSync(`${path}/REMOVED`, "");
    const file = encodeNodeFile({
      ownership: { nodeId, clusterName: "c", identity: `i${nodeId}` },
      hardState: { currentTerm: toTerm(3), votedFor: undefined },
      initialConfiguration: EMPTY_CONFIGURATION,
    });
    Deno.writeFileSync(this.fileOf(nodeId), file);
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

function nodes(
  founders: readonly number[],
  joined: readonly number[] = [],
  { added = [], isNew = false, nextId = Math.max(...founders, ...joined) + 1 }: Partial<ClusterNodes> = {},
): ClusterNodes {
  return { founders, joined, added, isNew, nextId };
}

Deno.test("a directory of more nodes than are asked for is no place for a cluster; one of fewer grows", async () => {
  await using three = new ClusterDirectory(3);
  assertEquals(await three.find(3), nodes([0, 1, 2]));
  const line =
    "DIR holds a cluster of 3 nodes, and --nodes is 1: leave --nodes out, or give --data-dir for another directory";
  assertEquals(await three.find(1), line);
  assertEquals(await three.find(5), nodes([0, 1, 2], [3, 4], { added: [3, 4], nextId: 3 }));
  three.add(3);
  three.add(4);
  assertEquals(await three.find(5), nodes([0, 1, 2], [3, 4]));
  assertEquals(await three.find(3), line.replace("of 3 nodes", "of 5 nodes").replace("is 1", "is 3"));
});

Deno.test("a node that was removed does not count, and its id is given to no other", async () => {
  await using three = new ClusterDirectory(3);
  three.add(3, { removed: true });
  three.add(4);
  assertEquals(await three.find(5), nodes([0, 1, 2], [4, 5], { added: [5], nextId: 5 }));
  Deno.writeTextFileSync(`${three.path}/node-1/REMOVED`, "");
  assertEquals(await three.find(3), nodes([0, 2], [4]));
});

Deno.test("where nobody says how many, a directory has as many nodes as it holds", async () => {
  await using three = new ClusterDirectory(3);
  assertEquals(await three.find(1, { isDefault: true }), nodes([0, 1, 2]));
  three.add(3);
  assertEquals(await three.find(3, { isDefault: true }), nodes([0, 1, 2], [3]));
  for (const id of [0, 1, 2]) Deno.writeTextFileSync(`${three.path}/node-${id}/REMOVED`, "");
  assertEquals(await three.find(3, { isDefault: true }), nodes([], [3]));
  three.add(3, { removed: true });
  const line = "DIR holds only nodes that were removed from their cluster: give --data-dir for another directory";
  assertEquals([await three.find(3, { isDefault: true }), await three.find(3)], [line, line]);
  await using none = new ClusterDirectory(0);
  assertEquals(await none.find(3, { isDefault: true }), nodes([0, 1, 2], [], { isNew: true }));
});

Deno.test("a directory that is not there yet, or of which a node is missing, is fine", async () => {
  await using none = new ClusterDirectory(0);
  assertEquals(await none.find(3), nodes([0, 1, 2], [], { isNew: true }));
  await using two = new ClusterDirectory(3, { made: 2 });
  assertEquals(await two.find(3), nodes([0, 1, 2]));
});

Deno.test("a node that is damaged keeps none of the others from running", async () => {
  await using three = new ClusterDirectory(3);
  Deno.writeTextFileSync(three.fileOf(1), "{");
  assertEquals(await three.find(3), nodes([0, 1, 2]));
  assertEquals(typeof await three.find(1), "string");
});

Deno.test("a node that runs on one of the directories is named", async () => {
  await using three = new ClusterDirectory(3);
  const directories = [0, 1, 2, 3].map((id) => `${three.path}/node-${id}`);
  const lock = await new DenoDisk().lock(`${directories[1]}/LOCK`, directories[1] ?? "");
  const line = `A node is running on ${directories[1]}: stop its cluster first, or give --data-dir`;
  assertEquals(await findRunningNode(directories), { type: "InUse", line });
  lock.release();
  assertEquals(await findRunningNode(directories), undefined);
});
