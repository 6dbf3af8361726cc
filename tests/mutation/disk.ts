/** Planted bugs around disks that hang. */

import { type Mutation, slip } from "./mutation.ts";

/** In the order of their numbers. */
export const DISK_SLIPS: readonly Mutation[] = [
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
];
