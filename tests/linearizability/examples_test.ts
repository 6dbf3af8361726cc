/** All three judges agree with the histories judged by hand. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";

import { BRUTE_FORCE_OPERATIONS_MAX, bruteForceAccepts } from "./brute_force.ts";
import { checkCertificate } from "./certificate.ts";
import { LINEARIZABLE, NOT_LINEARIZABLE } from "./examples.ts";
import { describeSearchResult, searchLinearization } from "./search.ts";

for (const { name, operations } of LINEARIZABLE) {
  Deno.test(`linearizable: ${name}`, () => {
    assert(bruteForceAccepts(operations), "brute force");
    const found = searchLinearization(operations);
    assertEquals(found.type, "Linearizable", describeSearchResult(found));
    assertEquals(checkCertificate(operations), []);
  });
}

for (const { name, operations } of NOT_LINEARIZABLE) {
  Deno.test(`not linearizable: ${name}`, () => {
    assert(!bruteForceAccepts(operations), "brute force");
    assertEquals(searchLinearization(operations).type, "NotLinearizable");
    assertNotEquals(checkCertificate(operations), []);
  });
}

Deno.test("brute force refuses what would take for ever", () => {
  const [first] = LINEARIZABLE[1]?.operations ?? [];
  assert(first !== undefined);
  const many = Array.from({ length: BRUTE_FORCE_OPERATIONS_MAX + 1 }, () => first);
  let refusal: unknown;
  try {
    bruteForceAccepts(many);
  } catch (error) {
    refusal = error;
  }
  assert(refusal instanceof RangeError);
});
