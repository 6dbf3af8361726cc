/** Opening a directory: ownership, the node file, what must be refused, and that refusing changes nothing. */

import { Run } from "../../../lib/raft/run.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { checksum } from "../../../lib/base/checksum.ts";
import {
  AccessError,
  CorruptionError,
  DirectoryLockedError,
  FormatVersionError,
  IncompatibleError,
} from "../../../lib/base/errors.ts";
import { EMPTY_CONFIGURATION, type HardState } from "../../../lib/raft/types.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { NODE_FILE_FORMAT } from "../../../lib/storage/node_file.ts";
import {
  DIRECTORY,
  entries,
  failure,
  FIRST_SEGMENT,
  flip,
  id,
  makeSnapshot,
  NODE_FILE,
  open,
  patch,
  write,
} from "./support.ts";
import type { Storage } from "../../../lib/storage/storage.ts";
import { entriesIn } from "../../support/runs.ts";

const HARD_STATE: HardState = { currentTerm: id(0, 7).term, votedFor: 2 };

/** A directory with a vote, a log and a snapshot, not in use. */
async function used(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await storage.saveHardState(HARD_STATE);
  await write(storage, entries(1, 7, 5));
  await makeSnapshot(storage, 2, 7);
  await storage.close();
  return disk;
}

function textOf(disk: MemoryDisk, path: string): string {
  return new TextDecoder().decode(disk.contents(path));
}

/** Replaces the node file by `text`. */
function rewrite(disk: MemoryDisk, text: string): void {
  disk.remove(NODE_FILE);
  const file = disk.open(NODE_FILE, "create");
  file.writeAt(0, new TextEncoder().encode(text));
  file.close();
}

async function assertRefused(
  disk: MemoryDisk,
  type: new (...parameters: never[]) => Error,
  options: Parameters<typeof open>[1] = {},
): Promise<string> {
  const before = disk.files();
  const error = await failure(type, () => open(disk, options));
  assertEquals(disk.files(), before);
  (await disk.lock(`${DIRECTORY}/LOCK`, DIRECTORY)).release(); // It was let go.
  return error.message;
}

Deno.test("the node file is JSON for people, with the vote and a checksum", async () => {
  const disk = await used();
  const text = textOf(disk, NODE_FILE);
  const { checksum: sum, ...content } = JSON.parse(text);
  assertEquals(text, `${JSON.stringify({ ...content, checksum: sum }, undefined, 2)}\n`);
  assertEquals(Object.keys(content), [
    "format",
    "nodeId",
    "clusterName",
    "clusterId",
    "identity",
    "currentTerm",
    "votedFor",
    "membership",
  ]);
  assertEquals(sum, checksum(new TextEncoder().encode(JSON.stringify(content))).toString(16).padStart(8, "0"));
  assertEquals([content.currentTerm, content.votedFor], [7, 2]);
});

Deno.test("the cluster's id is durable with the hard state, and a log of a later term keeps it", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  assertEquals(storage.recovered.hardState.clusterId, undefined);
  await storage.saveHardState({ ...HARD_STATE, clusterId: "a1" });
  assertEquals((await open(disk.crash())).recovered.hardState, { ...HARD_STATE, clusterId: "a1" });
  await write(storage, entries(1, HARD_STATE.currentTerm + 1));
  assertEquals((await open(disk.crash())).recovered.hardState, {
    currentTerm: id(0, HARD_STATE.currentTerm + 1).term,
    votedFor: undefined,
    clusterId: "a1",
  });
});

Deno.test("the node file of an earlier program, whose cluster id was derived, is refused by its version", async () => {
  const disk = await used();
  const { checksum: _, clusterName: _name, ...content } = JSON.parse(textOf(disk, NODE_FILE));
  const earlier = { ...content, format: 1, clusterId: "kvstore-0a1b2c3d" };
  const sum = checksum(new TextEncoder().encode(JSON.stringify(earlier))).toString(16).padStart(8, "0");
  rewrite(disk, JSON.stringify({ ...earlier, checksum: sum }));
  assertStringIncludes(await assertRefused(disk, FormatVersionError), "its format version is 1");
});

Deno.test("term and vote are durable when the save has resolved", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await storage.saveHardState(HARD_STATE);
  assertEquals((await open(disk.crash())).recovered.hardState, HARD_STATE);
  const next = { currentTerm: id(0, 8).term, votedFor: undefined };
  await storage.saveHardState(next);
  assertEquals((await open(disk.crash())).recovered.hardState, next);
});

Deno.test("a log of a later term than the node file raises the term and forgets no vote of it", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await storage.saveHardState({ currentTerm: id(0, 2).term, votedFor: 1 });
  await write(storage, entries(1, 2));
  assertEquals((await open(disk.crash())).recovered.hardState, { currentTerm: id(0, 2).term, votedFor: 1 });
  await write(storage, entries(2, 3));
  assertEquals((await open(disk.crash())).recovered.hardState, { currentTerm: id(0, 3).term, votedFor: undefined });
});

Deno.test("every bit flip and every cut of the node file is refused", async () => {
  const disk = await used();
  const length = disk.contents(NODE_FILE)?.length ?? 0;
  for (let bit = 0; bit < length * 8 - 8; bit++) { // The line end at the end says nothing.
    const image = disk.crash();
    flip(image, NODE_FILE, bit);
    const message = await assertRefused(image, CorruptionError);
    assertStringIncludes(message, `Damaged data in ${NODE_FILE} at offset 0`);
  }
  for (let size = 0; size < length - 1; size++) {
    const image = disk.crash();
    image.open(NODE_FILE, "write").truncate(size);
    await assertRefused(image, CorruptionError);
  }
});

Deno.test("a directory of another node or cluster, or of a newer program, is refused in one line", async (t) => {
  const newer = JSON.stringify({ format: NODE_FILE_FORMAT + 1, something: "new" });
  const sum = checksum(new TextEncoder().encode(newer)).toString(16).padStart(8, "0");
  const cases = [
    { name: "node", options: { nodeId: 1 }, says: "it holds RaftNode0.json of another node" },
    {
      name: "cluster",
      options: { clusterName: "other" },
      says: 'it belongs to cluster "test", and this node is of cluster "other"',
    },
    {
      name: "newer",
      text: JSON.stringify({ ...JSON.parse(newer), checksum: sum }),
      says: `its format version is ${NODE_FILE_FORMAT + 1}`,
      type: FormatVersionError,
    },
  ];
  for (const { name, options, text, says, type } of cases) {
    await t.step(name, async () => {
      const disk = await used();
      if (text !== undefined) rewrite(disk, text);
      assertStringIncludes(await assertRefused(disk, type ?? IncompatibleError, options ?? {}), says);
    });
  }
});

Deno.test("a node file that is renamed, missing or emptied is refused, and so is a missing log", async (t) => {
  const cases: { name: string; harm: (disk: MemoryDisk) => void; says: string }[] = [
    { name: "missing", harm: (disk) => disk.remove(NODE_FILE), says: "term and vote is missing" },
    {
      name: "missing, with a snapshot only",
      harm: (disk) => {
        disk.remove(NODE_FILE);
        disk.remove(FIRST_SEGMENT);
      },
      says: "term and vote is missing",
    },
    { name: "emptied", harm: (disk) => rewrite(disk, ""), says: "it is not JSON" },
    { name: "another shape", harm: (disk) => rewrite(disk, "[]"), says: "it is not an object" },
    {
      name: "no log",
      harm: (disk) => {
        disk.remove(FIRST_SEGMENT);
        disk.remove(`${DIRECTORY}/wal/durable.mark`);
      },
      says: "the log has no segment",
    },
  ];
  for (const { name, harm, says } of cases) {
    await t.step(name, async () => {
      const disk = await used();
      harm(disk);
      assertStringIncludes(await assertRefused(disk, CorruptionError), says);
    });
  }
});

Deno.test("a file of node 0 with the content of another node is refused", async () => {
  const disk = await used();
  const other = new MemoryDisk();
  await (await open(other, { nodeId: 3 })).close();
  rewrite(disk, textOf(other, `${DIRECTORY}/RaftNode3.json`));
  assertStringIncludes(await assertRefused(disk, IncompatibleError), "it belongs to node 3, and this is node 0");
});

Deno.test("a start that was killed before the first sync leaves nothing that the next one takes for durable", async () => {
  const disk = new MemoryDisk();
  disk.makeDirectory(DIRECTORY);
  await write(await open(disk), entries(1, 1));
  const storage = await open(disk.crash());
  assertEquals([storage.recovered.existed, entriesIn(storage.recovered.runs).length], [true, 1]);
});

/** What a start with `--new-identity` makes of a directory: its identity and how many members it begins with. */
async function renewed(disk: MemoryDisk): Promise<readonly [string, number]> {
  const initialConfiguration = EMPTY_CONFIGURATION;
  const storage = await open(disk, { initialConfiguration, makeIdentity: () => "another-identity" });
  const { ownership, initialConfiguration: kept } = storage.recovered;
  await storage.close();
  // What the next start finds is the same.
  assertEquals((await open(disk)).recovered.ownership.identity, ownership.identity);
  return [ownership.identity, kept.members.length];
}

Deno.test("a directory that holds nothing gets a new identity where one is asked for, as if it were not there", async () => {
  const disk = new MemoryDisk();
  await (await open(disk)).close();
  assertEquals(await renewed(disk), ["another-identity", 0]);
});

Deno.test("a directory with a term, a vote, an id, an entry or a snapshot keeps its identity whatever is asked for", async () => {
  const fillings: readonly ((storage: Storage) => Promise<unknown>)[] = [
    (storage) => storage.saveHardState({ currentTerm: id(0, 1).term, votedFor: undefined }),
    (storage) => storage.saveHardState({ currentTerm: id(0, 0).term, votedFor: 0 }),
    (storage) => storage.saveHardState({ currentTerm: id(0, 0).term, votedFor: undefined, clusterId: "c".repeat(32) }),
    (storage) => write(storage, entries(1, 0)),
    (storage) => makeSnapshot(storage, 2, 0),
  ];
  for (const fill of fillings) {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await fill(storage);
    await storage.close();
    assertEquals(await renewed(disk), ["0123456789abcdef", 1]);
  }
});

Deno.test("a directory in use is refused, and free again after close", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await failure(DirectoryLockedError, () => open(disk));
  await storage.close();
  await (await open(disk)).close();
});

Deno.test("temporary files of an earlier life are removed", async () => {
  const disk = await used();
  const paths = ["wal/spare.tmp", "snapshots/create-1.tmp", "snapshots/receive-1.tmp"].map((name) =>
    `${DIRECTORY}/${name}`
  );
  for (const path of paths) disk.open(path, "create").writeAt(0, new Uint8Array(100_000).fill(7));
  const storage = await open(disk);
  assertEquals(paths.map((path) => disk.exists(path)), [false, false, false]);
  await write(storage, entries(6, 7, 100));
  await storage.close();
  assertEquals(entriesIn((await open(disk)).recovered.runs).length, 103);
});

Deno.test("close waits for what is in flight", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  let go = (): void => {};
  const held = new Promise<void>((resolve) => go = resolve);
  disk.hooks.delaySync = () => held;
  storage.append(Run.of(entries(1, 1)));
  const done: string[] = [];
  const running = [storage.sync(), storage.saveHardState(HARD_STATE)].map((promise) =>
    promise.then(() => done.push("work"))
  );
  const closing = storage.close().then(() => done.push("close"));
  await Promise.resolve();
  assertEquals(done, []);
  go();
  await Promise.all([...running, closing]);
  assertEquals(done, ["work", "work", "close"]);
});

Deno.test("a directory that cannot be used is refused by what the system says", async () => {
  class ReadOnlyDisk extends MemoryDisk {
    override makeDirectory(path: string): void {
      throw new AccessError(path, { operation: "create", cause: new Error("read-only file system") });
    }
  }
  const error = await failure(AccessError, () => open(new ReadOnlyDisk()));
  assertEquals(error.message, `Cannot create ${DIRECTORY}: read-only file system`);
});

Deno.test("opening does not depend on the mark file being there", async () => {
  const disk = await used();
  disk.remove(`${DIRECTORY}/wal/durable.mark`);
  const storage = await open(disk);
  assertEquals(entriesIn(storage.recovered.runs).length, 3);
  await storage.close();
  const short = await used();
  const file = short.open(`${DIRECTORY}/wal/durable.mark`, "write");
  file.truncate(10);
  patch(short, `${DIRECTORY}/wal/durable.mark`, { offset: 0, bytes: new Uint8Array(3) });
  assertEquals(entriesIn((await open(short)).recovered.runs).length, 3);
});
