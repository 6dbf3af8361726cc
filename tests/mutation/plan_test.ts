/** In which order the layers are asked for a planted bug, and that each source of one has tests near it. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { LAYERS, TEST_LAYERS } from "./layers.ts";
import { slip } from "./mutation.ts";
import { MUTATIONS } from "./mutations.ts";
import { nearestTo, planHunt, type Step } from "./plan.ts";
import type { Row } from "./report.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const BUG = slip("M1", "A bug", { file: "lib/kv/key_index.ts", find: "a", replace: "b" });
const EVERYTHING = { layers: new Set(LAYERS.values()), seeds: 5_000 };

function describe(steps: readonly Step[]): readonly string[] {
  const texts = steps.map((step) => step.layer === "simulator" ? `${step.seeds} seeds` : step.paths.join("+"));
  return texts.filter((text) => text !== "");
}

const WHOLE = ["5000 seeds", ...TEST_LAYERS.map(({ paths }) => paths.join("+"))];

const NAMESAKES = "tests/unit/kv/key_index_test.ts+tests/unit/kv/key_test.ts";

function planFor(foundBy: string, seeds: string): readonly Step[] {
  const row: Row = [BUG.id, BUG.what, foundBy, seeds, "3"];
  return planHunt(BUG, { ...EVERYTHING, quick: true, known: new Map([[BUG.id, row]]) });
}

Deno.test("without haste the layers come in their order, whatever found the bug the last time", () => {
  const known = new Map<string, Row>([["M1", ["M1", "A bug", "simulator: x", "3", "3"]]]);
  assertEquals(describe(planHunt(BUG, { ...EVERYTHING, quick: false, known })), WHOLE);
});

Deno.test("tests that a bug names itself are run with haste and without, once", () => {
  const tests = ["tests/e2e/synced_writes_test.ts"];
  const hunt = (quick: boolean) => describe(planHunt({ ...BUG, tests }, { ...EVERYTHING, quick, known: new Map() }));
  assertEquals(hunt(false), [...WHOLE, ...tests]);
  assertEquals(hunt(true), [NAMESAKES, ...tests, ...WHOLE]);
});

Deno.test("in haste what found the bug the last time comes first, then namesakes, the nearest tests, and the layers", () => {
  const known = new Map<string, Row>();
  assertEquals(describe(planHunt(BUG, { ...EVERYTHING, quick: true, known })), [NAMESAKES, "tests/unit/kv", ...WHOLE]);
  assertEquals(describe(planFor("simulator: state-hash", "7")), ["7 seeds", NAMESAKES, "tests/unit/kv", ...WHOLE]);
  assertEquals(describe(planFor("nothing", "> 120")), [NAMESAKES, "tests/unit/kv", ...WHOLE]);
  const steps = planFor("unit and paper tests: tests/unit/kv/calls_test.ts: a claim: with a colon", "> 9");
  assertEquals(describe(steps), ["tests/unit/kv/calls_test.ts", NAMESAKES, "tests/unit/kv", ...WHOLE]);
  const last = steps.at(-1);
  assert(last?.layer === "unit and paper tests");
  assertEquals(last.without, ["tests/unit/kv/calls_test.ts", ...NAMESAKES.split("+"), "tests/unit/kv"]);
  const namesake = planFor("unit and paper tests: tests/unit/kv/key_test.ts: a claim", "-");
  assertEquals(describe(namesake).slice(0, 2), ["tests/unit/kv/key_test.ts", "tests/unit/kv/key_index_test.ts"]);
  assertEquals(planFor("crash tests: tests/crash/x_test.ts: a claim", "-")[0]?.layer, "crash tests");
});

Deno.test("only the layers that were chosen are asked", () => {
  const options = { ...EVERYTHING, layers: new Set(["simulator" as const]), quick: true, known: new Map() };
  assertEquals(describe(planHunt(BUG, options)), ["5000 seeds"]);
});

Deno.test("each planted bug has tests near it, which exist", () => {
  for (const mutation of MUTATIONS) {
    const paths = nearestTo(mutation);
    assert(paths.length > 0, mutation.id);
    for (const path of paths) {
      const { isDirectory, isFile } = Deno.statSync(join(ROOT, path));
      assert(mutation.tests === undefined ? isDirectory : isFile, `${mutation.id}: ${path}`);
    }
  }
});
