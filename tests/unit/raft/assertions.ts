/** The assertions of these tests: those of the standard library, and identity. */

import { assert } from "@std/assert";
export { assert, assertEquals, assertThrows } from "@std/assert";

/** Fails unless both are the very same object. */
export function assertStrictEquals(actual: unknown, expected: unknown): void {
  assert(Object.is(actual, expected), "The values are not the same object");
}
