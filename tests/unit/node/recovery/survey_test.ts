/** The survey of what is left: which directory is the newest, which hold the same, and when nothing acknowledged can be lost. */

import { assertEquals } from "@std/assert";
import { type Survey, surveyDirectories } from "../../../../lib/node/recovery/survey.ts";
import { Run } from "../../../../lib/raft/run.ts";
import type { Configuration, Entry, NodeId } from "../../../../lib/raft/types.ts";
import { openStorage } from "../../../../lib/storage/open.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { entries, flip, id } from "../../storage/support.ts";

const CLUSTER = "c0ffee";

/** What a directory is made of. */
interface Made {
  readonly nodeId: NodeId;
  readonly log: readonly (readonly Entry[])[];
  readonly term?: number;
  readonly clusterId?: string;
  readonly identity?: string;
}

/** Three voters whose directories are known by the names of `identityOf`. */
function three(changes: Partial<Configuration> = {}): Configuration {
  const members = [0, 1, 2].map((nodeId) => {
    return { id: nodeId, address: "", clientAddress: "", identity: identityOf(nodeId) };
  });
  return { members, voters: [0, 1, 2], votersOld: [], learners: [], ...changes };
}

function identityOf(nodeId: NodeId): string {
  return `identity-${nodeId}`;
}

function configuration(index: number, value: Configuration): readonly Entry[] {
  return [{ type: "Configuration", ...id(index, 1), configuration: value }];
}

async function make(disk: MemoryDisk, { nodeId, log, term = 9, clusterId = CLUSTER, identity }: Made): Promise<string> {
  const directory = `/data/${nodeId}-${identity ?? "own"}`;
  const storage = await openStorage({
    disk,
    directory,
    nodeId,
    clusterName: "",
    initialConfiguration: three(),
    makeIdentity: () => identity ?? identityOf(nodeId),
    segmentBytes: 4_096,
    pause: () => Promise.resolve(),
  });
  const { term: currentTerm } = id(0, term);
  await storage.saveHardState({ currentTerm, votedFor: undefined, ...(clusterId === "" ? {} : { clusterId }) });
  for (const run of log) storage.append(Run.of(run));
  await storage.sync();
  await storage.close();
  return directory;
}

async function survey(...made: readonly Made[]): Promise<Survey> {
  const disk = new MemoryDisk();
  const directories: string[] = [];
  for (const one of made) directories.push(await make(disk, one));
  const before = disk.files();
  const result = await surveyDirectories(disk, directories);
  assertEquals(disk.files(), before, "nothing is changed");
  assertEquals(JSON.parse(JSON.stringify(result)), result);
  return result;
}

function agreements({ survivors }: Survey): readonly string[] {
  return survivors.map(({ agreement }) => agreement);
}

const LONG = [configuration(1, three()), entries(2, 2, 5)];

Deno.test("a later term goes before a longer log, and a longer log before a shorter one", async () => {
  const later = await survey(
    { nodeId: 0, log: [...LONG, entries(7, 2, 9)] },
    { nodeId: 1, log: [...LONG, entries(7, 3)] },
  );
  assertEquals([later.newest, agreements(later)], ["/data/1-own", ["differs", "newest"]]);
  const longer = await survey({ nodeId: 0, log: LONG }, { nodeId: 1, log: [...LONG, entries(7, 2)] });
  assertEquals([longer.newest, agreements(longer)], ["/data/1-own", ["same", "newest"]]);
  assertEquals(longer.survivors[0]?.digest.to, 6);
  assertEquals(longer.survivors[0]?.last, id(6, 2));
});

Deno.test("one of three voters is no majority, two are, and a directory counts once", async () => {
  const one = await survey({ nodeId: 1, log: LONG }, { nodeId: 1, log: LONG, identity: identityOf(1) });
  assertEquals([one.voters, one.present, one.isMajority], [[0, 1, 2], [1], false]);
  const two = await survey({ nodeId: 1, log: LONG }, { nodeId: 2, log: LONG });
  assertEquals([two.present, two.isMajority], [[1, 2], true]);
});

Deno.test("while a change is under way both majorities are needed", async () => {
  const joint = configuration(7, three({ voters: [0, 1, 2], votersOld: [0] }));
  const log = [...LONG, joint.map((entry) => ({ ...entry, term: id(0, 2).term }))];
  const without = await survey({ nodeId: 1, log }, { nodeId: 2, log });
  assertEquals([without.voters, without.present, without.isMajority], [[0, 1, 2], [1, 2], false]);
  assertEquals((await survey({ nodeId: 0, log }, { nodeId: 2, log })).isMajority, true);
});

Deno.test("a directory under the id of a member that is not the member's, or of another cluster, counts for nothing", async () => {
  const wiped = await survey({ nodeId: 0, log: LONG }, { nodeId: 1, log: [], identity: "made-anew" });
  assertEquals([wiped.present, wiped.isMajority], [[0], false]);
  const foreign = await survey({ nodeId: 0, log: LONG }, { nodeId: 1, log: LONG, clusterId: "other" });
  assertEquals([foreign.present, agreements(foreign)], [[0], ["newest", "other cluster"]]);
});

Deno.test("a damaged directory is named, and is not the newest whatever it holds", async () => {
  const disk = new MemoryDisk();
  const directories = [
    await make(disk, { nodeId: 0, log: LONG }),
    await make(disk, { nodeId: 1, log: [...LONG, entries(7, 4, 3)] }),
  ];
  const file = "/data/1-own/wal/00000000000000000001.wal";
  flip(disk, file, 8 * 200);
  const result = await surveyDirectories(disk, directories);
  assertEquals([result.newest, result.present, agreements(result)], ["/data/0-own", [0], ["newest", "unreadable"]]);
  assertEquals(result.survivors[1]?.damages.map((damage) => damage.file), [file]);
  assertEquals((await surveyDirectories(disk, directories.slice(1))).newest, null);
});
