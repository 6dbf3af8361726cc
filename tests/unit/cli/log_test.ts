/** Log lines in both formats, the folding of repetitions, and what the launcher makes of its nodes' lines. */

import { assertEquals } from "@std/assert";
import { makeLauncherLog } from "../../../lib/cli/launcher_log.ts";
import { makeLog } from "../../../lib/cli/log.ts";
import type { Log, LogFormat } from "../../../lib/observe/log.ts";
import { REPEAT_WINDOW_MS, SHOWN_REPEATS_MAX } from "../../../lib/observe/repeat_filter.ts";

const START = Date.UTC(2026, 0, 1);

/** A log of node 2 with a clock of its own. */
class Bench {
  timeMs = START;
  readonly lines: string[] = [];
  readonly log: Log;

  constructor(format: LogFormat) {
    this.log = makeLog({
      level: "info",
      format,
      node: 2,
      write: (text) => this.lines.push(text),
      now: () => new Date(this.timeMs),
    });
  }
}

Deno.test("a JSON line has what is known and nothing else, on one line", () => {
  const { log, lines } = new Bench("json");
  log("info", 'two\nlines and a "quote"');
  log("warn", "refused", { component: "http", requestId: "r-1" });
  log("debug", "unseen");
  assertEquals(lines, [
    '{"time":"2026-01-01T00:00:00.000Z","level":"info","msg":"two\\nlines and a \\"quote\\"","node":2}\n',
    '{"time":"2026-01-01T00:00:00.000Z","level":"warn","msg":"refused","node":2,"component":"http","request_id":"r-1"}\n',
  ]);
});

Deno.test("a text line names the request it is about, and escapes what a client may have put there", () => {
  const { log, lines } = new Bench("text");
  log("info", "slow", { component: "http", requestId: "r\n1" });
  assertEquals(lines, ["2026-01-01T00:00:00.000Z INFO slow (request r\\x0a1)\n"]);
});

Deno.test("repetitions become one line with their number, before the next line after the window", () => {
  for (const format of ["text", "json"] as const) {
    const bench = new Bench(format);
    for (let at = 0; at < SHOWN_REPEATS_MAX + 7; at++) bench.log("warn", "again");
    bench.log("info", "again");
    assertEquals(bench.lines.length, SHOWN_REPEATS_MAX + 1, "the level is a part of what is repeated");
    bench.timeMs += REPEAT_WINDOW_MS;
    bench.log("info", "other");
    const [folded = "", other = ""] = bench.lines.slice(SHOWN_REPEATS_MAX + 1);
    assertEquals([folded.includes("again (7 more like this)"), other.includes("other")], [true, true], format);
  }
});

Deno.test("lines of a launcher: names in front of text, JSON left as it is, and other lines made JSON", () => {
  const make = (format: LogFormat) => {
    const lines: string[] = [];
    const log = makeLauncherLog({ format, write: (text) => lines.push(text), now: () => new Date(START) });
    log.say("Stopping");
    log.nodeLine(1, '{"msg":"x"}');
    log.nodeLine(1, "ready");
    return lines;
  };
  assertEquals(make("text"), ["Stopping\n", '[node 1] {"msg":"x"}\n', "[node 1] ready\n"]);
  assertEquals(make("json"), [
    '{"time":"2026-01-01T00:00:00.000Z","level":"info","msg":"Stopping","component":"launcher"}\n',
    '{"msg":"x"}\n',
    '{"time":"2026-01-01T00:00:00.000Z","level":"info","msg":"ready","node":1}\n',
  ]);
});
