/** The node file: whatever it holds, damage is told as such. */

import { assertThrows } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { CorruptionError } from "../../../lib/base/errors.ts";
import { decodeNodeFile, NODE_FILE_FORMAT } from "../../../lib/storage/node_file.ts";

Deno.test("a node file that is nested too deep to be written again is damaged", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  for (const sum of ["", ',"checksum":"00000000"']) {
    const bytes = stringToBytes(`{"format":${NODE_FILE_FORMAT},"deep":${deep}${sum}}`);
    assertThrows(() => decodeNodeFile(bytes, "RaftNode0.json"), CorruptionError, "the checksum does not match");
  }
});
