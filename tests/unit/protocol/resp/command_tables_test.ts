/** What is made from the rows of the commands is up to date: the client's table and the tables in docs/redis.md. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { makeClientTable, makeDocumentedTables, MARKS } from "../../../support/command_tables.ts";

const CLIENT_TABLE = pathOf("lib/client/command_access.ts");
const PAGE = pathOf("docs/redis.md");

function pathOf(file: string): string {
  return fromFileUrl(new URL(`../../../../${file}`, import.meta.url));
}

/** What is made is checked, or written where UPDATE says so: the formatter decides about line ends and widths of columns. */
async function assertMade(path: string, make: (before: string) => string): Promise<void> {
  const before = await Deno.readTextFile(path);
  if (Deno.env.get("UPDATE") === "1") {
    await Deno.writeTextFile(path, make(before));
    const { success } = await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).output();
    assert(success, `Cannot format ${path}`);
  }
  assertEquals(wordsOf(await Deno.readTextFile(path)), wordsOf(make(before)), `deno task tables rewrites ${path}`);
}

function wordsOf(text: string): readonly string[] {
  return text.replace(/-{3,}/g, "---").split(/\s+/);
}

Deno.test("the client's table is what the rows of the commands make", async () => {
  await assertMade(CLIENT_TABLE, makeClientTable);
});

Deno.test("the tables in docs/redis.md are what the rows of the commands make", async () => {
  await assertMade(PAGE, (page) => {
    const from = page.indexOf(MARKS.begin) + MARKS.begin.length;
    const to = page.indexOf(MARKS.end);
    assert(from > MARKS.begin.length && to >= from, `docs/redis.md has the marks of its tables`);
    return page.slice(0, from) + makeDocumentedTables() + page.slice(to);
  });
});
