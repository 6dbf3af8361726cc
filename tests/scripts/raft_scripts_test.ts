/** Runs the golden scripts of `raft/`: each is named after what it claims. `UPDATE=1` writes what was observed. */

import { assertEquals, assertGreater } from "@std/assert";
import { runScript } from "../support/raft/script.ts";

const folder = new URL("./raft/", import.meta.url);
const scripts = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".txt")).sort();

Deno.test("there are golden scripts to run", () => {
  assertGreater(scripts.length, 10);
});

for (const name of scripts) {
  Deno.test(`script: ${name.slice(0, -".txt".length).replaceAll("_", " ")}`, () => {
    const file = new URL(name, folder);
    const expected = Deno.readTextFileSync(file);
    const observed = runScript(expected);
    if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(file, observed);
    else assertEquals(observed, expected);
  });
}
