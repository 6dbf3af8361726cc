import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { ROOT } from "../support/program.ts";
import { planRuns } from "./main.ts";
import { describeResults, readResults } from "./results.ts";

const MAIN = fromFileUrl(new URL("./main.ts", import.meta.url));

/** Runs tests of this text, with flags. */
async function run(source: string, flags: readonly string[] = []): Promise<{ code: number; text: string }> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-run-" });
  try {
    await Deno.writeTextFile(`${directory}/some_test.ts`, source);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-prompt", MAIN, ...flags, directory],
      env: { NO_COLOR: "1" },
      stderr: "null",
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const FINE = 'Deno.test("fine", () => {});\n';
const IGNORED = "Deno.test({ name: 'one \"<that>\" (needs nc: install it)', ignore: true, fn: () => {} });\n";

Deno.test("a run ends with the tests that were ignored and why, and is green", async () => {
  const { code, text } = await run(FINE + IGNORED);
  const [head, name, , summary] = text.slice(text.lastIndexOf("Ignored on this machine:")).trimEnd().split("\n");
  assertEquals([head, name], ["Ignored on this machine:", '  one "<that>" (needs nc: install it)']);
  assertStringIncludes(summary ?? "", "ok | 1 passed | 0 failed | 1 ignored (");
  assertEquals(code, 0);
});

Deno.test("a failed test, an error of none and a file that does not compile make the whole run fail", async () => {
  const failed = await run(`${FINE}Deno.test("wrong", () => { throw new Error("no"); });\n`);
  assertStringIncludes(failed.text, "\nFAILED | 1 passed | 1 failed (");
  assertEquals(failed.code, 1);
  const early = await run('throw new Error("at load");\n');
  assertStringIncludes(early.text, "\nFAILED | 0 passed | 0 failed (");
  assertEquals(early.code, 1);
  const broken = await run("const x: number = 'text';\n");
  assertStringIncludes(broken.text, "\nFAILED | 0 passed | 0 failed (");
  assertEquals(broken.code, 1);
});

Deno.test("what a filter leaves out is not called ignored", async () => {
  const { code, text } = await run(FINE + IGNORED + 'Deno.test("other", () => {});\n', ["--filter=fine"]);
  assertEquals(code, 0);
  assertEquals(text.includes("Ignored on this machine"), false);
});

Deno.test("several runs are added up", () => {
  const xml = '<testcase name="a" time="0.1"></testcase><testcase name="b" time="0.2"><failure>x</failure></testcase>';
  const ignored = '<testcase name="c &amp; d" time="0.000"><skipped/></testcase>';
  const runs = [readResults(xml), readResults(ignored)];
  assertEquals(runs, [{ passed: 1, failed: 1, ignored: [] }, { passed: 0, failed: 0, ignored: ["c & d"] }]);
  const text = describeResults(runs, { isOk: false, seconds: 61.9 });
  assertEquals(text, "Ignored on this machine:\n  c & d\n\nFAILED | 1 passed | 1 failed | 1 ignored (1m1s)");
});

Deno.test("each end-to-end test runs once: beside others, or alone", () => {
  const files = [...Deno.readDirSync(`${ROOT}/tests/e2e`)].map(({ name }) => `tests/e2e/${name}`);
  const [unit, beside, alone, ...others] = planRuns(["--quiet"]);
  assert(unit !== undefined && beside !== undefined && alone !== undefined && others.length === 0);
  assert(unit.args.some((arg) => arg.startsWith("--ignore=") && arg.includes("tests/e2e")));
  const apart = alone.args.filter((arg) => arg !== "--quiet");
  assertEquals(apart.filter((file) => !files.includes(file)), []);
  assertEquals(beside.args, ["--parallel", `--ignore=${apart.join(",")}`, "--quiet", "tests/e2e"]);
  assertEquals(planRuns(["--quiet", "tests/e2e"]), [beside, alone]);
  assertEquals(planRuns(["tests/e2e/ports_test.ts"]), [{ args: ["tests/e2e/ports_test.ts"] }]);
});
