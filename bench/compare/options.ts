/** The flags of the comparison. */

import { parseArgs } from "@std/cli";
import { note, print } from "../support/print.ts";

/** What is put in KVStore's place. */
export type SubjectName = "kvstore" | "redis";

/** What to compare, and how thoroughly. */
export interface CompareOptions {
  readonly subject: SubjectName;
  /** An executable to measure instead of the source. */
  readonly binary: string | undefined;
  /** Rows to measure; empty means all. */
  readonly only: readonly string[];
  readonly runs: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Keys of the throughput rows and of the overwrites. */
  readonly keys: number;
  /** Keys of the rows about much data. */
  readonly manyKeys: number;
  readonly overwrites: number;
  readonly kills: number;
  readonly jsonFile: string | undefined;
  readonly quick: boolean;
}

/** Length of each value in all rows. */
export const VALUE_BYTES = 64;
/** Length of each key in all rows: "key:" and 12 digits. */
export const KEY_BYTES = 16;

const STRINGS = ["subject", "binary", "only", "runs", "seconds", "keys", "many-keys", "overwrites", "kills", "json"];

function help(rows: readonly string[]): string {
  return `Usage: deno task compare [FLAGS]
Measures three nodes of KVStore against redis-server and etcd on this machine, and prints the bars as Markdown.
  --runs N        Interleaved runs of each load (3)
  --seconds N     Length of each run (5)
  --only LIST     Only these rows, with commas between:
                  ${rows.join(", ")}
  --binary PATH   Measure this executable instead of the source
  --subject NAME  kvstore, or redis to put one redis-server in its place (kvstore)
  --keys N        Keys of the throughput rows and of the overwrites (100000)
  --many-keys N   Keys of the rows about much data (1000000)
  --overwrites N  Writes of the disk row (10000000)
  --kills N       Kills of the leader (10)
  --json FILE     Write everything measured into this file
  --quick         One short run with less data: shows that all works, not how fast it is`;
}

/** The flags; undefined when only the help was asked for. Ends the process with 2 when they are wrong. */
export function readCompareOptions(args: readonly string[], rows: readonly string[]): CompareOptions | undefined {
  const parsed: Readonly<Record<string, unknown>> = parseArgs([...args], {
    string: STRINGS,
    boolean: ["quick", "help"],
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
  for (const id of only) if (!rows.includes(id)) refuse(`There is no row "${id}"; the rows are ${rows.join(", ")}`);
  const subject = text("subject") ?? "kvstore";
  if (subject !== "kvstore" && subject !== "redis") refuse(`--subject is kvstore or redis, not "${subject}"`);
  return {
    subject: subject === "redis" ? "redis" : "kvstore",
    binary: text("binary"),
    only,
    runs: number("runs", [3, 1]),
    seconds: number("seconds", [5, 1]),
    warmupSeconds: quick ? 0.3 : 1,
    keys: number("keys", [100_000, 20_000]),
    manyKeys: number("many-keys", [1_000_000, 100_000]),
    overwrites: number("overwrites", [10_000_000, 300_000]),
    kills: number("kills", [10, 2]),
    jsonFile: text("json"),
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
