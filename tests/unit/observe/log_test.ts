/** Fields of log lines, and the folding of lines that come again and again. */

import { assertEquals } from "@std/assert";
import { type Log, type LogFields, withFields } from "../../../lib/observe/log.ts";
import {
  REMEMBERED_LINES_MAX,
  REPEAT_WINDOW_MS,
  RepeatFilter,
  SHOWN_REPEATS_MAX,
} from "../../../lib/observe/repeat_filter.ts";

Deno.test("fields add up, the line's own first", () => {
  const lines: (LogFields | undefined)[] = [];
  const log: Log = (_level, _message, fields?: LogFields) => lines.push(fields);
  const http = withFields(log, { component: "http" });
  http("info", "a");
  withFields(http, { requestId: "r1" })("info", "b");
  http("info", "c", { component: "other" });
  assertEquals(lines, [{ component: "http" }, { component: "http", requestId: "r1" }, { component: "other" }]);
});

function passes(filter: RepeatFilter<string>, key: string, now: number): boolean {
  return filter.pass(key, { line: key, now });
}

Deno.test("a line is shown so often in a window; the rest is told of once when the window is over", () => {
  const filter = new RepeatFilter<string>();
  const shown = Array.from({ length: SHOWN_REPEATS_MAX + 5 }, () => passes(filter, "a", 1_000));
  assertEquals(shown.filter((each) => each).length, SHOWN_REPEATS_MAX);
  assertEquals(passes(filter, "b", 1_001), true, "another line is none of its repetitions");
  assertEquals(filter.due(1_000 + REPEAT_WINDOW_MS - 1), []);
  assertEquals(filter.due(1_000 + REPEAT_WINDOW_MS), [{ line: "a", count: 5 }]);
  assertEquals(filter.due(Infinity), [], "told once; b was not held back");
  assertEquals(passes(filter, "a", 20_000), true, "a new window");
});

Deno.test("a clock that is set back ends a window", () => {
  const filter = new RepeatFilter<string>();
  for (let time = 0; time < SHOWN_REPEATS_MAX + 1; time++) passes(filter, "a", 1_000_000);
  assertEquals(filter.due(5), [{ line: "a", count: 1 }]);
});

Deno.test("what does not fit into the memory of lines is shown", () => {
  const filter = new RepeatFilter<string>();
  for (let at = 0; at < REMEMBERED_LINES_MAX; at++) passes(filter, `line ${at}`, 0);
  const shown = Array.from({ length: SHOWN_REPEATS_MAX + 5 }, () => passes(filter, "one more", 0));
  assertEquals(shown.every((each) => each), true);
});
