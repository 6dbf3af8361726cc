/** Parts of values as lines of bytes. */

import { assertEquals } from "@std/assert";
import { dumpOf } from "../../../lib/dashboard/assets/bytes_view.js";

Deno.test("dashboard dump: sixteen bytes a line, with their place in the value", () => {
  const bytes = Uint8Array.from({ length: 18 }, (_, at) => at + 0x40);
  assertEquals(
    dumpOf(bytes, 4_096),
    "00001000  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO\n" +
      `00001010  50 51${" ".repeat(44)}PQ`,
  );
  assertEquals(dumpOf(Uint8Array.of(0, 0xff), 0), `00000000  00 ff${" ".repeat(44)}..`);
});
