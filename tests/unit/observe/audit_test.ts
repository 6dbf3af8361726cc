/** What a line of the audit log looks like, and how many of them strangers can cause. */

import { assertEquals } from "@std/assert";
import {
  AUDIT_TEXT_BYTES_MAX,
  type AuditEvent,
  AuditRecorder,
  LOGINS_PER_SECOND_MAX,
  REFUSALS_PER_SECOND_MAX,
} from "../../../lib/observe/audit.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { METRIC } from "../../../lib/observe/names.ts";

const REFUSED: AuditEvent = {
  type: "Refused",
  user: "",
  from: "10.0.0.9",
  protocol: "redis",
  command: "set",
  subject: "k",
  isAllowed: false,
};

/** A recorder whose time stands still until it is told. */
function stage() {
  const lines: string[] = [];
  const metrics = new Registry();
  const time = { now: 0 };
  const recorder = new AuditRecorder({
    node: 3,
    clock: { now: () => time.now },
    dateMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    write: (line) => lines.push(line),
    metrics,
  });
  const left = () => metrics.counterFamily(METRIC.auditLinesLost, ["reason"]).counter(["rate"]).value;
  return { recorder, lines, time, left };
}

Deno.test("a line is one object with what is known, and nothing that is not", () => {
  const { recorder, lines } = stage();
  recorder.record({ ...REFUSED, user: "alice" });
  recorder.record({
    ...{ type: "Admin", user: "root", from: "::1", protocol: "http", command: "setUser", subject: "bob" },
    ...{ isAllowed: true, outcome: "Done" },
  });
  assertEquals(lines, [
    '{"time":"2026-01-02T03:04:05.006Z","node":3,"event":"refused","user":"alice","from":"10.0.0.9","protocol":"redis",' +
    '"command":"set","subject":"k","allowed":false}\n',
    '{"time":"2026-01-02T03:04:05.006Z","node":3,"event":"admin","user":"root","from":"::1","protocol":"http",' +
    '"command":"setUser","subject":"bob","allowed":true,"outcome":"Done"}\n',
  ]);
});

Deno.test("a subject of any bytes is printable, on one line, of a bounded length, and no two look alike", () => {
  const { recorder, lines } = stage();
  const cases: [subject: string, shown: string][] = [
    ["a\nb\0\x7f", "a\\x0ab\\x00\\x7f"],
    ["k\xc3\xa4se\xff", "k\\xc3\\xa4se\\xff"],
    ["a\\x0ab", "a\\\\x0ab"],
    ['say "hello"', 'say "hello"'],
    ["x".repeat(AUDIT_TEXT_BYTES_MAX), "x".repeat(AUDIT_TEXT_BYTES_MAX)],
    ["x".repeat(AUDIT_TEXT_BYTES_MAX + 1), `${"x".repeat(AUDIT_TEXT_BYTES_MAX)}...`],
  ];
  for (const [subject, shown] of cases) {
    recorder.record({ ...REFUSED, subject });
    const line = lines.at(-1) ?? "";
    assertEquals([JSON.parse(line).subject, line.indexOf("\n")], [shown, line.length - 1]);
  }
});

Deno.test("refusals and failed logins have so many lines a second, and what is left out is told of; all else always has one", () => {
  const { recorder, lines, time, left } = stage();
  const failed: AuditEvent = { ...REFUSED, type: "Login", command: "login" };
  for (let count = 0; count < REFUSALS_PER_SECOND_MAX; count++) recorder.record(count % 2 === 0 ? REFUSED : failed);
  assertEquals([lines.length, left()], [REFUSALS_PER_SECOND_MAX, 0]);
  for (let count = 0; count < 7; count++) recorder.record(count % 2 === 0 ? REFUSED : failed);
  assertEquals([lines.length, left()], [REFUSALS_PER_SECOND_MAX, 7]);
  for (let count = 0; count < 1_000; count++) recorder.record({ ...REFUSED, type: "Admin", isAllowed: true });
  assertEquals(lines.length, REFUSALS_PER_SECOND_MAX + 1_000);
  assertEquals(JSON.parse(lines[REFUSALS_PER_SECOND_MAX] ?? "").left_out, 7);
  assertEquals("left_out" in JSON.parse(lines[REFUSALS_PER_SECOND_MAX + 1] ?? ""), false);
  time.now = 999;
  recorder.record(REFUSED);
  assertEquals([lines.length, left()], [REFUSALS_PER_SECOND_MAX + 1_000, 8]);
  time.now = 1_000;
  recorder.record(REFUSED);
  assertEquals(JSON.parse(lines.at(-1) ?? "").left_out, 1);
});

Deno.test("logins have lines of their own a second: who repeats his without end displaces nothing", () => {
  const { recorder, lines, time, left } = stage();
  const login: AuditEvent = { ...REFUSED, type: "Login", command: "login", isAllowed: true };
  for (let count = 0; count < LOGINS_PER_SECOND_MAX + 7; count++) recorder.record(login);
  assertEquals([lines.length, left()], [LOGINS_PER_SECOND_MAX, 7]);
  recorder.record(REFUSED);
  assertEquals(JSON.parse(lines.at(-1) ?? "").left_out, 7);
  time.now = 1_000;
  recorder.record(login);
  assertEquals([lines.length, left()], [LOGINS_PER_SECOND_MAX + 2, 7]);
});
