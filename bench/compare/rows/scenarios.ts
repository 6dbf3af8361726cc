/** The loads that are held against redis-server, as a table. */

import type { BenchmarkLoad } from "../loads/redis_benchmark.ts";
import { VALUE_BYTES } from "../options.ts";
import type { RatioBar, RowHead } from "../row.ts";

/** One row of throughput. */
export interface Scenario extends RowHead {
  readonly bar: RatioBar;
  /** `text-put` is PUT of the text protocol, against SET of Redis by the same generator. */
  readonly command: BenchmarkLoad["command"] | "text-put";
  readonly connections: number;
  readonly pipeline: number;
  readonly valueBytes: number;
  /** Instead of those of the options. */
  readonly keysMax: number;
  readonly onFollower: boolean;
  /** What the ratio is to. */
  readonly against: "redis" | "own leader";
  /** Whether the ceiling knows the command. */
  readonly hasCeiling: boolean;
}

type Part = Partial<Scenario> & Pick<Scenario, "id" | "title" | "bar" | "command">;

const DEFAULTS = {
  connections: 50,
  pipeline: 1,
  valueBytes: VALUE_BYTES,
  keysMax: Infinity,
  onFollower: false,
  against: "redis",
  hasCeiling: false,
} as const;

const PARTS: readonly Part[] = [
  {
    ...{ id: "set-1", title: "SET, 1 connection", bar: { ratio: 0.35, ofCeiling: 0.85 } },
    ...{ command: "set", connections: 1, hasCeiling: true },
  },
  {
    ...{ id: "set-50", title: "SET, 50 connections", bar: { ratio: 0.45, ofCeiling: 0.85 } },
    ...{ command: "set", hasCeiling: true },
  },
  {
    ...{ id: "set-p16", title: "SET, 50 connections, pipeline 16", bar: { ratio: 0.6, ofCeiling: 0.8 } },
    ...{ command: "set", pipeline: 16, hasCeiling: true },
  },
  {
    ...{ id: "set-p64", title: "SET, 50 connections, pipeline 64", bar: { ratio: 0.85, ofCeiling: 0.85 } },
    ...{ command: "set", pipeline: 64, hasCeiling: true },
  },
  {
    ...{ id: "set-follower", title: "SET through a follower, 50 connections, pipeline 16, against its own leader" },
    ...{ bar: { ratio: 0.7 }, command: "set", pipeline: 16, onFollower: true, against: "own leader" },
  },
  {
    ...{ id: "get-leader", title: "GET, 50 connections, leader", bar: { ratio: 0.6, ofCeiling: 0.85 } },
    ...{ command: "get", hasCeiling: true },
  },
  {
    ...{ id: "get-follower", title: "GET, 50 connections, follower", bar: { ratio: 0.5, ofCeiling: 0.85 } },
    ...{ command: "get", onFollower: true, hasCeiling: true },
  },
  {
    ...{ id: "get-p16", title: "GET, 50 connections, pipeline 16, leader", bar: { ratio: 0.65, ofCeiling: 0.75 } },
    ...{ command: "get", pipeline: 16, hasCeiling: true },
  },
  {
    ...{ id: "get-p16-follower", title: "GET, 50 connections, pipeline 16, follower" },
    ...{ bar: { ratio: 0.55, ofCeiling: 0.75 }, command: "get", pipeline: 16, onFollower: true, hasCeiling: true },
  },
  {
    ...{ id: "incr", title: "INCR, 50 connections, pipeline 16", bar: { ratio: 0.45 } },
    ...{ command: "incr", pipeline: 16 },
  },
  {
    ...{ id: "mset", title: "MSET of 10 keys, 50 connections, pipeline 16", bar: { ratio: 0.45 } },
    ...{ command: "mset", pipeline: 16 },
  },
  {
    ...{ id: "expire", title: "EXPIRE on present keys, 50 connections, pipeline 16", bar: { ratio: 0.45 } },
    ...{ command: ["EXPIRE", "key:__rand_int__", "1000000"], pipeline: 16 },
  },
  {
    ...{ id: "text-put", title: "PUT of the text protocol, 50 connections, pipeline 16, against SET" },
    ...{ bar: { ratio: 0.45 }, command: "text-put", pipeline: 16 },
  },
  {
    ...{ id: "set-500", title: "SET, 500 connections", bar: { ratio: 0.45 } },
    ...{ command: "set", connections: 500 },
  },
  {
    ...{ id: "set-1k", title: "SET of 1 KiB, 50 connections", bar: { ratio: 0.45 } },
    ...{ command: "set", valueBytes: 1_024, keysMax: 50_000 },
  },
  {
    ...{ id: "set-64k", title: "SET of 64 KiB, 50 connections", bar: { ratio: 0.45 } },
    ...{ command: "set", valueBytes: 65_536, keysMax: 1_000 },
  },
];

/** All of them; those whose values are longer come last, since they change what the others find. */
export const SCENARIOS: readonly Scenario[] = PARTS.map((part) => ({ ...DEFAULTS, ...part }));
