/** What the mutation gate reads from the outputs of the layers, and what it writes into docs/generated/mutations.md. */

import { assert, assertEquals } from "@std/assert";
import { readSimulator, readTests } from "./layers.ts";
import { isFound, readRows, renderTable, type Row, rowOf, sampleOf, updatePage } from "./report.ts";

const MUTATION = { id: "B4", what: "A bug | here", patches: [] };

Deno.test("a failing seed of the simulator is found with its check and the number of seeds", () => {
  const output = "x\nFAILED seed 517 (17 of 250): one-vote: node 1 voted: twice\n    more\n";
  assertEquals(readSimulator({ code: 1, output }, 500), {
    layer: "simulator",
    check: "one-vote",
    message: "node 1 voted: twice",
    seeds: 517,
    seed: 517,
  });
  assertEquals(readSimulator({ code: 0, output: "passed: 250 seeds\n" }, 0), undefined);
});

Deno.test("a simulator that breaks down or does not end has found the bug too", () => {
  assertEquals(readSimulator({ code: 1, output: "error: Uncaught x\n  at y\n" }, 0)?.message, "1: error: Uncaught x");
  assertEquals(readSimulator({ code: undefined, output: "" }, 0)?.check, "time limit");
});

Deno.test("the first failing test is found with its file", () => {
  const output = "running 1 test from ./tests/paper/x_test.ts\na claim ... FAILED (1ms)\n\n ERRORS \n\n" +
    "a claim => ./tests/paper/x_test.ts:3:6\nerror: AssertionError: no\n\n FAILURES \n\n" +
    "a claim => ./tests/paper/x_test.ts:3:6\n\nFAILED | 0 passed | 1 failed (1ms)\n";
  const found = readTests({ code: 1, output }, "unit and paper tests");
  assertEquals(found?.check, "tests/paper/x_test.ts: a claim");
  assertEquals(found?.file, "tests/paper/x_test.ts");
  assertEquals(found?.message, "AssertionError: no");
  assertEquals(readTests({ code: 0, output: "ok" }, "crash tests"), undefined);
  assertEquals(readTests({ code: undefined, output: "" }, "crash tests")?.check, "time limit");
  assertEquals(readTests({ code: 1, output: "error: no\n" }, "crash tests")?.message, "1: error: no");
});

Deno.test("the file of a test that another one registers, or of an error that no test caught, is the last one begun", () => {
  const begun = "running 2 tests from ./tests/unit/a_test.ts\nrunning 1 test from ./tests/e2e/b_test.ts\n";
  const helped = `${begun}\n FAILURES \n\na claim => ./tests/support/needs.ts:26:8\n\nerror: Test failed\n`;
  assertEquals(readTests({ code: 1, output: helped }, "crash tests")?.check, "tests/e2e/b_test.ts: a claim");
  const uncaught =
    `${begun}\nerror: no\n\n FAILURES \n\n./tests/e2e/b_test.ts (uncaught error)\n\nerror: Test failed\n`;
  const found = readTests({ code: 1, output: uncaught }, "crash tests");
  assertEquals([found?.file, found?.message], ["tests/e2e/b_test.ts", "no"]);
  assertEquals(found?.check, "tests/e2e/b_test.ts: an error that no test caught");
});

Deno.test("a row tells what found the bug, or that nothing did", () => {
  const found = { layer: "simulator", check: "one-vote", message: "", seeds: 17, seed: 17 } as const;
  const tested = { layer: "crash tests", check: "a", message: "" } as const;
  const base = { mutation: MUTATION, seedsTried: 17, unrelated: [], problem: undefined, seconds: 2.4 };
  assertEquals(rowOf({ ...base, findings: [found, tested] }), [
    "B4",
    "A bug | here",
    "simulator: one-vote; crash tests: a",
    "17",
    "2",
  ]);
  assertEquals(rowOf({ ...base, findings: [tested] })[3], "> 17");
  assertEquals(rowOf({ ...base, findings: [], seedsTried: 5_000 })[2], "nothing");
  assertEquals(rowOf({ ...base, findings: [found], problem: "x" })[2], "unclear");
  assert(isFound({ ...base, findings: [found] }));
  assert(!isFound({ ...base, findings: [] }));
  assert(!isFound({ ...base, findings: [found], problem: "x" }));
});

Deno.test("new rows take the place of those of the same bug, and the others stay", () => {
  const page = "# T\n\n<!-- mutations:begin -->\n<!-- mutations:end -->\n\nend\n";
  const order = ["B1", "B4"];
  const first = updatePage(page, [["B4", "A bug | here", "nothing", "> 9", "4"]], order) ?? "";
  assert(
    first.includes(`-->\n\n${renderTable([["B4", "A bug | here", "nothing", "> 9", "4"]])}\n\n<!-- mutations:end`),
  );
  assert(first.includes("A bug \\| here"));
  const second = updatePage(first, [["B1", "other", "simulator: x", "3", "8"]], order) ?? "";
  assert(
    second.includes(
      renderTable([["B1", "other", "simulator: x", "3", "8"], ["B4", "A bug | here", "nothing", "> 9", "4"]]),
    ),
  );
  const third = updatePage(second, [["B4", "A bug | here", "simulator: y", "1", "2"]], order) ?? "";
  assert(!third.includes("nothing"));
  assert(third.startsWith("# T\n\n") && third.endsWith("\n\nend\n"));
  assertEquals(updatePage("no place", [], order), undefined);
});

Deno.test("a row of an older table, without seconds, stays readable", () => {
  const page =
    "<!-- mutations:begin -->\n| id | bug | found by | seeds |\n| M1 | a | simulator: x | 3 |\n<!-- mutations:end -->";
  assertEquals(readRows(page).get("M1"), ["M1", "a", "simulator: x", "3", "-"]);
});

Deno.test("turns of a sample go through all of the third that was found soonest, and begin again", () => {
  const found = (id: number, seconds: string): Row => [`M${id}`, "a", "simulator: x", "3", seconds];
  const rows = [9, 5, 1, 7, 3, 11, 2, 4, 6].map((seconds) => found(seconds, `${seconds}`));
  const others: readonly Row[] = [found(20, "-"), ["M21", "a", "nothing", "> 5", "0"], [
    "M22",
    "a",
    "unclear",
    "-",
    "0",
  ]];
  const all = [...others, ...rows];
  assertEquals(sampleOf(all, { size: 2, turn: 0 }), ["M1", "M2"]);
  assertEquals(sampleOf(all, { size: 2, turn: 1 }), ["M3", "M1"]);
  assertEquals(sampleOf(all, { size: 2, turn: 2 }), ["M2", "M3"]);
  assertEquals(sampleOf(all, { size: 5, turn: 7 }).toSorted(), ["M1", "M2", "M3"]);
  assertEquals(sampleOf([], { size: 5, turn: 1 }), []);
});
