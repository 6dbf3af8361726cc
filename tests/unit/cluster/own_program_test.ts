import { assertEquals } from "@std/assert";
import { findOwnProgram, type ProgramFacts, V8_FLAGS } from "../../../lib/cluster/own_program.ts";

const FACTS: ProgramFacts = {
  standalone: false,
  executable: "/opt/deno",
  mainModule: "file:///srv/kv%20store/main.ts",
  directory: "/srv",
  searchPath: ["/usr/bin", "/opt"],
  granted: (name) => name !== "ffi" && name !== "sys",
};

Deno.test("under deno run, the same module is run with the rights that are there", () => {
  assertEquals(findOwnProgram(FACTS), {
    executable: "/opt/deno",
    prefix: [
      "run",
      "--quiet",
      "--no-prompt",
      V8_FLAGS,
      "--allow-net",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "/srv/kv store/main.ts",
    ],
    shown: "deno task",
  });
  const all = findOwnProgram({ ...FACTS, granted: () => true });
  assertEquals(all.prefix, ["run", "--quiet", "--no-prompt", V8_FLAGS, "--allow-all", "/srv/kv store/main.ts"]);
});

Deno.test("a compiled program starts itself and is shown as it can be typed", () => {
  const cases: [executable: string, shown: string][] = [
    ["/usr/bin/kvstore", "kvstore"],
    ["/srv/dist/kvstore", "./dist/kvstore"],
    ["/users/a/kvstore", "/users/a/kvstore"],
  ];
  for (const [executable, shown] of cases) {
    assertEquals(findOwnProgram({ ...FACTS, standalone: true, executable }), { executable, prefix: [], shown });
  }
});
