/** The sharded map behaves as one Map does. */

import { assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { ShardedMap } from "../../../lib/base/sharded_map.ts";

Deno.test("a sharded map holds what a Map holds after the same operations", () => {
  const random = new Random(1);
  const sharded = new ShardedMap<number>();
  const model = new Map<string, number>();
  for (let step = 0; step < 20_000; step++) {
    const key = `key-${random.below(500)}`;
    if (random.chance(0.3)) assertEquals(sharded.delete(key), model.delete(key));
    else {
      sharded.set(key, step);
      model.set(key, step);
    }
    assertEquals(sharded.size, model.size);
  }
  for (let number = 0; number < 500; number++) {
    assertEquals(sharded.get(`key-${number}`), model.get(`key-${number}`));
  }
});

Deno.test("names of the language and strange bytes are keys like any other", () => {
  const map = new ShardedMap<string>();
  const keys = ["", "__proto__", "constructor", "toString", "\x00", "\xff", "\x00\x00", "a".repeat(65_536)];
  for (const key of keys) assertEquals(map.get(key), undefined);
  for (const key of keys) map.set(key, `value of ${key.length}`);
  assertEquals(map.size, keys.length);
  for (const key of keys) assertEquals(map.get(key), `value of ${key.length}`);
});
