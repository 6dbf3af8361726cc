/** A million operations in one go: both checks stay near linear where histories are ordinary. */

import { assertEquals, assertGreater } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { checkCertificate } from "./certificate.ts";
import { generateHistory } from "./generator.ts";
import { describeSearchResult, searchLinearization } from "./search.ts";

const OPERATIONS = 1_000_000;
const SEED = 1;

Deno.test(`${OPERATIONS} operations of ten clients pass both checks (seed ${SEED})`, async (context) => {
  const shape = {
    operations: OPERATIONS,
    clients: 10,
    keys: 4,
    operationsPerKey: 500,
    unknownShare: 0.02,
    stepMaxNs: 1_000,
  };
  const history = generateHistory(new Random(SEED), shape);
  assertEquals(history.length, OPERATIONS);
  assertGreater(new Set(history.map(({ key }) => key)).size, 1_900);
  assertGreater(history.filter(({ outcome }) => outcome === "unknown").length, 5_000);
  await context.step("certificate", () => assertEquals(checkCertificate(history), []));
  await context.step("search", () => {
    const found = searchLinearization(history);
    assertEquals(found.type, "Linearizable", describeSearchResult(found));
  });
});
