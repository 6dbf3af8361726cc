/** Departures from the paper are listed in docs/divergence.md and marked in the code: neither may be forgotten. */

import { assertEquals, assertGreater } from "@std/assert";

const root = new URL("../../../", import.meta.url);

function marks(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "");
}

Deno.test("each departure from the paper is both documented and marked in the code", () => {
  const documented = marks(Deno.readTextFileSync(new URL("docs/divergence.md", root)), /^\*\*(D\d+)\./gm);
  const folder = new URL("lib/raft/", root);
  const code = [...Deno.readDirSync(folder)].map(({ name }) => Deno.readTextFileSync(new URL(name, folder))).join("\n");
  const marked = [...new Set(marks(code, /[Dd]ivergence (D\d+)/g))];
  assertGreater(documented.length, 10);
  assertEquals(marked.sort(), [...documented].sort());
});
