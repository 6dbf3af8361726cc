/** The layers of tests that may find a planted bug, and what their outputs say. */

import type { Ended } from "./command.ts";

/** A layer, in the order in which they are asked unless it must be quick. */
export type LayerName = "simulator" | "crash tests" | "unit and paper tests";

/** The layers by the words of the command line. */
export const LAYERS: ReadonlyMap<string, LayerName> = new Map([
  ["simulator", "simulator"],
  ["crash", "crash tests"],
  ["tests", "unit and paper tests"],
]);

/** What found a bug. */
export interface Finding {
  readonly layer: LayerName;
  /** The name of the check or of the test. */
  readonly check: string;
  /** What it said. */
  readonly message: string;
  /** The file of the test, when the output names one. */
  readonly file?: string;
  /** The simulator's seeds up to and including the one that failed, and that one. */
  readonly seeds?: number;
  readonly seed?: number;
}

/** The paths of a layer that consists of tests. */
export interface TestLayer {
  readonly name: Exclude<LayerName, "simulator">;
  readonly paths: readonly string[];
}

/** The simulator's program. */
export const SIMULATOR = "tests/sim/main.ts";

/** The layers after the simulator. */
export const TEST_LAYERS: readonly TestLayer[] = [
  { name: "crash tests", paths: ["tests/crash"] },
  {
    name: "unit and paper tests",
    paths: [
      "tests/paper",
      "tests/scripts",
      "tests/unit/kv",
      "tests/unit/store",
      "tests/unit/raft",
      "tests/unit/node",
      "tests/unit/storage",
      "tests/unit/protocol",
      "tests/unit/http",
      "tests/unit/net",
      "tests/unit/client",
      "tests/unit/tls",
    ],
  },
];

/** What a run of the simulator that began after `before` other seeds found; undefined when all of its seeds passed. */
export function readSimulator({ code, output }: Ended, before: number): Finding | undefined {
  const failed = /^FAILED seed (\d+) \((\d+) of \d+\): (.+?): (.*)$/m.exec(output);
  if (failed !== null) {
    const [, seed, at, check = "", message = ""] = failed;
    return { layer: "simulator", check, message, seeds: before + Number(at), seed: Number(seed) };
  }
  if (code === 0) return undefined;
  if (code === undefined) return { layer: "simulator", check: "time limit", message: "the simulator does not end" };
  return { layer: "simulator", check: "exit code", message: `${code}: ${lastLine(output)}` };
}

/** What a run of `deno test` found; undefined when all tests passed. */
export function readTests({ code, output }: Ended, layer: LayerName): Finding | undefined {
  if (code === 0) return undefined;
  if (code === undefined) return { layer, check: "time limit", message: "a test does not end" };
  const error = /^error: (.*)$/m.exec(output)?.[1] ?? "";
  const [, test, place = ""] = /^ FAILURES $[\s\S]*?^(.+?) => \.\/(tests\/[^:]+):/m.exec(output) ?? [];
  // A test may be registered in another file than its own; the last one that was begun is the one that failed.
  const file = place.endsWith("_test.ts") ? place : /^.*^running \d+ tests? from \.\/(\S+)$/ms.exec(output)?.[1];
  if (file === undefined || !/^ FAILURES $/m.test(output)) {
    return { layer, check: "exit code", message: `${code}: ${lastLine(output)}` };
  }
  return { layer, check: `${file}: ${test ?? "an error that no test caught"}`, message: error, file };
}

function lastLine(output: string): string {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.find((line) => line.startsWith("error: ")) ?? lines.at(-1) ?? "no output";
}
