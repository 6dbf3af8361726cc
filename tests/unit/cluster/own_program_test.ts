import { assertEquals } from "@std/assert";
import { findOwnProgram, type ProgramFacts, V8_FLAGS } from "../../../lib/cluster/own_program.ts";

const FACTS: ProgramFacts = {
  standalone: false,
  executable: "/opt/deno",
  mainModule: "file:///srv/kv%20store/main.ts",
  directory: "/srv",
  searchPath: ["/usr/bin", "/opt"],
  granted: (name) => name !== "ffi" && name !== "sys",
  isFile: (path) => path === "/opt/deno",
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

Deno.test("who has no deno is shown the command by which this one was started", () => {
  const npx = "/home/a/.npm/_npx/05e06f/node_modules/.bin";
  const shown = (searchPath: readonly string[], files: readonly string[]) =>
    findOwnProgram({ ...FACTS, searchPath, isFile: (path) => files.includes(path) }).shown;
  // npx puts its own folder into the path of what it starts, and the person's shell knows nothing of it.
  assertEquals(shown([npx, "/usr/bin"], [`${npx}/deno`]), "npx -y deno task");
  assertEquals(shown([npx, "/usr/bin"], [`${npx}/deno`, "/usr/bin/deno"]), "deno task");
  assertEquals(shown(["", "/usr/bin"], []), "npx -y deno task");
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
