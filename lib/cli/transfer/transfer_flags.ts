/** The flags about keys that come and go as lines: a part of the table in flags.ts. */

import type { Flag } from "../flags.ts";

/** In the order of the help. */
export const TRANSFER_FLAGS = [
  {
    name: "prefix",
    kind: "text",
    commands: ["export", "import", "restore", "undo"],
    placeholder: "PREFIX",
    defaultShown: "every key",
    help: "Only the keys that begin so. restore: into a running cluster.",
  },
  {
    name: "on-existing",
    kind: "choice",
    commands: ["import"],
    placeholder: "WHAT",
    default: "fail",
    choices: ["fail", "skip", "overwrite"],
    help: "What becomes of a key that is there: fail where its value is another, skip it, or overwrite it.",
  },
  {
    name: "deadlines",
    kind: "choice",
    commands: ["import"],
    placeholder: "HOW",
    default: "absolute",
    choices: ["absolute", "relative", "drop"],
    help: "Keep deadlines as the moments that they are, let the time that was left begin anew, or drop them.",
  },
  {
    name: "dry-run",
    kind: "switch",
    commands: ["import", "restore", "undo"],
    help: "Read and check everything, say what is there already or would change, and change nothing.",
  },
  {
    name: "from-redis",
    kind: "text",
    commands: ["import"],
    placeholder: "HOST:PORT",
    help: "Copy the strings of a running Redis, with their deadlines, in the place of a file.",
  },
  {
    name: "redis-db",
    kind: "integer",
    commands: ["import"],
    placeholder: "N",
    default: "0",
    min: 0,
    max: 2_147_483_647,
    help: "Number of the database of that Redis.",
  },
  {
    name: "redis-user",
    kind: "text",
    commands: ["import"],
    placeholder: "NAME",
    help: "User to log in as at that Redis; left out where it has a password alone.",
  },
  {
    name: "redis-password",
    kind: "text",
    commands: ["import"],
    placeholder: "PASSWORD",
    secret: true,
    help: "Password at that Redis; by environment or configuration file only.",
  },
  {
    name: "redis-password-file",
    kind: "text",
    commands: ["import"],
    placeholder: "FILE",
    help: "File with the password at that Redis.",
  },
] as const satisfies readonly Flag[];
