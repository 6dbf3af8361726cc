/** What real processes ask of the system before they acknowledge: a kill alone, which the page cache survives, shows none of it. */

import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { dirname } from "@std/path";

import { STRACE, testWith } from "../support/needs.ts";
import { ProcessCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { isComplete, readTrace, type SystemCall, tracedLine } from "../support/system_calls.ts";

const WRITES = 25;
const SNAPSHOTS = 3;
const NODES = 3;
const MAJORITY = 2;

/** A request, from before it was sent until after it was acknowledged, in seconds since 1970. */
interface Acknowledged {
  readonly what: string;
  readonly sent: number;
  readonly answered: number;
}

function tracePath(root: string, id: string | number): string {
  return `${root}/trace-${id}`;
}

async function timed(what: string, ask: () => Promise<string>, wanted: RegExp): Promise<Acknowledged> {
  // The clock's milliseconds are whole: the moment before the first and the one after the last count.
  const sent = Date.now() / 1_000;
  assertMatch(await ask(), wanted);
  return { what, sent, answered: (Date.now() + 1) / 1_000 };
}

function isWithin({ begun, ended }: SystemCall, { sent, answered }: Acknowledged): boolean {
  return begun >= sent && ended <= answered;
}

testWith(
  [STRACE],
  "a write is acknowledged after an fdatasync of the log on a majority, and what changes in a directory is synced there",
  async () => {
    const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
    try {
      const writes: Acknowledged[] = [];
      const snapshots: Acknowledged[] = [];
      const wrap = (line: readonly string[]) =>
        tracedLine(line, tracePath(root, line[line.indexOf("--node-id") + 1] ?? ""));
      let leader = 0;
      {
        await using cluster = new ProcessCluster({ root, wrap });
        await cluster.start();
        leader = await cluster.waitForLeader();
        for (let round = 0; round < SNAPSHOTS; round++) {
          for (let n = 0; n < WRITES; n++) {
            const line = `PUT key-${round}-${n} value`;
            writes.push(await timed(line, () => cluster.ask(leader, line), /added successfully/));
          }
          snapshots.push(await timed("SNAPSHOT", () => cluster.ask(leader, "SNAPSHOT"), /^Snapshot created/));
        }
        for (const { id, process } of cluster.nodes) {
          assertEquals((await cluster.kill(id, "SIGTERM")).success, true);
          const isWhole = () => isComplete(Deno.readTextFileSync(tracePath(root, id)), process?.pid ?? 0) || undefined;
          await waitFor(() => Promise.resolve(isWhole()), { what: `the end of the trace of node ${id}` });
        }
      }
      const traces = Array.from({ length: NODES }, (_, id) => readTrace(Deno.readTextFileSync(tracePath(root, id))));
      for (const write of writes) {
        const synced = traces.filter((calls) =>
          calls.some((call) => call.name === "fdatasync" && call.path.endsWith(".wal") && isWithin(call, write))
        );
        assertGreaterOrEqual(synced.length, MAJORITY, `${write.what}: nodes that synced their log meanwhile`);
      }
      for (const snapshot of snapshots) assertSnapshotSynced(traces[leader] ?? [], snapshot);
      // The runtime has files of its own elsewhere.
      const own = traces.map((calls) => calls.filter(({ path }) => path.startsWith(root)));
      for (const calls of own) assertDirectoriesSynced(calls);
      assert(own.flat().some(({ name }) => name === "unlink"), "nothing was removed");
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);

/** Contents, then the name, then the directory, all before the answer. */
function assertSnapshotSynced(calls: readonly SystemCall[], snapshot: Acknowledged): void {
  const meanwhile = calls.filter((call) => isWithin(call, snapshot));
  const renamed = meanwhile.find(({ name, path }) => name === "rename" && path.endsWith(".snap"));
  assert(renamed !== undefined, "no snapshot got its name");
  const contents = meanwhile.find(({ name, path }) => {
    return name === "fdatasync" && dirname(path) === dirname(renamed.path);
  });
  assert(contents !== undefined && contents.ended <= renamed.begun, "the contents of a snapshot are not synced first");
  const directory = meanwhile.find((call) => syncs(call, renamed));
  assert(directory !== undefined, "the name of a snapshot is not synced before it is told of");
}

/** Every change of a directory is followed by a sync of it. */
function assertDirectoriesSynced(calls: readonly SystemCall[]): void {
  const changes = calls.filter(({ name }) => name === "rename" || name === "unlink");
  assertGreater(changes.length, 0);
  for (const change of changes) {
    assert(calls.some((call) => syncs(call, change)), `${change.name} ${change.path}: the directory was never synced`);
  }
}

function syncs(call: SystemCall, change: SystemCall): boolean {
  return call.name === "fsync" && call.path === dirname(change.path) && call.begun >= change.ended;
}
