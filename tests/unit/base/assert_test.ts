/** Assertions end what goes on, with a class that says whose fault it is. */

import { assertEquals, assertThrows } from "@std/assert";
import { assert, AssertionFailure, unreachable } from "../../../lib/base/assert.ts";

Deno.test("assert passes what holds, and throws its message for what does not", () => {
  assert(true, "Cannot happen");
  const failure = assertThrows(() => assert(false, "Cannot append entry 7: last index is 5"), AssertionFailure);
  assertEquals(failure.message, "Cannot append entry 7: last index is 5");
  assertEquals(failure.name, "AssertionFailure");
});

Deno.test("unreachable names the case that was forgotten", () => {
  const forgotten: unknown = { type: "Surprise" };
  assertThrows(() => unreachable(forgotten as never), AssertionFailure, '{"type":"Surprise"}');
});
