/** Every seed and every schedule that has ever failed is run again. */

import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { readStored } from "./schedule.ts";
import { runSeed } from "./run.ts";

const FILE = new URL("./seeds.txt", import.meta.url);

Deno.test("the seeds that failed once pass", async () => {
  const lines = Deno.readTextFileSync(FILE).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertGreater(lines.length, 10);
  for (const line of lines) {
    assertMatch(line, /^([0-9]+|\{.*\}) .{10,}$/);
    const { seed, overrides } = readStored(line);
    const { violation } = await runSeed(seed, { overrides });
    assertEquals(violation, undefined, `once: ${line}`);
  }
});
