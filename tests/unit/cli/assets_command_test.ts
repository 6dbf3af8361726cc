/** `kvstore assets dump`: every file, twice the same, and nothing of somebody else's overwritten. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runAssetsCommand } from "../../../lib/cli/assets_command.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { ASSET_PATHS, readAsset } from "../../../lib/observe/asset_files.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

async function run(...operands: string[]): Promise<string> {
  const surroundings = fakeSurroundings();
  assertEquals(await runAssetsCommand({ settings: settingsOf(), operands, surroundings }), 0);
  return surroundings.output();
}

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the files are written, and a second time found unchanged", () =>
  withDirectory(async (directory) => {
    const target = join(directory, "made");
    const first = await run("dump", target);
    for (const path of ASSET_PATHS) {
      assertStringIncludes(first, `${join(target, path)}\n`);
      assertEquals(await Deno.readTextFile(join(target, path)), await readAsset(path));
    }
    const second = await run("dump", target);
    assertEquals(second.match(/ \(unchanged\)\n/g)?.length, ASSET_PATHS.length);
  }));

Deno.test("a file with other contents is named and kept, and nothing is written", () =>
  withDirectory(async (directory) => {
    const [first, second] = ASSET_PATHS;
    await run("dump", directory);
    await Deno.writeTextFile(join(directory, first), "mine");
    await Deno.remove(join(directory, second));
    const error = await assertRejects(() => run("dump", directory), Failure);
    assertStringIncludes(error.message, join(directory, first));
    assertEquals(await Deno.readTextFile(join(directory, first)), "mine");
    await assertRejects(() => Deno.stat(join(directory, second)), Deno.errors.NotFound);
  }));

Deno.test("a place that cannot be written to is an ordinary failure", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "file"), "");
    await assertRejects(() => run("dump", join(directory, "file")), Failure);
  }));

Deno.test("wrong operands are a matter of usage", async () => {
  for (const operands of [[], ["dump"], ["list"], ["dump", ""], ["dump", "a", "b"]]) {
    await assertRejects(() => run(...operands), UsageError);
  }
});
