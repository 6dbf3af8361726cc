/** The documents name tests, files and constants that exist. */

import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

function read(path: string): string {
  return Deno.readTextFileSync(join(ROOT, path));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(join(ROOT, path));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function documents(): string[] {
  const pages = ["docs", "docs/operations"].flatMap((folder) =>
    [...Deno.readDirSync(join(ROOT, folder))].filter(({ name }) => name.endsWith(".md")).map(({ name }) =>
      `${folder}/${name}`
    )
  );
  return ["README.md", "CONTRIBUTING.md", ...pages, ...roomGuides()];
}

/** Every folder with code, `lib` itself among them. */
function rooms(folder = "lib"): string[] {
  const entries = [...Deno.readDirSync(join(ROOT, folder))];
  const inner = entries.filter((entry) => entry.isDirectory).flatMap(({ name }) => rooms(`${folder}/${name}`));
  const isRoom = inner.length > 0 || entries.some(({ name }) => /\.(?:ts|js)$/.test(name));
  return isRoom ? [folder, ...inner] : [];
}

function roomGuides(): string[] {
  return rooms().map((room) => `${room}/README.md`);
}

Deno.test("every file of tests, lib and bench that a document names exists", () => {
  const missing: string[] = [];
  for (const page of documents()) {
    for (const [, path] of read(page).matchAll(/`((?:tests|lib|bench|docs)\/[\w./-]+)`/g)) {
      // NNNN stands for a number in instructions.
      if (path !== undefined && !path.includes("NNNN") && !exists(path)) missing.push(`${page}: ${path}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("every folder of lib says in ten to forty lines what it owns, and names files that it has", () => {
  for (const room of rooms()) {
    const text = read(`${room}/README.md`);
    const lines = text.trimEnd().split("\n").length;
    assert(lines >= 10 && lines <= 40, `${room}/README.md has ${lines} lines`);
    for (const [, name = ""] of text.matchAll(/`([a-z_]+(?:\/[a-z_]*)*(?:\.(?:ts|js))?)`/g)) {
      if (name.includes(".") || name.endsWith("/")) {
        // A path from the top is looked at by the test above.
        const isThere = name === "main.ts" || name.startsWith("lib/") || exists(`${room}/${name}`);
        assert(isThere, `${room}/README.md names ${name}`);
      }
    }
  }
});

Deno.test("every link of a document to another file leads somewhere", () => {
  const broken: string[] = [];
  for (const page of documents()) {
    for (const [, target] of read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      if (target !== undefined && !exists(join(dirname(page), target))) broken.push(`${page}: ${target}`);
    }
  }
  assertEquals(broken, []);
});

Deno.test("no table of a document says the same twice", () => {
  const doubled: string[] = [];
  for (const page of documents()) {
    for (const table of read(page).split(/\n(?!\|)/)) {
      const subjects = table.split("\n").filter((line) => line.startsWith("|") && !/^\|[ :-]*-/.test(line));
      const seen = new Set<string>();
      for (const row of subjects) {
        if (seen.has(row)) doubled.push(`${page}: ${row}`);
        seen.add(row);
      }
    }
  }
  assertEquals(doubled, []);
});

Deno.test("every constant that docs/limits.md names stands in the file it names", () => {
  const named = [...read("docs/limits.md").matchAll(/\(`([A-Z_]+)`(?:, `(lib\/[\w./]+)`)?\)/g)];
  assert(named.length >= 3);
  for (const [, constant = "", file] of named) {
    const text = file === undefined ? read("lib/kv/commands.ts") : read(file);
    assert(text.includes(`export const ${constant} `), `${constant} is not in ${file ?? "lib/kv/commands.ts"}`);
  }
});

Deno.test("every promise of docs/guarantees.md names tests that exist, by file and by name", () => {
  const sections = read("docs/guarantees.md").split("\n## ").slice(1).filter((text) => !text.startsWith("Not covered"));
  assert(sections.length >= 20);
  const missing: string[] = [];
  for (const section of sections) {
    const promise = section.split("\n")[0];
    const named = [...section.replaceAll(/\n +/g, " ").matchAll(/^- `(tests\/[\w./]+_(?:test|long)\.ts)`: "(.+)"$/gm)];
    if (named.length === 0) missing.push(`${promise}: no test by name`);
    for (const [, file = "", name = ""] of named) {
      const isThere = exists(file) && read(file).includes(`"${name}"`);
      if (!isThere) missing.push(`${promise}: ${file}: ${name}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("docs/simulator.md says of every check over cores, and of every one of the simulator, what it holds", () => {
  const listed = [...read("docs/simulator.md").matchAll(/^\| `([a-z_]+)` +\| .+ \|$/gm)].map(([, name = ""]) => name);
  // What the checks share; the shadows are described beside the table.
  const parts = ["all", "check", "committed_log", "shadow"];
  const files = ["tests/support/raft/checks", "tests/sim/checks"].flatMap((folder) =>
    [...Deno.readDirSync(join(ROOT, folder))].filter(({ isFile }) => isFile).map(({ name }) =>
      name.replace(/\.ts$/, "")
    )
  );
  const checks = files.filter((name) => !parts.includes(name)).sort();
  assert(checks.length >= 20);
  assertEquals(checks.filter((name) => !listed.includes(name)), []);
  assertEquals(listed.filter((name) => name.includes("_") && !checks.includes(name)), []);
});

Deno.test("the checks of the simulator that docs/guarantees.md names exist", () => {
  const named = [...read("docs/guarantees.md").replaceAll(/\n +/g, " ").matchAll(/`tests\/sim` \(([^)]*)\)/g)];
  const checks = named.flatMap(([, list = ""]) => [...list.matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name));
  assert(checks.length >= 10);
  const files = [...Deno.readDirSync(join(ROOT, "tests/sim"))].filter(({ isFile }) => isFile).map(({ name }) => name);
  const paths = ["tests/support/raft/checks/all.ts", ...files.map((name) => `tests/sim/${name}`)];
  const sources = paths.map((path) => read(path)).join("\n");
  assertEquals(checks.filter((name) => !sources.includes(`"${name}"`)), []);
});
