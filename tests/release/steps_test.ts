/** The steps of .ci/run: each is counted, whether it runs in its turn or beside others, and so is one that does not end. */

import { assertEquals } from "@std/assert";
import { ROOT } from "../support/program.ts";

/** Runs a script that has the steps, in the same mode as .ci/run; its lines without times. */
async function run(script: string): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const { code, stdout } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", `. .ci/steps\n${script}`],
    cwd: ROOT,
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).replace(/ \(\d+ s\)|^\d+ s$/gm, "");
  return { code, lines: text.split("\n").filter((line) => line !== "") };
}

/** A command that ends as `deno test` does. */
function ended(passed: number, failed: number, { says = "", code = failed > 0 ? 1 : 0 } = {}): string {
  const word = failed > 0 ? "FAILED" : "ok";
  return `bash -c 'echo "${says}"; echo "${word} | ${passed} passed | ${failed} failed (1s)"; exit ${code}'`;
}

Deno.test("what steps count is added up, in their turn and beside each other, and what ran beside is printed whole", async () => {
  const { code, lines } = await run(`
    others() { step fine 60 true || true; tests "two" 60 ${ended(2, 0)}; }
    beside others
    tests "three" 60 ${ended(3, 0)}
    join
    tests "four" 60 ${ended(4, 0)}
    finish`);
  assertEquals(lines, [
    "== three",
    "ok | 3 passed | 0 failed (1s)",
    "== three: exit code 0",
    "== fine",
    "== fine: ok",
    "== two",
    "ok | 2 passed | 0 failed (1s)",
    "== two: exit code 0",
    "== four",
    "ok | 4 passed | 0 failed (1s)",
    "== four: exit code 0",
    "9 passed, 0 failed",
  ]);
  assertEquals(code, 0);
});

Deno.test("every failure of steps beside others counts and is named in the end, and the steps behind it run", async () => {
  const { code, lines } = await run(`
    others() {
      step "a check" 60 false || true
      step "an endless one" 1 sleep 60 || true
      tests "failing" 60 ${ended(1, 2)}
      tests "leaking" 60 ${ended(1, 0, { code: 1 })}
      tests "ignoring" 60 ${ended(1, 0, { says: "one ... ignored (0ms)" })}
      tests "allowed" 60 ${ended(1, 0, { says: "one (needs the right to make a control group) ... ignored (0ms)" })}
      tests "old" 60 ${
    ended(1, 0, { says: "one (needs a newer Deno: it has none, and this is 2.4.2) ... ignored (0ms)" })
  }
      tests "new" 60 ${
    ended(1, 0, { says: "two (needs a newer Deno: it has none, and this is 2.9.6) ... ignored (0ms)" })
  }
      tests "dying" 60 false
    }
    beside others
    join
    tests "fine" 60 ${ended(1, 0)}
    finish`);
  const end = lines.slice(lines.indexOf("FAILED a check"));
  assertEquals(end, [
    "FAILED a check",
    "FAILED an endless one",
    "FAILED failing: FAILED | 1 passed | 2 failed (1s)",
    "FAILED leaking: ok | 1 passed | 0 failed (1s)",
    "FAILED ignored: one ... ignored (0ms)",
    "FAILED ignored: two (needs a newer Deno: it has none, and this is 2.9.6) ... ignored (0ms)",
    "FAILED dying: no summary, exit code 1",
    "7 passed, 8 failed",
  ]);
  assertEquals(code, 1);
});

Deno.test("the end of what failed steps printed stands before the list of them, wherever they ran", async () => {
  const { lines } = await run(`
    others() { step "far" 60 bash -c 'seq 100; echo "seed 7 differs" >&2; exit 1' || true; }
    beside others
    join
    tests "near" 60 ${ended(1, 1, { says: "left: 1, right: 2" })}
    tests "fine" 60 ${ended(1, 0)}
    finish`);
  const end = lines.slice(lines.indexOf("== fine: exit code 0") + 1);
  const far = Array.from({ length: 39 }, (_, at) => `${at + 62}`);
  assertEquals(end, [
    "-- far: the end of its output",
    ...far,
    "seed 7 differs",
    "-- near: the end of its output",
    "left: 1, right: 2",
    "FAILED | 1 passed | 1 failed (1s)",
    "FAILED far",
    "FAILED near: FAILED | 1 passed | 1 failed (1s)",
    "2 passed, 2 failed",
  ]);
});

Deno.test("the failed tests of a step are named in the end, the first ten of them", async () => {
  const report = (name: string) => {
    const tests = Array.from({ length: 12 }, (_, at) => `${name} ${at} => ./tests/a_test.ts:${at}:6`);
    return `left => right:1\\n\\n FAILURES \\n\\n${tests.join("\\n")}\\n`;
  };
  const { code, lines } = await run(`
    tests "near" 60 ${ended(1, 12, { says: `$(printf "${report("one")}")` })}
    finish`);
  const named = Array.from({ length: 10 }, (_, at) => `FAILED near: one ${at} => ./tests/a_test.ts:${at}:6`);
  assertEquals(lines.slice(lines.findIndex((line) => line.startsWith("FAILED near"))), [
    "FAILED near: FAILED | 1 passed | 12 failed (1s)",
    ...named,
    "1 passed, 12 failed",
  ]);
  assertEquals(code, 1);
});

Deno.test("steps beside others that end early are a failure, and those after them are judged by themselves", async () => {
  const { code, lines } = await run(`
    broken() { nothing_of_this_name; }
    beside broken
    join
    others() { tests "one" 60 ${ended(1, 0)}; }
    beside others
    join
    finish`);
  assertEquals(lines.slice(-2), ["FAILED the steps beside the last one ended early", "1 passed, 1 failed"]);
  assertEquals(code, 1);
});
