/** Planted bugs around snapshots that a follower cannot use, or that are damaged where they lie. */

import type { Mutation } from "./mutation.ts";

const SENDER = "lib/node/snapshots/snapshot_sender.ts";

/** In the order of their numbers. */
export const SNAPSHOT_SLIPS: readonly Mutation[] = [
  {
    id: "M220",
    what: "A leader sends a snapshot without reading it through first, so a damaged one again and again",
    patches: [{
      file: SENDER,
      find: "sending.isWhole = sending.unread?.next().done === true;",
      replace: "sending.isWhole = sending.unread !== undefined;",
    }],
  },
  {
    id: "M221",
    what: "A snapshot that a follower could not use is sent again without a pause",
    patches: [{
      file: "lib/raft/snapshot_transfer.ts",
      find: "peer.pauseTicks = Math.min(snapshotPauseTicksMax, snapshotPauseTicksMin * 2 ** peer.rejections);",
      replace: "peer.pauseTicks = Math.min(0, snapshotPauseTicksMax, snapshotPauseTicksMin);",
    }],
  },
  {
    id: "M222",
    what: "A leader that finds its snapshot damaged waits for the next one that is due",
    patches: [{ file: SENDER, find: "      this.#parts.replaceNewest(why);\n", replace: "" }],
  },
  {
    id: "M940",
    what: "A snapshot in the making goes on while the disk is busy with what it has written",
    patches: [{
      file: "lib/node/snapshots/pace.ts",
      find: "    await this.#parts.writtenBack?.();",
      replace: "    this.#parts.writtenBack?.();",
    }],
  },
  {
    id: "M720",
    what: "A log that a snapshot contradicts is damage where compaction has left only what begins behind the snapshot",
    patches: [{
      file: "lib/storage/log_replay.ts",
      find: "    return [];\n  }\n\n  #dropFrom",
      replace:
        '    if (base.index === snapshot.index) return "the log begins after another entry";\n    return [];\n  }\n\n  #dropFrom',
    }],
  },
  {
    id: "M1021",
    what: "A node that starts gives a turn away as often as one that serves",
    patches: [{
      file: "lib/node/start_node.ts",
      find: "sliceMs: START_SLICE_MS,",
      replace: "sliceMs: Math.min(3, START_SLICE_MS),",
    }],
  },
  {
    id: "M1022",
    what: "A node that serves verifies snapshots in the long slices of a node that starts",
    patches: [{ file: "lib/node/start_node.ts", find: "    turns.started();\n", replace: "" }],
  },
  {
    id: "M1030",
    what: "The check of a snapshot takes the length of a compressed block for what it holds",
    patches: [{
      file: "lib/storage/snapshot_format.ts",
      find: "isPacked ? plainBytesOf(stored) : length",
      replace: "isPacked ? Math.min(length, plainBytesOf(stored)) : length",
    }],
  },
];
