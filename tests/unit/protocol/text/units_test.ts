/** Numbers with units. */

import { assertEquals } from "@std/assert";
import { formatBytes, formatDuration, formatMilliseconds, formatShare } from "../../../../lib/protocol/text/units.ts";

Deno.test("Bytes are exact, and rounded to a unit behind that", () => {
  assertEquals(formatBytes(0), "0 bytes");
  assertEquals(formatBytes(1_023), "1023 bytes");
  assertEquals(formatBytes(1_536), "1536 bytes (1.5 KiB)");
  assertEquals(formatBytes(5 * 2 ** 40), "5497558138880 bytes (5.0 TiB)");
  assertEquals(formatBytes(5_000 * 2 ** 40), "5497558138880000 bytes (5000.0 TiB)");
});

Deno.test("Durations are shown down to seconds", () => {
  const rows: readonly (readonly [number, string])[] = [
    [0, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 m 0 s"],
    [3_723_000, "1 h 2 m 3 s"],
    [86_400_000, "1 d 0 h 0 m"],
    [90_061_000, "1 d 1 h 1 m"],
  ];
  for (const [milliseconds, shown] of rows) assertEquals(formatDuration(milliseconds), shown);
});

Deno.test("Milliseconds have three decimals, shares one", () => {
  assertEquals(formatMilliseconds(0.12345), "0.123 ms");
  assertEquals(formatShare(1, 3), "33.3 %");
  assertEquals(formatShare(0, 0), "none");
});
