/** The program that judges files: its exit code is the verdict. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

import { writeHistory } from "./history.ts";
import { parseNotation } from "./notation.ts";

const MAIN = fromFileUrl(new URL("main.ts", import.meta.url));

async function run(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "--allow-read", "--no-prompt", MAIN, ...args] });
  const { code, stdout, stderr } = await command.output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("the exit code is 0 when all histories pass, 1 when one does not, 2 for wrong arguments", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [good, stale, torn] = ["good", "stale", "torn"].map((name) => join(directory, `${name}.jsonl`));
    await Deno.writeTextFile(good ?? "", writeHistory(parseNotation("0-1 put x a @1\n 2-3 get x -> a @1")));
    await Deno.writeTextFile(stale ?? "", writeHistory(parseNotation("0-1 put x a\n 2-3 get x -> none")));
    await Deno.writeTextFile(torn ?? "", '{"client":1');
    const [passed, failed, unreadable, generated, wrong] = await Promise.all([
      run(good ?? ""),
      run(good ?? "", stale ?? ""),
      run(torn ?? ""),
      run("--operations", "2000", "--seed", "7"),
      run("--operations", "many"),
    ]);
    assertEquals(passed.code, 0, passed.text);
    assertStringIncludes(passed.text, "2 operations, 0 of them with unknown outcome, on 1 keys");
    assertEquals(failed.code, 1, failed.text);
    assertStringIncludes(failed.text, "certificate: skipped, no operation carries an index");
    assertStringIncludes(failed.text, 'Not linearizable: key "x"');
    assertEquals(unreadable.code, 1, unreadable.text);
    assertStringIncludes(unreadable.text, "Cannot read history line 1");
    assertEquals(generated.code, 0, generated.text);
    assertStringIncludes(generated.text, "seed 7\n");
    assertStringIncludes(generated.text, "2000 operations");
    assertEquals(wrong.code, 2, wrong.text);
    assertStringIncludes(wrong.text, "Usage: ");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a flag without its number is refused", async () => {
  for (const args of [["--operations", "10", "--seed"], ["--operations", "10", "--seed="], ["--operations"]]) {
    const { code, text } = await run(...args);
    assertEquals(code, 2, `${args.join(" ")}: ${text}`);
    assertStringIncludes(text, "Usage:");
  }
});
