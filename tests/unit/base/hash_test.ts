/** The hash that tells commands apart. */

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { hash64 } from "../../../lib/base/hash.ts";

Deno.test("a hash is 16 hexadecimal digits, stable, and of every byte and the length", () => {
  // Written into snapshots: another value here is another format.
  assertEquals(hash64(""), HASH_OF_NOTHING);
  assertEquals(hash64("1;P1:a1:b"), HASH_OF_A_PUT);
  assertMatch(hash64("\xff".repeat(1_000)), /^[0-9a-f]{16}$/);
  for (const [one, other] of [["a", "b"], ["ab", "ba"], ["", "\0"], ["\0", "\0\0"], ["x\x80", "x\x81"]] as const) {
    assertNotEquals(hash64(one), hash64(other));
  }
});

Deno.test("long texts are hashed four bytes at a time, and each bit and the length count", () => {
  const text = Array.from({ length: 65_539 }, (_, at) => String.fromCharCode(at * 7 % 251)).join("");
  assertEquals(hash64(text), HASH_OF_A_LONG_TEXT);
  const hashes = new Set([hash64(text), hash64(text.slice(1)), hash64(`${text}\0`), hash64(`\0${text}`)]);
  for (const at of [0, 1, 2, 3, 30_000, 65_535, 65_536, 65_538]) {
    for (let bit = 0; bit < 8; bit++) {
      hashes.add(
        hash64(text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1)),
      );
    }
  }
  assertEquals(hashes.size, 4 + 8 * 8);
  for (const half of [0, 8]) {
    assertEquals(new Set([...hashes].map((hash) => hash.slice(half, half + 8))).size, hashes.size, `half at ${half}`);
  }
});

Deno.test("among half a million similar texts no half of a hash repeats more often than chance has it", () => {
  const count = 500_000;
  const whole = new Set<string>();
  const halves = [new Set<string>(), new Set<string>()] as const;
  for (let at = 0; at < count; at++) {
    const hash = hash64(`1s5q${at};C3:3:SET4:user1:${at % 10}`);
    whole.add(hash);
    halves[0].add(hash.slice(0, 8));
    halves[1].add(hash.slice(8));
  }
  assertEquals(whole.size, count);
  // 29 repetitions are expected of 32 random bits.
  for (const half of halves) assertEquals(count - half.size < 80, true, `${count - half.size} repetitions`);
});

Deno.test("each flipped bit changes about half of the bits", () => {
  const text = "1s17q42;C3:3:SET3:key5:value";
  const bits = (hash: string) =>
    [...hash].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
  const base = bits(hash64(text));
  let changed = 0;
  let flips = 0;
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
      const other = bits(hash64(flipped));
      const distance = [...base].filter((digit, place) => digit !== other[place]).length;
      assertEquals(distance >= 12 && distance <= 52, true, `${distance} of 64 bits at ${at}, bit ${bit}`);
      changed += distance;
      flips += 1;
    }
  }
  const share = changed / flips / 64;
  assertEquals(share > 0.48 && share < 0.52, true, `${share}`);
});

const HASH_OF_A_LONG_TEXT = "a504150cf1c84a94";
const HASH_OF_NOTHING = "d5ed38cb432309bd";
const HASH_OF_A_PUT = "43b0672d4e364a0f";
