/** Reports are judged line by line: nothing may be missing, added, out of place or wrong. */

import { assert, assertEquals } from "@std/assert";
import { bytesShown, durationBetween, flawOfReport, type WantedLine } from "./report_form.ts";

const WANTED: readonly WantedLine[] = [["Term", 3], ["Role", "Leader"], ["Lag", /^\d+$/], [
  "Size",
  (value) => value > "4",
]];
const RIGHT = "Status\nTerm: 3\nRole: Leader\nLag: 17\nSize: 5\n\n";

Deno.test("a report that says what it must has no flaw, and every change of one character of an exact line is one", () => {
  assertEquals(flawOfReport(RIGHT, "Status", WANTED), undefined);
  const exact = RIGHT.indexOf("Lag");
  for (let at = 0; at < exact; at++) {
    const changed = `${RIGHT.slice(0, at)}#${RIGHT.slice(at + 1)}`;
    assert(flawOfReport(changed, "Status", WANTED) !== undefined, JSON.stringify(changed));
    const without = `${RIGHT.slice(0, at)}${RIGHT.slice(at + 1)}`;
    assert(flawOfReport(without, "Status", WANTED) !== undefined, JSON.stringify(without));
  }
});

Deno.test("a report with a line too many, too few or in another place has a flaw", () => {
  const lines = RIGHT.split("\n");
  for (let at = 1; at < 5; at++) {
    const [less, twice] = [lines.toSpliced(at, 1), lines.toSpliced(at, 0, lines[at] ?? "")];
    for (const changed of [less, twice]) assert(flawOfReport(changed.join("\n"), "Status", WANTED) !== undefined);
  }
  assert(flawOfReport(lines.toSpliced(1, 2, "Role: Leader", "Term: 3").join("\n"), "Status", WANTED) !== undefined);
  for (const wrong of ["Lag: none", "Lag: "]) {
    assert(flawOfReport(RIGHT.replace("Lag: 17", wrong), "Status", WANTED) !== undefined, wrong);
  }
  assert(flawOfReport(RIGHT.replace("Size: 5", "Size: 3"), "Status", WANTED) !== undefined);
  assert(flawOfReport(RIGHT.slice(0, -1), "Status", WANTED) !== undefined);
});

Deno.test("bytes and durations are what people read", () => {
  assertEquals([512, 1_023, 1_024, 1_536, 2_097_152].map(bytesShown), [
    "512 bytes",
    "1023 bytes",
    "1024 bytes (1.0 KiB)",
    "1536 bytes (1.5 KiB)",
    "2097152 bytes (2.0 MiB)",
  ]);
  const fits = durationBetween(61_500, 63_000);
  assertEquals(["1 m 0 s", "1 m 1 s", "1 m 3 s", "1 m 4 s", "61 s", "1 m"].map(fits), [
    false,
    true,
    true,
    false,
    false,
    false,
  ]);
});
