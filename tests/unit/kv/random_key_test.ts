/** RANDOMKEY: evenly drawn by a read, the same on every node by an entry of the log. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { encodeCommand, stampCommand } from "../../../lib/kv/commands.ts";
import type { StateMachine } from "../../../lib/kv/state_machine.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const NOW_MS = 1_700_000_000_000;

function call(state: StateMachine, ...words: readonly string[]): void {
  state.apply(state.lastApplied + 1, spanOf(stampCommand(encodeCommand({ type: "Call", call: words }), NOW_MS)));
}

/** How often each key was drawn. */
function draw(state: StateMachine, draws: number, ...shown: readonly string[]): ReadonlyMap<unknown, number> {
  const random = new Random(7);
  const counts = new Map<unknown, number>();
  for (let at = 0; at < draws; at++) {
    const drawn = state.read(["RANDOMKEY"], {
      random: () => random.fraction(),
      ...shown.length === 0 ? {} : { shown },
    });
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
  }
  return counts;
}

Deno.test("20 000 draws among 1 000 keys give each key, and none more than 60 times", () => {
  const state = emptyState();
  for (let at = 0; at < 3_000; at++) call(state, "SET", `user:${at}`, "x");
  // Keys that went leave no gaps behind, and those that remain are not preferred.
  for (let at = 0; at < 3_000; at++) if (at % 3 !== 0) call(state, "DEL", `user:${at}`);
  const counts = draw(state, 20_000);
  assertEquals(counts.size, 1_000);
  assert(Math.max(...counts.values()) <= 60, `${Math.max(...counts.values())} times`);
});

Deno.test("keys that have expired are not drawn, and where there is no key there is none", () => {
  const state = emptyState();
  assertEquals([...draw(state, 10).keys()], [null]);
  for (let at = 0; at < 50; at++) call(state, "SET", `gone:${at}`, "x", "PXAT", String(NOW_MS + 1));
  call(state, "SET", "stays", "x");
  state.apply(state.lastApplied + 1, spanOf(stampCommand(encodeCommand({ type: "Advance" }), NOW_MS + 5)));
  assertEquals([...draw(state, 50).keys()], ["stays"]);
});

Deno.test("within an entry of the log the draw depends on the keys alone, however they came to be", () => {
  const [one, other] = [emptyState(1), emptyState(2)];
  for (let at = 0; at < 500; at++) call(one, "SET", `k${at}`, "x");
  for (let at = 499; at >= 0; at--) call(other, "SET", `k${at}`, "x");
  const drawn = new Set<unknown>();
  for (let at = 0; at < 200; at++) {
    const command = encodeCommand({ type: "Transaction", compares: [], then: [["RANDOMKEY"]], otherwise: [] });
    const [first, second] = [one, other].map((state) =>
      state.apply(state.lastApplied + 1, spanOf(stampCommand(command, NOW_MS)))
    );
    assertEquals(first, second);
    drawn.add(JSON.stringify(first && "replies" in first ? first.replies : undefined));
  }
  assert(drawn.size > 50, `${drawn.size} different keys`);
});

Deno.test("within an entry of the log 20 000 draws among 1 000 keys give each key too, however keys are named", () => {
  const random = new Random(5);
  const names: readonly ((at: number) => string)[] = [
    (at) => `user:${at}`,
    (at) => `k${String(at).padStart(6, "0")}`,
    () => Array.from({ length: 8 }, () => random.below(16).toString(16)).join(""),
  ];
  for (const name of names) {
    const state = emptyState();
    for (let at = 0; at < 1_000; at++) call(state, "SET", name(at), "x");
    const command = encodeCommand({ type: "Transaction", compares: [], then: [["RANDOMKEY"]], otherwise: [] });
    const drawn = new Set<unknown>();
    for (let at = 0; at < 20_000; at++) {
      const result = state.apply(state.lastApplied + 1, spanOf(stampCommand(command, NOW_MS)));
      drawn.add(result.type === "Transaction" ? result.replies[0] : undefined);
    }
    assertEquals(drawn.size, 1_000, name(1));
  }
});

Deno.test("what is drawn for who may read a part depends on no other key, and goes all over the part", () => {
  const [alone, among] = [emptyState(), emptyState()];
  for (const key of ["a", "b", "c:1", "z"]) call(among, "SET", key, "x");
  for (let at = 0; at < 1_000; at++) for (const state of [alone, among]) call(state, "SET", `b:user:${at}`, "x");
  const counts = draw(among, 20_000, "b:");
  assertEquals(counts, draw(alone, 20_000, "b:"));
  assertEquals(counts.size, 1_000);
  assertEquals([...draw(among, 10, "c:", "y").keys()], ["c:1"]);
});
