/** The fuzzing itself: it finds planted faults, says how to see them again, and notices when it reaches nothing. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { type FuzzCase, runFuzz } from "./harness.ts";
import { mutate, mutateMost, splice } from "./mutators.ts";
import { everyBoundary, randomSplit, waysToSplit } from "./splits.ts";
import { assertLinear } from "./timing.ts";

const LOOKS_MAX = 5;

/** A parser of `name=number` with a fault of each kind that the real ones might have. */
function parse(text: string, fault: string): string {
  if (fault === "nul" && text.includes("\0")) throw new TypeError("NUL");
  if (fault === "quote" && text.includes('"')) throw new TypeError("quote");
  if (fault === "huge" && Number(text.slice(5)) > Number.MAX_SAFE_INTEGER) throw new RangeError("huge");
  if (fault === "long" && text.length > 1_000) throw new RangeError("long");
  if (fault === "empty" && text === "") throw new TypeError("empty");
  if (fault === "high" && /[\x80-\xff]/.test(text)) throw new TypeError("high");
  return /^name=[0-9]+$/.test(text) ? "read" : "refused";
}

function caseOf(fault: string): FuzzCase<string> {
  return {
    make: (random) => mutateMost((source) => `name=${source.below(100)}`, random),
    check: (input) => parse(input, fault),
    outcomes: ["read", "refused"],
  };
}

Deno.test("planted faults are found, and the message replays them", async () => {
  assertEquals(await runFuzz("none", caseOf("none"), { inputs: 3_000, seed: 1 }), undefined);
  for (const fault of ["nul", "quote", "huge", "long", "empty", "high"]) {
    const problem = await runFuzz(fault, caseOf(fault), { inputs: 3_000, seed: 1 }) ?? "";
    assertStringIncludes(problem, `${fault}: seed 1, input `);
    const number = Number(/FUZZ_SEED=1 FUZZ_INPUT=([0-9]+) deno test/.exec(problem)?.[1]);
    const again = await runFuzz(fault, caseOf(fault), { inputs: 1, seed: 1, only: number }) ?? "";
    assertEquals(/Input: .*/.exec(again)?.[0], /Input: .*/.exec(problem)?.[0]);
  }
});

Deno.test("an outcome that does not appear, or is not expected, is a failure", async () => {
  const rare = { ...caseOf("none"), outcomes: ["read", "refused", "other"] };
  assertStringIncludes(await runFuzz("rare", rare, { inputs: 2_000, seed: 1 }) ?? "", 'hardly ever lead to "other"');
  const strict = { ...caseOf("none"), outcomes: ["read"] };
  assertStringIncludes(await runFuzz("strict", strict, { inputs: 2_000, seed: 1 }) ?? "", 'Outcome "refused"');
});

Deno.test("the same seed makes the same inputs, and another seed others", () => {
  const make = (seed: number) => mutateMost(() => "abc 123", new Random(seed), true);
  assertEquals(make(5), make(5));
  assert(new Set(Array.from({ length: 50 }, (_, seed) => make(seed))).size > 30);
});

Deno.test("every split is the whole input", () => {
  const random = new Random(3);
  for (let round = 0; round < 500; round++) {
    const input = mutate("some input", random);
    for (const way of waysToSplit(input, random)) assertEquals(way.join(""), input);
    assertEquals(randomSplit(input, random).join(""), input);
  }
  assertEquals(everyBoundary("abc"), [["a", "bc"], ["ab", "c"]]);
  assertEquals(splice("ab", "", new Random(1)).length <= 2, true);
});

Deno.test("quadratic time is told from linear time", () => {
  const make = (size: number) => `${" ".repeat(size)}x`;
  assertLinear("a search", { make, run: (text) => text.indexOf("x") });
  // One quiet look is enough to find it, and a busy machine may spoil some.
  const finds = () => {
    try {
      assertLinear("blanks", { make, run: (text) => / +$/.test(text), size: 1_024 });
      return false;
    } catch (error) {
      assertStringIncludes(String(error), "blanks: an input 8");
      return true;
    }
  };
  assert(Array.from({ length: LOOKS_MAX }).some(finds), "quadratic time is never found");
});
