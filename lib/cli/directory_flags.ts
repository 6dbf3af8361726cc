/** The flags of the commands that work on the directories of stopped nodes, a part of the table in flags.ts. */

import { RECOVERED_REVISION_MAX } from "../node/recovery/new_cluster.ts";
import type { Flag } from "./flags.ts";

/** In the order of the help. */
export const DIRECTORY_FLAGS = [
  {
    name: "entries",
    kind: "integer",
    commands: ["inspect"],
    placeholder: "N",
    default: "0",
    min: 0,
    max: 1_000_000,
    help: "Show the last N log entries as well.",
  },
  {
    name: "from",
    kind: "integer",
    commands: ["inspect"],
    placeholder: "INDEX",
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    defaultShown: "the first entry",
    help: "First index of the digest, which is equal on two nodes when the entries are.",
  },
  {
    name: "to",
    kind: "integer",
    commands: ["inspect", "undo"],
    placeholder: "INDEX",
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    defaultShown: "the last entry",
    help: "Last index of the digest and of --entries. undo: the revision to go back to, which has to be given.",
  },
  {
    name: "members",
    kind: "text",
    commands: ["recover", "restore"],
    placeholder: "ID=HOST:PORT,...",
    defaultShown: "the node of the directory",
    help: "Members of the new cluster. recover force: the directory's node is the voter, others begin as learners. " +
      "restore: all are voters, and each is restored from the same file.",
  },
  {
    name: "revision-step",
    kind: "integer",
    commands: ["recover", "restore"],
    placeholder: "N",
    default: "1000000000000",
    min: 1,
    max: RECOVERED_REVISION_MAX,
    help: "How many revisions the old cluster may have handed out beyond this directory, or this backup.",
  },
] as const satisfies readonly Flag[];
