import { assertEquals } from "@std/assert";
import { MajorityWindows } from "./majority_windows.ts";

/** Windows by a clock that stands still unless it is set. */
function windows(voters: readonly number[]): { readonly it: MajorityWindows; at(ms: number): MajorityWindows } {
  let now = 500;
  const it = new MajorityWindows(voters, () => now);
  return {
    it,
    at: (ms) => {
      now = 500 + ms;
      return it;
    },
  };
}

Deno.test("a window counts while a majority is there, and is served by whatever was done in it", () => {
  const { at } = windows([0, 1, 2]);
  at(100).serve();
  at(1_500).leave(1);
  at(2_999).serve();
  at(3_100).serve();
  assertEquals(at(3_900).count(), { all: 3, counted: 3, served: 2, unserved: [1] });
  assertEquals(at(4_000).count(), { all: 4, counted: 4, served: 3, unserved: [1] });
});

Deno.test("each window in which there was no majority for a moment is left out, those between as well", () => {
  const { at } = windows([0, 1, 2]);
  at(900).leave(1);
  at(1_200).leave(2);
  at(1_300).serve();
  at(3_100).come(1);
  at(4_200).leave(0);
  at(4_300).come(0);
  assertEquals(at(6_000).count(), { all: 6, counted: 2, served: 0, unserved: [0, 5] });
});

Deno.test("who is away for two reasons is back when both are over", () => {
  const { at } = windows([0, 1, 2]);
  at(0).leave(1);
  at(0).leave(2);
  at(100).leave(2);
  at(1_100).come(2);
  at(2_100).come(2);
  assertEquals(at(4_000).count(), { all: 4, counted: 1, served: 0, unserved: [3] });
});

Deno.test("while one of two configurations may be in force both need a majority", () => {
  const { at } = windows([0, 1, 2]);
  at(0).leave(2);
  at(1_000).setVoters([0, 1, 2], [0, 1, 2, 3]);
  at(1_500).leave(3);
  at(2_500).setVoters([0, 1, 2]);
  at(3_500).setVoters([0, 1, 2], [0, 2]);
  assertEquals(at(5_000).count(), { all: 5, counted: 1, served: 0, unserved: [0] });
});
