/** Blocks of a snapshot from outside: what cannot be a state is refused before anything relies on it. */

import { assertEquals } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { keyBlockOf, stateOf } from "../../support/state.ts";

type Block = string | Uint8Array;

function loads(...blocks: readonly Block[]): boolean {
  return stateOf(blocks.map((block) => typeof block === "string" ? stringToBytes(block) : block)) !== undefined;
}

const HEAD = '{"format":5,"lastApplied":3,"timeMs":5}';

Deno.test("a block is refused when it cannot be of a state", () => {
  assertEquals(
    loads(HEAD, keyBlockOf(["a", "\0\xff", 1, 1, 1, 0], ["", "", 1, 3, 2, 0]), keyBlockOf(["b", "v", 1, 2, 2, 9])),
    true,
  );
  assertEquals(
    loads(
      HEAD,
      '{"sessions":[[2,1000,90,0,[[1,"{}","0123456789abcdef"],[2,null,"0123456789abcdef"]]],[3,1000,90,0,[]]]}',
    ),
    true,
  );
  const whole = keyBlockOf(["a", "value", 1, 1, 1, 0]);
  const refused: readonly (readonly Block[])[] = [
    ['{"format":5,"lastApplied":-3,"timeMs":5}'],
    ['{"format":5,"lastApplied":3}'],
    ['{"format":1,"lastApplied":3,"timeMs":5}'],
    [whole],
    [HEAD, "K"],
    [HEAD, whole.slice(0, -1)],
    [HEAD, whole.slice(0, 40)],
    [HEAD, new Uint8Array([...whole, 0])],
    [HEAD, keyBlockOf(["a", "v", -1, 1, 1, 0])],
    [HEAD, keyBlockOf(["a", "v", 1, 0.5, 1, 0])],
    [HEAD, keyBlockOf(["a", "v", NaN, 1, 1, 0])],
    [HEAD, keyBlockOf(["a", "v", 1, 4, 1, 0])],
    [HEAD, keyBlockOf(["a", "v", 3, 2, 1, 0])],
    [HEAD, keyBlockOf(["a", "v", 1, 1, 0, 0])],
    [HEAD, keyBlockOf(["a", "v", 1, 1, 1, -1])],
    [HEAD, keyBlockOf(["a", "v", 1, 1, 1, Infinity])],
    [HEAD, keyBlockOf(["a", "v", 1, 1, 1, 0], ["a", "w", 2, 2, 1, 0])],
    [HEAD, keyBlockOf(["b", "v", 1, 1, 1, 0]), keyBlockOf(["a", "v", 2, 2, 1, 0]), keyBlockOf(["b", "v", 1, 1, 1, 0])],
    [HEAD, '{"sessions":[[4,1000,90,0,[]]]}'],
    [HEAD, '{"sessions":[[3,1000,90,0,[]],[2,1000,90,0,[]]]}'],
    [HEAD, '{"sessions":[[2,1000,90,0,[[1,"{","0123456789abcdef"]]]]}'],
    [HEAD, '{"sessions":[[2,1000,90,0,[[1,"{}"]]]]}'],
    [HEAD, '{"sessions":[[2,1000,90,0,[[1,"{}","0123"]]]]}'],
    [HEAD, '{"sessions":[[2,1000,90,0]]}'],
    [HEAD, "{}"],
    [HEAD, '["a","v",1,1,1,0]'],
  ];
  for (const [at, blocks] of refused.entries()) assertEquals(loads(...blocks), false, `case ${at}`);
});

Deno.test("a block of many records, one of them long, gives each of them back", () => {
  const keys = Array.from(
    { length: 2_000 },
    (_, at) => [`k${at}`, "x".repeat(at === 700 ? 300_000 : at % 90), 1, 2, 2, at] as const,
  );
  const state = stateOf([stringToBytes(HEAD), keyBlockOf(...keys)]);
  assertEquals(state?.size, 2_000);
  assertEquals(
    keys.every(([key, value]) =>
      state?.read(["GET", key], { random: () => 0 }) ===
        (Number(key.slice(1)) > 0 && Number(key.slice(1)) <= 5 ? null : value)
    ),
    true,
  );
});
