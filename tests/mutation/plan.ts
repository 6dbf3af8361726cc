/** In which order a planted bug is looked for. Pure. */

import { type LayerName, TEST_LAYERS } from "./layers.ts";
import type { Mutation } from "./mutation.ts";
import { isFoundBySimulator, type Row } from "./report.ts";

/** Some seeds, or some tests. */
export type Step = { readonly layer: "simulator"; readonly seeds: number } | TestStep;

/** The tests below `paths` that are not below `without`: those were run before. */
export interface TestStep {
  readonly layer: Exclude<LayerName, "simulator">;
  readonly paths: readonly string[];
  readonly without: readonly string[];
}

/** What the order depends on. */
export interface PlanOptions {
  readonly layers: ReadonlySet<LayerName>;
  readonly seeds: number;
  readonly quick: boolean;
  readonly known: ReadonlyMap<string, Row>;
}

/** Folders of sources, the more special ones first, and the tests that look at them alone. */
const NEAREST: readonly (readonly [string, readonly string[]])[] = [
  ["lib/raft/", ["tests/paper", "tests/unit/raft", "tests/scripts"]],
  ["lib/store/", ["tests/unit/store", "tests/unit/kv"]],
  ["lib/kv/", ["tests/unit/kv"]],
  ["lib/node/", ["tests/unit/node"]],
  ["lib/storage/", ["tests/unit/storage"]],
  ["lib/tls/", ["tests/unit/tls"]],
  ["lib/access/", ["tests/unit/access"]],
  ["lib/cluster/", ["tests/unit/cluster"]],
  ["lib/client/", ["tests/unit/client"]],
  ["lib/protocol/conversation/", ["tests/unit/protocol/conversation"]],
  ["lib/http/", ["tests/unit/http"]],
  ["lib/protocol/resp/", ["tests/unit/protocol/resp"]],
  ["lib/protocol/text/", ["tests/unit/protocol/text"]],
  ["lib/net/", ["tests/unit/net", "tests/unit/protocol"]],
  ["lib/protocol/", ["tests/unit/protocol"]],
];

/** The tests that `mutation` names, or those of the folders in which it changes something. */
export function nearestTo(mutation: Mutation): readonly string[] {
  if (mutation.tests !== undefined) return mutation.tests;
  const paths = mutation.patches.flatMap(({ file }) => NEAREST.find(([folder]) => file.startsWith(folder))?.[1] ?? []);
  return [...new Set(paths)];
}

/** Files of tests by the names of the sources, or by their first words; whether there is one, who runs them sees. */
export function namesakesOf(mutation: Mutation): readonly string[] {
  const paths = mutation.patches.flatMap(({ file }) => {
    const words = file.replace(/\.ts$/, "").replace(/^lib\//, "tests/unit/").split("_");
    return words.map((_, at) => `${words.slice(0, words.length - at).join("_")}_test.ts`);
  });
  return [...new Set(paths)];
}

/** Layer by layer, and the tests that it names itself; when it must be quick, what found it the last time before, namesakes, and then the nearest tests. */
export function planHunt(mutation: Mutation, options: PlanOptions): readonly Step[] {
  const steps = options.quick ? firstSteps(mutation, options.known.get(mutation.id)) : [];
  const without = steps.flatMap((step) => step.layer === "simulator" ? [] : step.paths);
  steps.push({ layer: "simulator", seeds: options.seeds });
  for (const { name, paths } of TEST_LAYERS) steps.push({ layer: name, paths, without });
  // They may be of no layer: end-to-end tests are of none.
  const named = (mutation.tests ?? []).filter((path) => !without.includes(path));
  if (named.length > 0) steps.push({ layer: "unit and paper tests", paths: named, without });
  return steps.filter(({ layer }) => options.layers.has(layer));
}

function firstSteps(mutation: Mutation, row: Row | undefined): Step[] {
  const steps: Step[] = [];
  if (row !== undefined && isFoundBySimulator(row)) steps.push({ layer: "simulator", seeds: Number(row[3]) });
  const file = /\btests\/[\w/]+_test\.ts/.exec(row?.[2] ?? "")?.[0];
  const without: string[] = [];
  for (const tests of [file === undefined ? [] : [file], namesakesOf(mutation), nearestTo(mutation)]) {
    const paths = tests.filter((path) => !without.includes(path));
    const layer = paths.some((path) => path.startsWith("tests/crash/")) ? "crash tests" : "unit and paper tests";
    steps.push({ layer, paths, without: [...without] });
    without.push(...paths);
  }
  return steps;
}
