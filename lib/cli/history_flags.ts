/** Flags of what a node remembers of the last changes. */

import { CHANGE_HISTORY_ENTRIES_MAX } from "../node/changes/change_history.ts";
import type { Flag } from "./flags.ts";

/** How much of the last changes is remembered. */
export const HISTORY_FLAGS = [
  {
    name: "history-entries",
    kind: "integer",
    commands: ["cluster", "node"],
    placeholder: "N",
    default: String(CHANGE_HISTORY_ENTRIES_MAX),
    min: 100,
    max: 1_000_000,
    help: "Remember what so many of the last log entries changed, for events and the past of keys.",
  },
  {
    name: "history-bytes",
    kind: "size",
    commands: ["cluster", "node"],
    placeholder: "SIZE",
    default: "64MiB",
    min: 65_536,
    max: 68_719_476_736,
    help: "Remember so many bytes of that at most, and a sixteenth of the memory limit.",
  },
] as const satisfies readonly Flag[];
