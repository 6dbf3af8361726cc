/** Bits that change in the memory of a store: whatever they are a bit of, the sweep finds them, and it finds nothing else. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { damageMemory, type DamageSite } from "../../../lib/store/damage.ts";
import { Store } from "../../../lib/store/store.ts";
import { span } from "./bytes.ts";

const DEADLINE = 1_700_000_000_123;
const SITES: readonly DamageSite[] = ["Key", "Value", "Revision", "Deadline", "Hash", "Place", "Order", "Due"];

/** Buckets that are not sound. */
function unsound({ sweep }: Store): number {
  return Array.from({ length: sweep.buckets }, (_, bucket) => sweep.isSound(bucket)).filter((sound) => !sound).length;
}

function put(store: Store, key: string, value = `value of ${key}`): void {
  const revision = store.size + 1;
  store.put(span(key), { value: span(value), revision, deadline: DEADLINE, type: 0 });
}

function damage(store: Store, site: DamageSite, key: string): void {
  damageMemory(site, () => assert(store.find(span(key), store.makeView())));
}

for (const shards of [1, 16]) {
  for (const site of SITES) {
    Deno.test(`a bit of a record that changes is found: ${site}, in ${shards} shards`, () => {
      const store = new Store({ seed: [1, 2], shards });
      for (let key = 0; key < 500; key++) put(store, `key${key}`);
      assertEquals(unsound(store), 0);
      damage(store, site, "key77");
      assert(unsound(store) >= 1);
    });
  }
}

Deno.test("a bit that changes in a record which is written again afterwards is found as well", () => {
  for (const site of ["Value", "Revision"] as const) {
    const store = new Store({ seed: [1, 2], shards: 4 });
    for (let key = 0; key < 100; key++) put(store, `key${key}`);
    damage(store, site, "key7");
    put(store, "key7", "another value");
    assertEquals(unsound(store), 1, site);
  }
});

Deno.test("a bit of a large value that changes is found, and one that grows by parts is sound", () => {
  const store = new Store({ seed: [1, 2], shards: 4 });
  put(store, "large", "l".repeat(100_003));
  store.patch(span("large"), { at: 100_003, bytes: span("and more"), revision: 3 });
  assertEquals(unsound(store), 0);
  damage(store, "Value", "large");
  assertEquals(unsound(store), 1);
});

Deno.test("whatever is written, removed, renamed, expires or is compacted, a store is sound, and so is one that was cleared", () => {
  const random = new Random(5);
  const store = new Store({ seed: [3, 4], shards: 8 });
  const view = store.makeView();
  for (let round = 1; round <= 20_000; round++) {
    const key = span(`key${random.below(800)}`);
    const deadline = random.chance(0.3) ? DEADLINE + random.below(1_000) : 0;
    const isThere = store.find(key, view);
    if (isThere && random.chance(0.2)) store.remove(view);
    else if (isThere && random.chance(0.1)) {
      store.rename(view, span(`key${random.below(800)}a`), { revision: round, deadline });
    } else if (isThere && random.chance(0.3)) store.setDeadline(view, { revision: round, deadline });
    else {
      const value = span("v".repeat(random.chance(0.01) ? 70_000 : random.below(200)));
      store.put(key, { value, revision: round, deadline, type: 0 });
    }
    if (round % 2_000 === 0) assertEquals(unsound(store), 0, `round ${round}`);
  }
  while (store.compact(1_000_000)) assertEquals(unsound(store), 0);
  store.clear();
  assertEquals(unsound(store), 0);
  put(store, "again");
  assertEquals(unsound(store), 0);
});
