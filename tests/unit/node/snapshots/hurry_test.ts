/** A snapshot for which a backup alone waits takes its time, and no longer than until somebody else waits as well. */

import { assert, assertEquals } from "@std/assert";
import { encodeCommand } from "../../../../lib/kv/commands.ts";
import { StateMachine } from "../../../../lib/kv/state_machine.ts";
import { BACKUP_REST, BACKUP_SLICE_MS, MEMORY_HIGH_SHARE, SNAPSHOT_SLICE_MS } from "../../../../lib/node/limits.ts";
import { MemoryBudget } from "../../../../lib/node/memory/memory_budget.ts";
import { Snapshots } from "../../../../lib/node/snapshots/snapshots.ts";
import { EMPTY_CONFIGURATION, toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { LookedAtClock } from "../../../support/looked_at_clock.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { open } from "../../storage/support.ts";
import { spanOf } from "../../../support/state.ts";
import { quietSnapshotParts } from "../../../support/snapshot_parts.ts";

const KEYS = 40;
/** Rests of a snapshot that takes its time, after which somebody comes. */
const RESTS_BEFORE = 5;
const GENTLE_MS = BACKUP_REST * BACKUP_SLICE_MS;

/** Each value has a block of its own. */
function filledState(): StateMachine {
  const state = new StateMachine([1, 2]);
  for (let at = 1; at <= KEYS; at++) {
    state.apply(at, spanOf(encodeCommand({ type: "Put", key: `k${at}`, value: "v".repeat(100_000) })));
  }
  return state;
}

/** What was seen of two snapshots for backups, the first of which somebody came beside. */
interface Seen {
  /** In ms. */
  readonly rests: readonly number[];
  readonly later: readonly number[];
  /** How often it was counted anew how much has come since the last one, until the first was over. */
  readonly restarts: number;
}

/** `comes` is called after some rests of the first; it may fill the memory until that is over. */
async function restsOf(comes: (snapshots: Snapshots, fillMemory: () => void) => void): Promise<Seen> {
  const rests: number[] = [];
  let restarts = 0;
  let isDue = false;
  const state = filledState();
  const applied = { state, id: { index: toIndex(KEYS), term: toTerm(1) }, configuration: EMPTY_CONFIGURATION };
  const clock = new LookedAtClock((ms) => {
    if (rests.push(ms) === RESTS_BEFORE) {
      isDue = true;
      comes(snapshots, () => hold(MEMORY_HIGH_SHARE * memory.limitBytes));
    }
  });
  let heldBytes = 0;
  const memory = new MemoryBudget(2 ** 40, () => {});
  memory.count([{
    get heldBytes() {
      return heldBytes;
    },
  }]);
  const hold = (bytes: number) => {
    heldBytes = bytes;
    memory.measure();
  };
  const storage = await open(new MemoryDisk());
  const snapshots: Snapshots = new Snapshots({
    ...quietSnapshotParts(),
    storage,
    clock,
    memory,
    applied,
    applier: { restartCount: () => void (restarts += 1), snapshotIsDue: () => isDue, install: () => true },
  });
  const backup = async () => {
    const outcome = await snapshots.openBackup();
    assert(outcome.type === "Opened");
    outcome.backup.close();
  };
  await backup();
  const [count, restartsOfFirst] = [rests.length, restarts];
  isDue = false;
  hold(0);
  state.apply(KEYS + 1, spanOf(encodeCommand({ type: "Put", key: "k", value: "" })));
  applied.id = { index: toIndex(KEYS + 1), term: toTerm(1) };
  await backup();
  await snapshots.close();
  await storage.close();
  return { rests: rests.slice(0, count), later: rests.slice(count), restarts: restartsOfFirst };
}

Deno.test("a snapshot for a backup alone is taken in short pieces with long rests", async () => {
  const { rests } = await restsOf(() => {});
  assert(rests.length >= KEYS);
  assertEquals(rests.filter((ms) => ms < GENTLE_MS), []);
});

const OTHERS: Readonly<Record<string, (snapshots: Snapshots, fillMemory: () => void) => unknown>> = {
  "who needs the memory that its cut holds": (_snapshots, fillMemory) => fillMemory(),
  "somebody who asks for a snapshot": (snapshots) => snapshots.take(),
  "the repair of a damaged one": (snapshots) => snapshots.replace(),
  "the next one, which is due": (snapshots) => snapshots.takeIfDue(),
  "the leader's snapshot, which has come": (snapshots) =>
    snapshots.store({
      from: 1,
      lastIncluded: { index: toIndex(KEYS), term: toTerm(2) },
      configuration: EMPTY_CONFIGURATION,
      offset: 0,
      data: new Uint8Array(1),
      done: true,
    }),
};

for (const [who, comes] of Object.entries(OTHERS)) {
  Deno.test(`a snapshot for a backup hurries once it is waited for by ${who}`, async () => {
    const { rests, later, restarts } = await restsOf(comes);
    assertEquals(restarts, 1, "what came since it began counts for the next one");
    assertEquals(rests.slice(0, RESTS_BEFORE).filter((ms) => ms < GENTLE_MS), []);
    // The piece after the rest in which somebody came is the first that is longer.
    const [next = 0, second = 0] = rests.slice(RESTS_BEFORE);
    assertEquals(Math.max(next, second), SNAPSHOT_SLICE_MS, `${rests}`);
    assertEquals(later.filter((ms) => ms < GENTLE_MS), [], "the next backup has time again");
    assert(later.length >= KEYS);
  });
}
