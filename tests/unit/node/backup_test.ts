/** Which snapshot a backup is made of, and what becomes of one that cannot be. */

import { assert, assertEquals } from "@std/assert";
import { CorruptionError, DiskFailureError } from "../../../lib/base/errors.ts";
import type { SnapshotOutcome } from "../../../lib/node/api.ts";
import { Backups } from "../../../lib/node/snapshots/backup.ts";
import { BACKUPS_MAX } from "../../../lib/node/limits.ts";
import { EMPTY_CONFIGURATION, toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { SnapshotSource } from "../../../lib/storage/storage.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

/** Backups of a node that has applied `applied` entries and takes snapshots with these outcomes, one after another. */
class Ground {
  readonly outcomes: (SnapshotOutcome | Error)[] = [];
  applied = 10;
  taken = 0;
  opened = 0;
  closed = 0;
  damage: Error | undefined;
  /** Takes the next of the snapshots. */
  readonly take = (): Promise<SnapshotOutcome> => {
    const outcome = this.outcomes[this.taken++] ?? this.outcomes.at(-1);
    assert(outcome !== undefined);
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  };
  readonly backups = new Backups({
    clock: new VirtualClock(),
    lastApplied: () => toIndex(this.applied),
    openSnapshot: () => this.#source(),
  });

  constructor(...outcomes: readonly (SnapshotOutcome | Error)[]) {
    this.outcomes.push(...outcomes);
  }

  #source(): SnapshotSource {
    this.opened += 1;
    const { damage } = this;
    return {
      description: {
        lastIncluded: { index: toIndex(this.applied), term: toTerm(1) },
        configuration: EMPTY_CONFIGURATION,
        bytes: 3,
        plainBytes: 3,
        compression: "off",
      },
      *check() {
        yield new Uint8Array(1);
        if (damage !== undefined) throw damage;
      },
      readChunk: (offset, lengthMax) => new Uint8Array([1, 2, 3]).subarray(offset, offset + lengthMax),
      blocks: () => [],
      close: () => {
        this.closed += 1;
      },
    };
  }
}

function created(index: number): SnapshotOutcome {
  return { type: "Created", id: { index: toIndex(index), term: toTerm(1) } };
}

Deno.test("a backup is not made of a snapshot that was begun before what it must contain", async () => {
  const early = new Ground(created(7), created(10));
  assertEquals([(await early.backups.open(early.take)).type, early.taken], ["Opened", 2]);
  const fresh = new Ground(created(10));
  assertEquals([(await fresh.backups.open(fresh.take)).type, fresh.taken], ["Opened", 1]);
});

Deno.test("whatever goes wrong, a backup fails without an exception, closes its file and gives its place back", async () => {
  const damages = [
    new CorruptionError("/x", { offset: 3, what: "a wrong checksum" }),
    new DiskFailureError("/x", { operation: "read", cause: new Error("EIO") }),
  ];
  for (const damage of damages) {
    const ground = new Ground(created(10));
    ground.damage = damage;
    for (let attempt = 0; attempt <= BACKUPS_MAX; attempt++) {
      assertEquals(await ground.backups.open(ground.take), { type: "Failed", message: damage.message });
    }
    assertEquals([ground.opened, ground.closed], [BACKUPS_MAX + 1, BACKUPS_MAX + 1]);
    const unfinished = new Ground(damage);
    assertEquals(await unfinished.backups.open(unfinished.take), { type: "Failed", message: damage.message });
    assertEquals(unfinished.opened, 0);
  }
});
