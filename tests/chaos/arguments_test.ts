import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

import { parseArguments, UsageProblem } from "./arguments.ts";

const DEFAULTS = { seconds: 60, nodes: 3, seed: undefined, keep: false, quiet: false, help: false };

Deno.test("chaos: without arguments, 60 s on three nodes and a seed of its own", () => {
  assertEquals(parseArguments([]), DEFAULTS);
});

Deno.test("chaos: durations have units, and both forms of a flag are the same", () => {
  const durations = { "45s": 45, "45": 45, "10m": 600, "2h": 7_200 };
  for (const [text, seconds] of Object.entries(durations)) {
    assertEquals(parseArguments(["--duration", text]), { ...DEFAULTS, seconds });
    assertEquals(parseArguments([`--duration=${text}`]), { ...DEFAULTS, seconds });
  }
  const wanted = { ...DEFAULTS, nodes: 5, seed: 7, keep: true, quiet: true };
  assertEquals(parseArguments(["--nodes", "5", "--seed=7", "--keep", "--quiet"]), wanted);
});

Deno.test("chaos: what cannot be meant is refused with the flag's name", () => {
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [["--duration", "0s"], "--duration"],
    [["--duration", "soon"], "--duration"],
    [["--duration="], "--duration"],
    [["--duration=-5"], "--duration"],
    [["--nodes", "4"], "--nodes"],
    [["--nodes", "3", "--nodes", "5"], "--nodes"],
    [["--seed", "1.5"], "--seed"],
    [["--seed", "4294967296"], "--seed"],
    [["--sed", "1"], "--sed"],
    [["60s"], "60s"],
  ];
  for (const [args, named] of wrong) {
    const error = assertThrows(() => parseArguments(args), UsageProblem);
    assertStringIncludes(error.message, named, args.join(" "));
  }
});
