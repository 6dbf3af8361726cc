/** The command line of the program. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseArguments, UsageProblem } from "./arguments.ts";

Deno.test("Arguments are read, and one sequence is run alone", () => {
  const defaults = {
    sequences: 10_000,
    seed: undefined,
    first: 0,
    jobs: 16,
    nodes: 1,
    left: undefined,
    right: undefined,
    help: false,
  };
  assertEquals(parseArguments([]), defaults);
  assertEquals(parseArguments(["--seed", "7", "--sequence", "12"]), { ...defaults, seed: 7, first: 12, sequences: 1 });
  assertEquals(parseArguments(["--left", "a:1,b:2", "--right=c:3", "--nodes", "3", "--jobs", "2"]), {
    ...defaults,
    left: ["a:1", "b:2"],
    right: ["c:3"],
    nodes: 3,
    jobs: 2,
  });
});

Deno.test("What cannot be understood is refused", () => {
  const wrong = [
    "--sequence 1",
    "--seed 1 --sequence 1 --sequences 2",
    "--seed -1",
    "--seed x",
    "--seed 4294967296",
    "--nodes 2",
    "--left here",
    "--nonsense",
    "more",
    "--seed 1 --seed 2",
  ];
  for (const line of wrong) assertThrows(() => parseArguments(line.split(" ")), UsageProblem, undefined, line);
});
