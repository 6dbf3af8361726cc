/** How long a repair waits that finds no room for the snapshot that it needs. */

import { assertEquals } from "@std/assert";
import { AccessError, NoSpaceError } from "../../../../lib/base/errors.ts";
import type { SnapshotOutcome } from "../../../../lib/node/api.ts";
import { Repairs } from "../../../../lib/node/scrub/repairs.ts";
import { toIndex, toTerm } from "../../../../lib/raft/types.ts";
import type { DamagedPart } from "../../../../lib/storage/scrub.ts";

const ID = { index: toIndex(10), term: toTerm(1) };
const FULL: SnapshotOutcome = { type: "Failed", message: "No space left" };
const REFUSED = { type: "Failed", message: "too many open files" } as const;
const CREATED: SnapshotOutcome = { type: "Created", id: ID };

/** Repairs a part where snapshots end as told, one after another: how long it waited in between, and what it said. */
async function repair(part: "Snapshot" | "Segment" | "KeyFile", outcomes: SnapshotOutcome[], appliedFrom = 0) {
  const [waits, said]: [number[], string[]] = [[], []];
  let newest = toIndex(1);
  const take = (): Promise<SnapshotOutcome> => {
    const outcome = outcomes.shift() ?? CREATED;
    if (outcome.type === "Created") newest = outcome.id.index;
    return Promise.resolve(outcome);
  };
  const repairs = new Repairs({
    storage: {
      compact: () => Promise.resolve(),
      indexCovering: () => newest >= ID.index ? undefined : ID.index,
      leaveSegment: () => true,
      dropSnapshot: () => Promise.resolve(),
      restoreKeyFile: () => {
        const outcome = outcomes.shift();
        if (outcome === REFUSED) {
          return Promise.reject(new AccessError("/data", { operation: "open", cause: outcome.message }));
        }
        if (outcome?.type === "Failed") return Promise.reject(new NoSpaceError("/data"));
        return Promise.resolve(outcome?.type === "Created");
      },
    },
    snapshots: {
      replace: take,
      take,
      get newest() {
        return { index: newest, term: ID.term };
      },
    },
    persistence: { rolled: () => {}, saveHardState: () => {} },
    raft: { hardState: { currentTerm: toTerm(1), votedFor: undefined } },
    applied: {
      get id() {
        return waits.length >= appliedFrom ? ID : { index: toIndex(1), term: ID.term };
      },
    },
    log: (_level, line) => said.push(line),
  });
  const parts: Readonly<Record<typeof part, DamagedPart>> = {
    Snapshot: { type: "Snapshot", id: ID, isNewest: true },
    Segment: { type: "Segment", name: "00000001.wal" },
    KeyFile: { type: "KeyFile" },
  };
  const how = await repairs.repair(
    parts[part],
    {
      isClosed: () => false,
      wait: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    },
  );
  return { how, waits, said };
}

for (const part of ["Snapshot", "Segment"] as const) {
  Deno.test(`a repair without room for its snapshot waits twice as long with each attempt, a minute at most, and says so: ${part}`, async () => {
    const { how, waits, said } = await repair(part, Array.from({ length: 9 }, () => FULL));
    assertEquals(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
    assertEquals(said[2], "Cannot repair yet: No space left; the next attempt is in 4 s");
    assertEquals([said.length, how !== undefined], [9, true]);
  });
}

Deno.test("a repair that waits for entries to be applied writes no snapshot, says nothing, and looks again every second", async () => {
  const { waits, said } = await repair("Segment", [CREATED], 5);
  assertEquals([waits, said], [[1_000, 1_000, 1_000, 1_000, 1_000], []]);
});

Deno.test("the file with the keys waits a second for who has its lock, and ever longer for room or where the system refuses", async () => {
  const { how, waits } = await repair("KeyFile", [
    { type: "NotSound" },
    { type: "NotSound" },
    FULL,
    REFUSED,
    FULL,
    CREATED,
  ]);
  assertEquals(waits, [1_000, 1_000, 1_000, 2_000, 4_000]);
  assertEquals(how, "it is written again as it was when it was last sound");
});
