/** The flags about backups: a part of the table in flags.ts. */

import type { Flag } from "../flags.ts";

/** In the order of the help. */
export const BACKUP_FLAGS = [
  {
    name: "force",
    kind: "switch",
    commands: ["backup", "export"],
    help: "Replace a file that is there already.",
  },
  {
    name: "every",
    kind: "text",
    commands: ["backup"],
    placeholder: "TIME",
    defaultShown: "one backup, and no more",
    help: "Take one by time into a directory, until it is stopped: 90s, 30m, 1h, 1d.",
  },
  {
    name: "keep",
    kind: "integer",
    commands: ["backup"],
    placeholder: "N",
    default: "24",
    min: 1,
    max: 100_000,
    help: "With --every: remove backups of which N newer ones are whole.",
  },
  {
    name: "metrics-file",
    kind: "text",
    commands: ["backup"],
    placeholder: "FILE",
    help:
      "With --every: write figures for Prometheus there, for the textfile collector of node_exporter (FILE ends with .prom).",
  },
  {
    name: "stale",
    kind: "switch",
    commands: ["backup", "export"],
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
