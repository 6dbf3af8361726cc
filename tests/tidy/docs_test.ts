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
  const pages = [...Deno.readDirSync(join(ROOT, "docs"))].filter((entry) => entry.name.endsWith(".md"));
  return ["README.md", "CONTRIBUTING.md", ...pages.map((entry) => `docs/${entry.name}`)];
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

Deno.test("every link of a document to another file leads somewhere", () => {
  const broken: string[] = [];
  for (const page of documents()) {
    for (const [, target] of read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      if (target !== undefined && !exists(join(dirname(page), target))) broken.push(`${page}: ${target}`);
    }
  }
  assertEquals(broken, []);
});

Deno.test("every constant that docs/limits.md names stands in the file it names", () => {
  const named = [...read("docs/limits.md").matchAll(/\(`([A-Z_]+)`(?:, `(lib\/[\w./]+)`)?\)/g)];
  assert(named.length >= 3);
  for (const [, constant = "", file] of named) {
    const text = file === undefined ? read("lib/kv/commands.ts") : read(file);
    assert(text.includes(`export const ${constant} `), `${constant} is not in ${file ?? "lib/kv/commands.ts"}`);
  }
});

Deno.test("every promise of docs/guarantees.md names a test", () => {
  const rows = read("docs/guarantees.md").split("\n").filter((line) => /^\| [A-Z]/.test(line));
  assert(rows.length >= 10);
  for (const row of rows) assert(row.includes("tests/") || row.startsWith("| Limits"), row);
});
