/** What Redis tells of a command that follows from its row. */

import { CATEGORIES, type CommandRow, FLAGS, type Group } from "../../kv/command_row.ts";

/** Flags that follow from the access. */
const ACCESS_FLAGS = {
  Read: ["readonly"],
  Write: ["write"],
  Session: ["write"],
  Look: [],
  Server: [],
  Connection: [],
} as const;

const GROUP_CATEGORIES: Readonly<Record<Group, readonly Category[]>> = {
  string: ["@string"],
  generic: ["@keyspace"],
  transactions: ["@transaction"],
  connection: ["@connection"],
  server: [],
  cluster: [],
};

/** A flag of Redis. */
export type Flag = (typeof FLAGS)[number] | "readonly" | "write";
/** A category of Redis. */
export type Category = (typeof CATEGORIES)[number];

/** The flags of a command, in the order of Redis. What a command with subcommands does to keys, these do. */
export function flagsOf({ access, flags, subcommands }: CommandRow): readonly Flag[] {
  const own = FLAGS.filter((flag) => flags.includes(flag));
  return subcommands === undefined ? [...ACCESS_FLAGS[access], ...own] : own;
}

/** The categories of a command, in the order of Redis. */
export function categoriesOf(row: CommandRow): readonly Category[] {
  const flags = flagsOf(row);
  const own = row.categories ?? (row.subcommands === undefined ? GROUP_CATEGORIES[row.group] : []);
  const all = new Set<Category>([...own, flags.includes("fast") ? "@fast" : "@slow"]);
  if (flags.includes("write")) all.add("@write");
  if (flags.includes("readonly")) all.add("@read");
  if (flags.includes("admin")) all.add("@admin").add("@dangerous");
  return CATEGORIES.filter((category) => all.has(category));
}
