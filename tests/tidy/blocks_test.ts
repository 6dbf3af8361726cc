/** Every block of the documents that people type is run, or marked with the reason; marks may go, and none may come. */

import { assert, assertEquals } from "@std/assert";
import { readAllPages } from "../documents/all_pages.ts";

/** Blocks with a mark. When one of them is run, lower it; it is never raised. */
const MARKED = 16;

Deno.test("no page has a block that is neither run nor marked", () => {
  const mistakes = readAllPages().flatMap(({ path, plan }) => plan.mistakes.map((mistake) => `${path}: ${mistake}`));
  assertEquals(mistakes, []);
});

Deno.test("the number of blocks that are marked as not run does not grow", () => {
  const marks = readAllPages().flatMap(({ path, plan }) =>
    plan.marked.map(({ line, reason }) => `${path}:${line}: ${reason}`)
  );
  const what = marks.length > MARKED ? "a block more is not run" : "fewer are marked now: lower MARKED";
  assertEquals(marks.length, MARKED, `${what}\n${marks.join("\n")}`);
});

Deno.test("every task and disaster of docs/operations.md has a page that is run, and every page is listed there", () => {
  const pages = readAllPages();
  const index = pages.find(({ path }) => path === "docs/operations.md")?.markdown ?? "";
  const listed = [...index.matchAll(/\]\((operations\/[\w-]+\.md)\)/g)].map(([, path = ""]) => `docs/${path}`);
  const run = pages.filter(({ path, plan }) => path.startsWith("docs/operations/") && plan.steps.length > 0);
  assert(run.length >= 3);
  assertEquals([...new Set(listed)].sort(), run.map(({ path }) => path));
});
