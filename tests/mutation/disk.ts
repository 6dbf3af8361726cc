/** Planted bugs around disks that hang. */

import type { Mutation } from "./mutation.ts";

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
];
