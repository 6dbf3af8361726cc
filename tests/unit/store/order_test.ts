import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import { Random } from "../../../lib/base/random.ts";
import { Order, OrderCursor } from "../../../lib/store/order.ts";
import type { Page } from "../../../lib/store/page.ts";
import { Span } from "../../../lib/store/span.ts";
import { span, text } from "./bytes.ts";

const FIRST = new Span();

function keysOf(order: Order): string[] {
  const cursor = new OrderCursor(order);
  const keys: string[] = [];
  for (let is = cursor.seek(FIRST); is; is = cursor.next()) keys.push(text(cursor.key));
  return keys;
}

/** Levels of a tree whose totals, separators and leaves are as they must be. */
function checkTree(order: Order): number {
  const leaves: Page[] = [];
  let used = 0;
  let capacity = 0;
  const check = (page: Page): number => {
    used += page.used;
    capacity += page.bytes.length;
    const { children } = page;
    if (children === undefined) {
      leaves.push(page);
      assertEquals(page.total, page.count);
      return 1;
    }
    assertEquals(children.length, page.count + 1);
    const levels = children.map(check);
    assertEquals(page.total, children.reduce((sum, child) => sum + child.total, 0));
    return 1 + Math.max(...levels);
  };
  const levels = check(order.root);
  for (const [at, leaf] of leaves.entries()) {
    assert(leaf.count > 0 || order.size === 0, "An empty leaf");
    assertEquals(leaf.previous, leaves[at - 1]);
    assertEquals(leaf.next, leaves[at + 1]);
  }
  assertEquals([order.used, order.capacity], [used, capacity]);
  return levels;
}

function padded(number: number): string {
  return `key:${number.toString().padStart(12, "0")}`;
}

/** Ways in which keys come and go; each gives key number `n`. */
const KINDS: readonly (readonly [kind: string, make: (number: number, random: Random) => string])[] = [
  ["ascending", padded],
  ["descending", (number) => padded(10 ** 9 - number)],
  ["random numbers", (_, random) => padded(random.below(10 ** 9))],
  ["random bytes", (_, random) => Array.from({ length: 16 }, () => String.fromCharCode(random.below(256))).join("")],
  [
    "few bytes",
    (_, random) => Array.from({ length: random.below(12) }, () => random.pick(["\0", "a", "\xff"])).join(""),
  ],
  ["long beginnings in common", (_, random) => `${"x".repeat(random.below(3) * 700)}${random.below(10 ** 6)}`],
  [
    "longer than a page",
    (_, random) => `${"y".repeat(random.below(3) * 3_000)}${random.below(1_500)}${"z".repeat(300)}`,
  ],
];

for (const [kind, make] of KINDS) {
  Deno.test(`keys are in byte order, forwards, backwards and by rank: ${kind}`, () => {
    const random = new Random(7);
    const order = new Order();
    const model = new Set<string>();
    for (let number = 0; number < 6_000; number++) {
      const key = make(number, random);
      assertEquals(order.add(span(key)), !model.has(key));
      model.add(key);
    }
    checkTree(order);
    const sorted = [...model].sort();
    assertEquals(keysOf(order), sorted);
    const cursor = new OrderCursor(order);
    for (let round = 0; round < 200; round++) {
      const rank = random.below(sorted.length);
      assert(cursor.seekRank(rank));
      assertEquals(text(cursor.key), sorted[rank]);
      const next = `${sorted[rank]}\0`;
      const behind = sorted.find((key) => key >= next);
      assertEquals(cursor.seek(span(next)) ? text(cursor.key) : undefined, behind);
      assertEquals(cursor.seekBefore(span(next)) ? text(cursor.key) : undefined, sorted[rank]);
      assertEquals(cursor.previous() ? text(cursor.key) : undefined, sorted[rank - 1]);
    }
    assert(!cursor.seekRank(sorted.length));
    // All but a few go, in random order, and the tree becomes small again.
    const before = order.capacity;
    for (let at = sorted.length - 1; at > 0; at--) {
      const other = random.below(at + 1);
      [sorted[at], sorted[other]] = [sorted[other] ?? "", sorted[at] ?? ""];
    }
    const rest = sorted.splice(0, 20);
    for (const [at, key] of sorted.entries()) {
      assert(order.remove(span(key)));
      assert(!order.remove(span(key)));
      if (at % 1_000 === 0) checkTree(order);
    }
    assertEquals(keysOf(order), rest.sort());
    checkTree(order);
    assertLess(order.capacity, Math.max(before / 10, 50_000));
    for (const key of rest) assert(order.remove(span(key)));
    assertEquals([order.size, keysOf(order)], [0, []]);
    assertEquals(checkTree(order), 1);
  });
}

Deno.test("keys as long as keys may be, which part in their last bytes and nowhere else, make pages that part at any level", () => {
  const random = new Random(3);
  const order = new Order();
  const model = new Set<string>();
  const beginnings = ["a", "b", "c", "d"].map((letter) => letter.repeat(65_000));
  for (let number = 0; number < 600; number++) {
    const key = random.pick(beginnings) + random.below(10_000).toString().padStart(random.below(500), "0");
    order.add(span(key));
    model.add(key);
    if (random.chance(0.3)) {
      const [gone = ""] = model;
      order.remove(span(gone));
      model.delete(gone);
    }
  }
  checkTree(order);
  assertEquals(keysOf(order), [...model].sort());
});

Deno.test("a tree of three levels parts its upper pages in the middle and at both ends", () => {
  const random = new Random(5);
  for (const make of [padded, (number: number) => padded(10 ** 9 - number), () => padded(random.below(10 ** 9))]) {
    const order = new Order();
    // A long part of each key that only its neighbour shares lets upper pages hold few.
    const key = (number: number) => `${make(number)}${"-".repeat(400)}${random.below(9)}`;
    for (let number = 0; number < 8_000; number++) order.add(span(key(number)));
    assert(checkTree(order) >= 3);
  }
});

Deno.test("keys in order leave full pages behind, and take a few bytes each", () => {
  const order = new Order();
  for (let number = 0; number < 50_000; number++) order.add(span(padded(number)));
  assertLess(order.used / order.size, 9);
  assertLess(order.capacity / order.size, 9);
});

Deno.test("a cursor refuses to go on when keys have come since", () => {
  const order = new Order();
  order.add(span("a"));
  const cursor = new OrderCursor(order);
  assert(cursor.seek(FIRST));
  order.add(span("b"));
  assertThrows(() => cursor.next(), AssertionFailure, "keys have come or gone");
});
