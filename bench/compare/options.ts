/** The flags of the comparison. */

import { parseArgs } from "@std/cli";
import { note, print } from "../support/print.ts";
import type { RowHead } from "./row.ts";

/** What is put in KVStore's place. */
export type SubjectName = "kvstore" | "redis";

/** What to compare, and how thoroughly. */
export interface CompareOptions {
  readonly subject: SubjectName;
  /** An executable to measure instead of the source. */
  readonly binary: string | undefined;
  /** Rows to measure; empty means all but those that take long. */
  readonly only: readonly string[];
  /** Measures the rows that take long as well. */
  readonly long: boolean;
  readonly runs: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Keys of the throughput rows and of the overwrites. */
  readonly keys: number;
  /** Keys of the rows about much data. */
  readonly manyKeys: number;
  /** Keys of the long rows about very much data. */
  readonly hugeKeys: number;
  /** Length of the runs that look at the tail of latencies. */
  readonly tailSeconds: number;
  readonly overwrites: number;
  readonly kills: number;
  readonly jsonFile: string | undefined;
  /** Puts the result into the documents. */
  readonly write: boolean;
  readonly quick: boolean;
}

/** Length of each value, unless a row says otherwise. */
export const VALUE_BYTES = 64;
/** Length of each key in all rows: "key:" and 12 digits. */
export const KEY_BYTES = 16;

const STRINGS = [
  ...["subject", "binary", "only", "runs", "seconds", "keys", "many-keys", "huge-keys", "tail-seconds", "overwrites"],
  ...["kills", "json"],
];

function help(rows: readonly RowHead[]): string {
  const ids = (isLong: boolean) =>
    rows.filter((row) => (row.isLong ?? false) === isLong).map(({ id }) => id).join(", ");
  return `Usage: deno task compare [FLAGS]
Measures three nodes of KVStore against redis-server, etcd and the ceiling on this machine, and prints the bars as Markdown.
  --runs N        Interleaved runs of each load (5)
  --seconds N     Length of each run (3)
  --long          The rows that take long as well: 10 M keys
  --only LIST     Only these rows, with commas between:
                  ${ids(false)};
                  those that take long: ${ids(true)}
  --write         Put the rows measured now in the place of the old ones in docs/performance.md
  --binary PATH   Measure this executable instead of the source
  --subject NAME  kvstore, or redis to put one redis-server in its place (kvstore)
  --keys N        Keys of the throughput rows and of the overwrites (100000)
  --many-keys N   Keys of the rows about much data (1000000)
  --huge-keys N   Keys of the rows about very much data (10000000)
  --tail-seconds N  Length of each run that looks at the tail of latencies (60)
  --overwrites N  Writes of the disk row (10000000)
  --kills N       Kills of the leader (10)
  --json FILE     Write everything measured into this file
  --quick         One short run with less data: shows that all works, not how fast it is`;
}

/** The flags; undefined when only the help was asked for. Ends the process with 2 when they are wrong. */
export function readCompareOptions(args: readonly string[], rows: readonly RowHead[]): CompareOptions | undefined {
  const parsed: Readonly<Record<string, unknown>> = parseArgs([...args], {
    string: STRINGS,
    boolean: ["quick", "help", "long", "write"],
    unknown: (flag) => refuse(`Unknown argument ${flag}`),
  });
  if (parsed["help"] === true) {
    print(help(rows));
    return undefined;
  }
  const quick = parsed["quick"] === true;
  const text = (name: string) => typeof parsed[name] === "string" ? String(parsed[name]) : undefined;
  const number = (name: string, standard: readonly [usual: number, quick: number]) =>
    readNumber(name, { text: text(name), standard: standard[quick ? 1 : 0] });
  const only = (text("only") ?? "").split(",").filter((id) => id !== "");
  for (const id of only) if (!rows.some((row) => row.id === id)) refuse(`There is no row "${id}"`);
  const subject = text("subject") ?? "kvstore";
  if (subject !== "kvstore" && subject !== "redis") refuse(`--subject is kvstore or redis, not "${subject}"`);
  return {
    subject: subject === "redis" ? "redis" : "kvstore",
    binary: text("binary"),
    only,
    long: parsed["long"] === true,
    runs: number("runs", [5, 1]),
    seconds: number("seconds", [3, 1]),
    warmupSeconds: quick ? 0.3 : 1,
    keys: number("keys", [100_000, 20_000]),
    manyKeys: number("many-keys", [1_000_000, 100_000]),
    hugeKeys: number("huge-keys", [10_000_000, 150_000]),
    tailSeconds: number("tail-seconds", [60, 3]),
    overwrites: number("overwrites", [10_000_000, 300_000]),
    kills: number("kills", [10, 2]),
    jsonFile: text("json"),
    write: parsed["write"] === true,
    quick,
  };
}

function readNumber(name: string, { text, standard }: { text: string | undefined; standard: number }): number {
  if (text === undefined) return standard;
  if (/^\d{1,12}$/.test(text) && Number(text) > 0) return Number(text);
  return refuse(`--${name} is a whole number above 0, not "${text}"`);
}

function refuse(why: string): never {
  note(`${why}; see --help`);
  Deno.exit(2);
}
