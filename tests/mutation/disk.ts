/** Planted bugs around disks that hang or are short of room. */

import { type Mutation, slip } from "./mutation.ts";

const SPACE = "lib/node/space/space_budget.ts";
const SHORT_TESTS: readonly string[] = [
  "tests/unit/node/space_budget_test.ts",
  "tests/unit/node/short_disk_test.ts",
];

/** In the order of their numbers. */
export const DISK_SLIPS: readonly Mutation[] = [
  {
    ...slip("M998", "Writes that add are taken until the disk is full", {
      file: "lib/node/writes/proposals.ts",
      find: "if (space.isAmple || space.admits(growth, promised)) return undefined;",
      replace: "if (space.isAmple || space.admits(growth, promised) || growth.bytes > 0) return undefined;",
    }),
    tests: SHORT_TESTS,
  },
  {
    ...slip("M999", "The log takes the room that is kept for the next snapshot", {
      file: "lib/storage/spare_segment.ts",
      find: "this.#freeBytes() - bytes >= this.keptBytes;",
      replace: "this.#freeBytes() >= bytes || this.keptBytes > this.#freeBytes();",
    }),
    tests: [...SHORT_TESTS, "tests/unit/storage/wal_test.ts"],
  },
  {
    ...slip("M1000", "What a snapshot in the making has written is kept free once more", {
      file: SPACE,
      find: "return Math.max(0, bytes - temporary) +",
      replace: "return Math.max(0, bytes - 0 * temporary) +",
    }),
    tests: SHORT_TESTS,
  },
  {
    ...slip("M1001", "Deletes are refused while room is short", {
      file: SPACE,
      find: "if (bytes === 0 || !isDenied || this.#view === undefined) return true;",
      replace: "if ((bytes < 0 && !isDenied) || this.#view === undefined) return true;",
    }),
    tests: SHORT_TESTS,
  },
  {
    ...slip("M1002", "Room that was short once is short until the next start", {
      file: SPACE,
      find: "if (!this.#isShort || freeBytes < reserveBytes + marginBytes / 2) return;",
      replace: "if (!this.#isShort || freeBytes > 0 || marginBytes > 0) return;",
    }),
    tests: SHORT_TESTS,
  },
  {
    ...slip("M1003", "While room is short the log is compacted no sooner than otherwise", {
      file: SPACE,
      find: "this.dueBytesMax = this.#isToShrink ? 1 : this.#shortShare;",
      replace: "this.dueBytesMax = this.#isToShrink ? Infinity : this.#shortShare * Infinity;",
    }),
    tests: SHORT_TESTS,
  },
  {
    id: "M33",
    what: "A leader keeps the leadership while its sync hangs",
    patches: [{
      file: "lib/raft/transfer.ts",
      find: "if (disk.behindTicks < core.limits.electionTimeoutTicksMin ||",
      replace: "if (disk.behindTicks < Infinity ||",
    }],
  },
  {
    id: "M34",
    what: "A leader with a slow disk hands over although the others are no faster",
    patches: [{
      file: "lib/raft/transfer.ts",
      find: "disk.behindTicks = isOvertaken(core) ?",
      replace: "disk.behindTicks = isOvertaken(core) || disk.waitedTicks > 0 ?",
    }, {
      file: "lib/raft/transfer.ts",
      find: "if (successor === undefined || successor.matchIndex <= core.log.durableIndex) return;",
      replace: "if (successor === undefined) return;",
    }],
  },
  {
    id: "M35",
    what: "A server campaigns while its disk hangs",
    patches: [{
      file: "lib/raft/hanging_disk.ts",
      find: "core.disk.waitedTicks >= core.limits.electionTimeoutTicksMin",
      replace: "core.disk.waitedTicks >= core.limits.electionTimeoutTicksMin * 1_000",
    }],
  },
  {
    id: "M723",
    what: "A segment whose beginning was written into another one is read from there, and what stood there is lost",
    patches: [{
      file: "lib/storage/wal_scan.ts",
      find: "header: isOwn ? header : undefined",
      replace: "header: isOwn || bytes.length > 0 ? header : undefined",
    }],
    tests: ["tests/unit/storage/wal_recovery_test.ts"],
  },
  slip("M725", "A file is synced through the handle that it is written through", {
    file: "lib/storage/deno_file.ts",
    find: "await (this.#forSyncs ?? this.#file).syncData();",
    replace: "await this.#file.syncData();",
  }),
  {
    ...slip("M1101", "Of a file system without a size it is believed that nothing is free", {
      file: "lib/storage/disk_space.ts",
      find: "    if (blocks === 0) return undefined;\n",
      replace: "",
    }),
    tests: ["tests/unit/storage/deno_disk_test.ts"],
  },
  {
    ...slip("M1105", "A system that refuses to tell what is free ends the node that prepares its next segment", {
      file: "lib/storage/spare_segment.ts",
      find: "      if (error instanceof AccessError) return Infinity;\n",
      replace: "      if (error instanceof AccessError) throw error;\n",
    }),
    tests: ["tests/unit/storage/wal_test.ts"],
  },
];
