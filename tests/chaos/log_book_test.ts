import { assertEquals, assertMatch } from "@std/assert";

import { LogBook, tokenOf } from "./log_book.ts";

const LINES: readonly string[] = [
  "Log Entries",
  "Index 1, Term 1: (no-op)",
  'Index 2, Term 1: PUT "k" "u1-1.xxx"',
  'Index 3, Term 1: DELETE "k"',
  'Index 4, Term 2: PUT "k" "u1-2."... (90 bytes)',
  "Index 5, Term 2: (configuration from voters 0,1,2 voters 1,2 learners 0 drained 1 level 7)",
];

function bookOf(lines: readonly string[], committed: number): LogBook {
  const book = new LogBook();
  book.take(lines, { committed, source: "a test" });
  return book;
}

Deno.test("the log book finds writes by the mark of their value, and what was done to a key in order", () => {
  const book = bookOf(LINES, 5);
  assertEquals([book.indexOf("u1-1.xxx"), book.indexOf("u1-2.yy"), book.indexOf("u1-3.")], [2, 4, undefined]);
  assertEquals(book.writesOf("k"), [{ index: 2, token: "u1-1" }, { index: 3, token: null }, {
    index: 4,
    token: "u1-2",
  }]);
  assertEquals(book.configurations, [{ index: 5, votersOld: [0, 1, 2], voters: [1, 2], learners: [0] }]);
  assertEquals([book.highest, book.missing, book.leaders, book.term], [5, 0, 1, 2]);
  assertEquals(tokenOf("u1-1.xxx"), "u1-1");
});

Deno.test("the log book takes nothing that is not committed, and knows what it has missed", () => {
  assertEquals(bookOf(LINES, 3).indexOf("u1-2."), undefined);
  const book = bookOf(LINES.slice(3), 5);
  assertEquals([book.highest, book.missing], [5, 2]);
});

Deno.test("the log book notices a committed entry that another node tells differently, and a write that stands twice", () => {
  const book = bookOf(LINES, 5);
  book.take(LINES, { committed: 5, source: "another node" });
  assertEquals(book.contradictions, []);
  book.take(['Index 2, Term 2: PUT "k" "u1-9."'], { committed: 5, source: "another node" });
  book.take(['Index 6, Term 2: PUT "k" "u1-1.xxx"'], { committed: 6, source: "another node" });
  assertEquals(book.contradictions.length, 2);
  assertMatch(book.contradictions[0] ?? "", /^entry 2 was committed as .* and another node shows/);
  assertMatch(book.contradictions[1] ?? "", /^the write of u1-1 stands in the log twice, at 2 and 6$/);
});
