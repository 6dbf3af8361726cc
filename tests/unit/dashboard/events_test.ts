/** The dashboard's time line: what several nodes tell, each frame anew, stands there once. */

import { assertEquals } from "@std/assert";
import { HappeningList } from "../../../lib/dashboard/assets/events.js";

const frame = (id: number, ...told: readonly (readonly [number, string, string])[]) => {
  return { node: { id }, happenings: told.map(([at, type, text]) => ({ at, type, text })) };
};
const texts = (list: HappeningList) => list.newestFirst.map(({ at, text }) => `${at} ${text}`);

Deno.test("dashboard time line: frames repeat what they told, the list does not", () => {
  const list = new HappeningList();
  const told = [[1_000, "lost", "none"], [1_000, "leader", "0 in 1"]] as const;
  assertEquals([list.add(frame(0, ...told)), list.add(frame(0, ...told))], [true, false]);
  assertEquals(texts(list), ["1000 0 in 1", "1000 none"]);
});

Deno.test("dashboard time line: what comes and goes at one node stands there each time", () => {
  const list = new HappeningList();
  const told = [[1_000, "unreachable", "1 gone"], [2_000, "reachable", "1 back"], [3_000, "unreachable", "1 gone"]];
  list.add(frame(0, ...told as [number, string, string][]));
  list.add(frame(0, ...told as [number, string, string][], [900_000, "unreachable", "1 gone"]));
  assertEquals(texts(list), ["900000 1 gone", "3000 1 gone", "2000 1 back", "1000 1 gone"]);
});

Deno.test("dashboard time line: what two nodes saw stands there once", () => {
  const list = new HappeningList();
  list.add(frame(0, [1_000, "leader", "0 in 1"], [1_000, "unreachable", "1 gone"]));
  list.add(frame(2, [500_000, "leader", "0 in 1"], [1_900, "unreachable", "1 gone"]));
  assertEquals(texts(list), ["1000 1 gone", "1000 0 in 1"]);
  list.add(frame(2, [600_000, "unreachable", "1 gone"]));
  assertEquals(list.newestFirst.length, 3);
});

Deno.test("dashboard time line: it is bounded", () => {
  const list = new HappeningList();
  for (let at = 1; at <= 1_000; at++) list.add(frame(0, [at, "snapshot", `up to ${at}`]));
  assertEquals([list.newestFirst.length, texts(list)[0]], [200, "1000 up to 1000"]);
});

Deno.test("dashboard time line: what two nodes tell of happened when the first of them noticed", () => {
  const list = new HappeningList();
  // It was paused, and hears of the election a minute late.
  list.add(frame(2, [61_000, "leader", "1 in 2"]));
  list.add(frame(1, [1_000, "leader", "1 in 2"], [5_000, "snapshot", "of 1"]));
  assertEquals(texts(list), ["5000 of 1", "1000 1 in 2"]);
});
