import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { mergeSessions, replacePart, type Session, showSessions } from "./document.ts";
import { ROOT } from "../../tests/support/program.ts";
import { judge, type RowResult, skipRow } from "./row.ts";

function row(id: string, measured: number): RowResult {
  const bar = { kind: "atLeast", value: 1, of: "median", unit: "", digits: 0 } as const;
  return judge({ id, title: id }, { bar, samples: [measured], notes: [`It was ${measured}.`] });
}

function idsOf(sessions: readonly Session[]): unknown {
  return sessions.map(({ about, rows }) => [about.join(), rows.map(({ id }) => id)]);
}

Deno.test("a row that is measured again leaves the session it was in, and a session without rows is gone", () => {
  const first = mergeSessions([], { about: ["one"], rows: [row("a", 1), row("b", 1), row("c", 1)] });
  const second = mergeSessions(first, { about: ["two"], rows: [row("b", 2)] });
  assertEquals(idsOf(second), [["two", ["b"]], ["one", ["a", "c"]]]);
  const third = mergeSessions(second, {
    about: ["three"],
    rows: [row("b", 3), skipRow({ id: "a", title: "a" }, "Why.")],
  });
  assertEquals(idsOf(third), [["three", ["b"]], ["one", ["a", "c"]]]);
  const skipped = mergeSessions(third, { about: ["four"], rows: [skipRow({ id: "new", title: "new" }, "Why.")] });
  assertEquals(idsOf(skipped), [["four", ["new"]], ["three", ["b"]], ["one", ["a", "c"]]]);
});

Deno.test("only the generated part of the document changes", async () => {
  const document = await Deno.readTextFile(`${ROOT}docs/performance.md`);
  const part = showSessions([{ about: ["a machine"], rows: [row("a", 1)] }]);
  assertMatch(part, /^- a machine\n\n\| what \|[^]*\n\*\*a\*\*\n\n- It was 1\.\n/);
  const written = replacePart(document, part);
  assertMatch(written, /--write`\. -->\n\n- a machine\n[^]*- It was 1\.\n\n<!-- Here it ends\. -->\n/);
  assertEquals(replacePart(replacePart(written, "Something else."), part), written);
  assertEquals(written.split("<!--")[0], document.split("<!--")[0]);
  assertEquals(written.split("<!-- Here it ends. -->")[1], document.split("<!-- Here it ends. -->")[1]);
  assertThrows(() => replacePart("nothing", part), Error, "has no");
});
