/** The ports that tests give their servers: those of two processes never meet, not even after a server has left its own. */

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../support/program.ts";

const COUNT = 60;
const RUN_OFFSETS = [0, 1, 2, 3_000, 3_001, 3_002, 10_000, 10_001, 10_002];
/** Prints what is found, and holds the block until its input ends. */
const SCRIPT = `
import { findFreePorts, findFreeRun } from "./tests/support/ports.ts";
const ports = findFreePorts(${COUNT});
for (let runs = 0; runs < 3; runs++) {
  const first = findFreeRun(${JSON.stringify(RUN_OFFSETS)});
  ports.push(...${JSON.stringify(RUN_OFFSETS)}.map((offset) => first + offset));
}
console.log(ports.join(" "));
for await (const _ of Deno.stdin.readable) { /* until it is closed */ }
`;

Deno.test("two processes that ask side by side get no port in common, and each of them no port twice", async () => {
  const scripts = await Deno.makeTempDir({ prefix: "kvstore-ports-" });
  const path = `${scripts}/ports.ts`;
  await Deno.writeTextFile(path, SCRIPT.replace("./tests", `file://${ROOT}/tests`));
  const processes = Array.from({ length: 3 }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-prompt", "--no-check", path],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn());
  try {
    const found = (await Promise.all(processes.map(firstLine))).map((line) => line.split(" ").map(Number));
    for (const ports of found) assertEquals(ports.length, COUNT + 3 * RUN_OFFSETS.length);
    for (const port of found.flat()) {
      assert(port >= 11_000 && port < 32_768, `${port} is one that the system gives away`);
    }
    assertEquals(new Set(found.flat()).size, found.flat().length);
  } finally {
    for (const process of processes) await process.stdin.close();
    for (const process of processes) await process.status;
    await Deno.remove(scripts, { recursive: true });
  }
});

async function firstLine(process: Deno.ChildProcess): Promise<string> {
  let text = "";
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("A process ended before it had printed its ports");
    text += value;
  }
  await reader.cancel();
  return text.trimEnd();
}
