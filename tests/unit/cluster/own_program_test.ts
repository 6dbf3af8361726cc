import { assertEquals, assertStringIncludes } from "@std/assert";
import { findOwnProgram, type ProgramFacts, V8_FLAGS } from "../../../lib/cluster/own_program.ts";

const FACTS: ProgramFacts = {
  standalone: false,
  executable: "/opt/deno",
  typed: "deno",
  mainModule: "file:///srv/kv%20store/main.ts",
  directory: "/srv",
  searchPath: ["/usr/bin", "/opt"],
  granted: (name) => name !== "ffi" && name !== "sys",
  seesSpace: false,
  isFile: (path) => path === "/opt/deno",
  onWindows: false,
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
  const seeing = findOwnProgram({ ...FACTS, seesSpace: true });
  assertEquals(seeing.prefix.slice(-2), ["--allow-sys=statfs", "/srv/kv store/main.ts"]);
  const all = findOwnProgram({ ...FACTS, granted: () => true, seesSpace: true });
  assertEquals(all.prefix, ["run", "--quiet", "--no-prompt", V8_FLAGS, "--allow-all", "/srv/kv store/main.ts"]);
});

Deno.test("the tasks that start and make a server have the flags of V8 that the launcher gives", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)));
  for (const name of ["node", "compile"]) assertStringIncludes(tasks[name], ` ${V8_FLAGS} `);
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

Deno.test("a compiled program starts itself and is shown as the person typed it", () => {
  const cases: [executable: string, typed: string, shown: string][] = [
    ["/srv/dist/kvstore", "dist/kvstore", "dist/kvstore"],
    ["/srv/kvstore", "./kvstore", "./kvstore"],
    ["/users/a/kvstore", "../users/a/kvstore", "../users/a/kvstore"],
    ["/users/a/kvstore", "/users/a/kvstore", "/users/a/kvstore"],
    // A link is typed by its own name.
    ["/users/a/kvstore-0.1", "/opt/kvstore", "/opt/kvstore"],
    ["/users/a/kvstore-0.1", "kv", "kv"],
    ["/users/a b/kvstore", "../users/a b/kvstore", "'../users/a b/kvstore'"],
  ];
  const there = [
    "/srv/dist/kvstore",
    "/srv/kvstore",
    "/users/a/kvstore",
    "/opt/kvstore",
    "/usr/bin/kv",
    "/users/a b/kvstore",
  ];
  for (const [executable, typed, shown] of cases) {
    const facts = { ...FACTS, standalone: true, executable, typed, isFile: (path: string) => there.includes(path) };
    assertEquals(findOwnProgram(facts), { executable, prefix: [], shown }, typed);
  }
});

Deno.test("where what was typed leads nowhere, a compiled program is shown as it can be typed", () => {
  const cases: [executable: string, shown: string][] = [
    ["/usr/bin/kvstore", "kvstore"],
    ["/srv/dist/kvstore", "./dist/kvstore"],
    ["/users/a/kvstore", "/users/a/kvstore"],
    ["/users/it's/kvstore", "'/users/it'\\''s/kvstore'"],
  ];
  for (const typed of ["", "service", "../gone/kvstore"]) {
    for (const [executable, shown] of cases) {
      assertEquals(findOwnProgram({ ...FACTS, standalone: true, executable, typed }).shown, shown, typed);
    }
  }
});

Deno.test("on Windows the executable is found and quoted as its shells do", () => {
  const isFile = (path: string) => path === "C:\\tools/kvstore.exe" || path === "D:\\my tools\\kvstore.exe";
  const facts = { ...FACTS, standalone: true, onWindows: true, searchPath: ["C:\\tools"], isFile };
  const shown = (typed: string) => findOwnProgram({ ...facts, executable: "C:\\tools\\kvstore.exe", typed }).shown;
  assertEquals(shown("kvstore"), "kvstore");
  assertEquals(shown("D:\\my tools\\kvstore.exe"), '"D:\\my tools\\kvstore.exe"');
});
