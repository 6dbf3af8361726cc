/** The errors that cross layers say what failed, where, and why. */

import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  AccessError,
  CorruptionError,
  DirectoryLockedError,
  DiskFailureError,
  FormatVersionError,
  IncompatibleError,
  NoSpaceError,
} from "../../../lib/base/errors.ts";

Deno.test("damage is told with file and offset", () => {
  const error = new CorruptionError("wal/1.wal", { offset: 4_096, what: "checksum does not match" });
  assertEquals(error.message, "Damaged data in wal/1.wal at offset 4096: checksum does not match");
  assertEquals([error.file, error.offset], ["wal/1.wal", 4_096]);
});

Deno.test("a failed disk operation keeps its cause, whatever was thrown", () => {
  const cause = new Error("Input/output error (os error 5)");
  const error = new DiskFailureError("wal/1.wal", { operation: "sync", cause });
  assertEquals(error.message, "Cannot sync wal/1.wal: Input/output error (os error 5)");
  assertEquals(error.cause, cause);
  assertEquals(
    new AccessError("data", { operation: "create", cause: "not allowed" }).message,
    "Cannot create data: not allowed",
  );
});

Deno.test("each class is told from the others by class and by name", () => {
  const errors = [
    new CorruptionError("f", { offset: 0, what: "w" }),
    new DiskFailureError("f", { operation: "sync", cause: "why" }),
    new NoSpaceError("f"),
    new DirectoryLockedError("d"),
    new IncompatibleError("Cannot use f: it belongs to node 3"),
    new FormatVersionError("f", { version: 9, known: 1 }),
    new AccessError("f", { operation: "open", cause: "why" }),
  ];
  for (const error of errors) {
    assertInstanceOf(error, Error);
    assertEquals(error.name, error.constructor.name);
    assertEquals(errors.filter((other) => other instanceof error.constructor).length, 1);
  }
});
