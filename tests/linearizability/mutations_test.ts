/** The judges judged: on thousands of damaged histories they agree with brute force, and with each other. */

import { assert, assertEquals, assertGreater } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { bruteForceAccepts } from "./brute_force.ts";
import { checkCertificate } from "./certificate.ts";
import { generateHistory } from "./generator.ts";
import { describeOperation, type Operation } from "./history.ts";
import { type Mutant, mutate } from "./mutations.ts";
import { searchLinearization } from "./search.ts";

const SMALL_HISTORIES = 10_000;
const LARGER_HISTORIES = 600;

function smallHistory(random: Random, seed: number): Operation[] {
  return generateHistory(random, {
    operations: random.between(3, 7),
    clients: random.between(2, 4),
    keys: random.between(1, 2),
    unknownShare: random.pick([0, 0.2, 0.5]),
    // Repeated values in every third one.
    ...(seed % 3 === 0 ? { values: 2 } : {}),
  });
}

function story(seed: number, { operations, mutations }: Mutant): string {
  return [`seed ${seed}`, ...mutations, ...operations.map(describeOperation)].join("\n");
}

Deno.test(`on ${SMALL_HISTORIES} mutants the search agrees with brute force, and the certificate accepts nothing wrong`, () => {
  let rejected = 0;
  let accepted = 0;
  let certified = 0;
  const effective = new Set<string>();
  for (let seed = 1; seed <= SMALL_HISTORIES; seed++) {
    const random = new Random(seed);
    const mutant = mutate(smallHistory(random, seed), { random });
    const accepts = bruteForceAccepts(mutant.operations);
    assertEquals(
      searchLinearization(mutant.operations).type,
      accepts ? "Linearizable" : "NotLinearizable",
      story(seed, mutant),
    );
    const certificate = checkCertificate(mutant.operations);
    if (accepts) {
      accepted += 1;
      if (certificate.length === 0) certified += 1;
    } else {
      rejected += 1;
      assert(certificate.length > 0, `certificate accepts ${story(seed, mutant)}`);
      if (mutant.mutations.length === 1) effective.add(mutant.mutations[0] ?? "");
    }
  }
  assertGreater(rejected, 2_000);
  assertGreater(accepted, 2_000);
  assertGreater(certified, 1_000);
  // All but those that touch only indexes, or make the history weaker.
  assertGreater(effective.size, 10);
});

Deno.test("histories that were not mutated pass all judges", () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const history = smallHistory(new Random(seed), 1);
    const told = story(seed, { operations: history, mutations: [] });
    assert(bruteForceAccepts(history), told);
    assertEquals(searchLinearization(history).type, "Linearizable", told);
    assertEquals(checkCertificate(history), [], told);
  }
});

Deno.test(`on ${LARGER_HISTORIES} larger mutants the search accepts whatever has a certificate`, () => {
  let rejected = 0;
  let certified = 0;
  for (let seed = 1; seed <= LARGER_HISTORIES; seed++) {
    const random = new Random(seed);
    const shape = { operations: 120, clients: 5, keys: 2, unknownShare: random.pick([0, 0.1]), stepMaxNs: 3 };
    const mutant = mutate(generateHistory(random, shape), { random, mutationsMax: 1 });
    const found = searchLinearization(mutant.operations);
    assert(found.type !== "Undecided", story(seed, mutant));
    const certificate = checkCertificate(mutant.operations);
    if (certificate.length === 0) {
      certified += 1;
      assertEquals(found.type, "Linearizable", story(seed, mutant));
    } else if (found.type === "NotLinearizable") {
      rejected += 1;
    }
  }
  assertGreater(rejected, 100);
  assertGreater(certified, 100);
});
