/** The flags about backups: a part of the table in flags.ts. */

import type { Flag } from "../flags.ts";

/** In the order of the help. */
export const BACKUP_FLAGS = [
  {
    name: "force",
    kind: "switch",
    commands: ["backup"],
    help: "Replace a file that is there already.",
  },
  {
    name: "stale",
    kind: "switch",
    commands: ["backup"],
    help: "Take what one node has, also without a majority: acknowledged writes may be missing.",
  },
  {
    name: "restored-cluster",
    kind: "text",
    commands: ["restore"],
    placeholder: "ID",
    defaultShown: "a new id, which is printed",
    help: "The id that the restore of the first node printed, for the other nodes of --members.",
  },
  {
    name: "drop-sessions",
    kind: "switch",
    commands: ["restore"],
    help: "End all sessions. Without it those go on whose time has not passed since the backup.",
  },
  {
    name: "drop-deadlines",
    kind: "switch",
    commands: ["restore"],
    help: "Keep all keys for good. Without it those are gone whose deadline has passed since the backup.",
  },
] as const satisfies readonly Flag[];
