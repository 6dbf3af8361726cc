/** The budget of the disk alone: what it takes at which line, what it keeps free, and what it says. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { AccessError } from "../../../lib/base/errors.ts";
import { CommandGrowth } from "../../../lib/kv/command_growth.ts";
import { type Command, encodeCommand } from "../../../lib/kv/commands.ts";
import {
  AMPLE_SPACE_BYTES,
  DISK_MARGIN_BYTES_MAX,
  SHORT_SNAPSHOT_SHARE,
  SPACE_LOOK_MS,
} from "../../../lib/node/limits.ts";
import type { AppliedState } from "../../../lib/node/effects/applied.ts";
import { SpaceBudget } from "../../../lib/node/space/space_budget.ts";
import { encodeCommands, Run } from "../../../lib/raft/run.ts";
import { toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { DiskSpace } from "../../../lib/storage/disk.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

const MIB = 2 ** 20;
const TOTAL = 80 * MIB;
/** A quarter of it. */
const MARGIN = 20 * MIB;

class Bench {
  readonly lines: string[] = [];
  readonly clock = new VirtualClock();
  space: DiskSpace | undefined = { totalBytes: TOTAL, freeBytes: TOTAL };
  failure: Error | undefined;
  /** Of the next snapshot. */
  snapshotBytesMax = 0;
  kept: readonly number[] | undefined;
  temporaryBytes = 0;
  keptBytes = -1;
  readonly budget: SpaceBudget;

  constructor() {
    this.budget = new SpaceBudget({
      clock: this.clock,
      log: (level, message) => void this.lines.push(`${level}: ${message}`),
      applied: { state: this } as unknown as AppliedState,
      storage: {
        directory: "/data",
        space: () => {
          if (this.failure !== undefined) throw this.failure;
          return this.space;
        },
        keepFree: (bytes) => this.keptBytes = bytes,
        sizes: () => ({
          ...{ segments: 1, walBytes: 3 * MIB, snapshots: 2, temporaryBytes: this.temporaryBytes },
          snapshotBytes: this.#keptBytes[0] + this.#keptBytes[1],
          newestSnapshotBytes: this.#keptBytes[0],
        }),
      },
    });
  }

  /** Newest first; those of the same state where nothing is said. */
  get #keptBytes(): readonly [number, number] {
    const { snapshotBytesMax: usual } = this;
    const [newest = usual, older = usual] = this.kept ?? [];
    return [newest, older];
  }

  /** So much is free and so long is the next snapshot, in MiB, and the node looks. */
  async free(mib: number, snapshot = this.snapshotBytesMax / MIB, totalBytes = TOTAL): Promise<this> {
    this.space = { totalBytes, freeBytes: mib * MIB };
    this.snapshotBytesMax = snapshot * MIB;
    return await this.look();
  }

  async look(): Promise<this> {
    await this.clock.advance(SPACE_LOOK_MS);
    this.budget.look();
    return this;
  }

  admits(bytes: number, { isDenied = true, promised = 0 } = {}): boolean {
    return this.budget.admits(Object.assign(new CommandGrowth(), { bytes, isDenied }), promised);
  }
}

Deno.test("what adds is taken as long as snapshots and the margin stay free, with what was promised before it", async () => {
  const bench = await new Bench().free(50, 20);
  // In the log, and in three snapshots.
  assertEquals([bench.admits(5 * MIB), bench.admits(0), bench.admits(MIB, { isDenied: false })], [true, true, true]);
  assertEquals([bench.admits(3 * MIB, { promised: 2 * MIB }), bench.lines.length], [true, 0]);
  assertEquals(bench.admits(3 * MIB + 1, { promised: 2 * MIB }), false);
  assertEquals([bench.admits(1), bench.admits(0), bench.admits(MIB, { isDenied: false })], [false, true, true]);
  assertEquals(bench.lines.length, 1);
  // What was applied since the last look counts by what the state is now.
  const other = await new Bench().free(50, 20);
  other.kept = [20 * MIB, 20 * MIB];
  await other.look();
  other.snapshotBytesMax = 22 * MIB;
  assertEquals([other.admits(2 * MIB), other.admits(2 * MIB + 1)], [true, false]);
});

Deno.test("a follower takes what its leader sends as long as room for snapshots stays free, and then what adds nothing", async () => {
  const bench = await new Bench().free(24, 20);
  const takes = (count: number, ...commands: readonly Command[]) => {
    const encoded = Array.from({ length: count }, () => commands.map((command) => encodeCommand(command))).flat();
    return bench.budget.takes(Run.ofCommands({ index: toIndex(1), term: toTerm(1) }, encodeCommands(encoded)));
  };
  const value = "v".repeat(MIB / 4);
  assertEquals(takes(3, { type: "Put", key: "k", value }), true);
  assertEquals(takes(2, { type: "Put", key: "k", value }), false);
  const removes: Command[] = [{ type: "Delete", key: value }, { type: "Call", call: ["EXPIRE", "k", "9"] }];
  assertEquals(takes(20, ...removes), true);
  assertEquals(takes(20, ...removes, { type: "Put", key: "k", value: "v" }), false);
  await bench.look();
  assertEquals([bench.budget.hasRoomFor(MIB), bench.budget.hasRoomFor(MIB + 1)], [true, false]);
});

Deno.test("room that is short is said once, and is over with half a margin more, or with a state that needs less", async () => {
  const bench = await new Bench().free(40, 20);
  for (const free of [39.9, 41, 39, 49.9]) {
    await bench.free(free);
    assertEquals(bench.admits(1), false, `${free}`);
  }
  assertEquals(bench.lines.filter((line) => line.startsWith("error")), [
    "error: 39.9 MiB of the disk under /data are free, and snapshots need up to 40.0 MiB with a margin: " +
    "writes that add are refused until there is more",
  ]);
  await bench.free(50);
  assertEquals([bench.lines.at(-1), bench.admits(MIB)], [
    ...["info: 50.0 MiB of the disk under /data are free: writes that add are taken again", true],
  ]);
  await bench.free(39);
  await bench.free(40, 10);
  assertEquals(bench.admits(MIB), true);
});

Deno.test("what a snapshot in the making has written is not needed again", async () => {
  const bench = await new Bench().free(41, 20);
  bench.temporaryBytes = 15 * MIB;
  await bench.free(26);
  assertEquals([bench.admits(MIB / 2), bench.keptBytes], [true, 5 * MIB]);
  bench.temporaryBytes = 25 * MIB;
  await bench.free(21);
  assertEquals([bench.admits(MIB / 2), bench.keptBytes], [true, 0]);
});

Deno.test("there is room for three snapshots of this state, whatever the two are that are kept", async () => {
  const bench = new Bench();
  const cases: [kept: readonly number[], needed: number][] = [
    [[0, 0], 60],
    [[20, 20], 20],
    [[20, 5], 35],
    [[5, 2], 53],
    // Snapshots from before keys were removed give more back than the next ones take, but only once these are there.
    [[90, 0], 40],
    [[90, 90], 20],
  ];
  for (const [kept, needed] of cases) {
    bench.kept = kept.map((mib) => mib * MIB);
    await bench.free(79, 20);
    assertEquals(bench.budget.view?.reserveBytes, needed * MIB + MARGIN, String(kept));
    // The log leaves them their room.
    assertEquals(bench.keptBytes, needed * MIB);
  }
});

Deno.test("the margin is a quarter of the disk and has a maximum", async () => {
  const bench = await new Bench().free(1_000, 20, 2_000 * MIB);
  assertEquals(bench.budget.view?.marginBytes, DISK_MARGIN_BYTES_MAX);
  await bench.free(100, 20, 128 * MIB);
  assertEquals(bench.budget.view?.marginBytes, 32 * MIB);
});

Deno.test("while room is short a snapshot is due at once, then after a quarter of the margin, and as little log stays behind it", async () => {
  const bench = await new Bench().free(41, 20);
  assertEquals([bench.budget.dueBytesMax, bench.budget.trailingBytesMax], [Infinity, MARGIN]);
  await bench.free(39);
  assertEquals([bench.budget.dueBytesMax, bench.budget.trailingBytesMax], [1, MARGIN * SHORT_SNAPSHOT_SHARE]);
  bench.budget.snapshotBegins();
  assertEquals(bench.budget.dueBytesMax, MARGIN * SHORT_SNAPSHOT_SHARE);
  // What was removed since gives room back only with the snapshots that hold it.
  bench.kept = [22 * MIB, 22 * MIB];
  await bench.look();
  assertEquals(bench.budget.dueBytesMax, MARGIN * SHORT_SNAPSHOT_SHARE);
  bench.kept = [22 * MIB, 24 * MIB];
  await bench.look();
  assertEquals(bench.budget.dueBytesMax, 1);
  await bench.free(60);
  assertEquals(bench.budget.dueBytesMax, Infinity);
});

Deno.test("at four fifths of the disk it is said what takes the space, once for each time that it becomes so", async () => {
  const bench = new Bench();
  for (const free of [16.5, 15.9, 10, 19, 16.5, 20.5, 16]) await bench.free(free);
  const said = bench.lines.filter((line) => line.includes("% full"));
  assertEquals(said.map((line) => line.replace(/ full.*/, "")), [
    "warn: The disk under /data is 80 %",
    "info: The disk under /data is 74 %",
    "warn: The disk under /data is 80 %",
  ]);
  assertStringIncludes(
    said[0] ?? "",
    "full: log 3.0 MiB, snapshots 0.0 MiB, temporary 0.0 MiB, other 61.1 MiB; below 20.0 MiB free, writes that add are refused",
  );
});

Deno.test("with more room than is filled between two looks, and where nothing is known, nobody asks", async () => {
  const bench = await new Bench().free(100 + AMPLE_SPACE_BYTES / MIB, 36, 8_000 * MIB);
  assertEquals([bench.budget.view?.reserveBytes, bench.budget.isAmple], [100 * MIB, true]);
  await bench.free(99 + AMPLE_SPACE_BYTES / MIB, 36, 8_000 * MIB);
  assertEquals(bench.budget.isAmple, false);
  bench.space = undefined;
  await bench.look();
  assertEquals(bench.budget.isAmple, true);
});

Deno.test("it looks at most every 200 ms", async () => {
  const bench = await new Bench().free(100);
  bench.space = { totalBytes: TOTAL, freeBytes: 1 };
  await bench.clock.advance(SPACE_LOOK_MS - 1);
  bench.budget.look();
  assertEquals(bench.admits(MIB), true);
  await bench.clock.advance(1);
  bench.budget.look();
  assertEquals(bench.admits(MIB), false);
});

Deno.test("where the system does not tell what is free everything is taken and nothing kept; a refusal is said once", async () => {
  const bench = await new Bench().free(1, 20);
  assertEquals(bench.admits(1), false);
  bench.space = undefined;
  await bench.look();
  assertEquals([bench.admits(2 ** 40), bench.keptBytes, bench.budget.view], [true, 0, undefined]);
  assertEquals([bench.budget.dueBytesMax, bench.budget.trailingBytesMax], [Infinity, Infinity]);
  const said = bench.lines.length;
  bench.failure = new AccessError("/data", { operation: "ask for the free space of", cause: "no" });
  for (let looks = 0; looks < 3; looks++) await bench.look();
  assertEquals(bench.admits(2 ** 40), true);
  assertEquals(bench.lines.slice(said), [
    `warn: ${bench.failure.message}; writes are refused only once the disk is full`,
  ]);
});
