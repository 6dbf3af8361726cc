/** Lists with long byte strings behind them: nothing is lost or made longer, and no string makes the head of a record. */

import { assert, assertEquals } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { LONG_BYTES_MIN, mayBeWide, readList, writeList } from "../../../lib/base/long_strings.ts";

const RECORD_HEAD = "\x01KR\x02";
const LONG = "x".repeat(LONG_BYTES_MIN);
const VALUE_BYTES = 8_388_608;

function random(bytes: number): string {
  const drawn = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(drawn.subarray(at, Math.min(at + 65_536, bytes)));
  return bytesToString(drawn);
}

Deno.test("a list comes back, whatever its strings hold and however long they are", () => {
  const lists: readonly (readonly unknown[])[] = [
    [],
    ["a\n\x01KR\x02", null, { voters: [1] }, 7],
    [LONG],
    [LONG.slice(1), "a", LONG, null, `${LONG}b`, { a: "\n" }, 0],
    [random(LONG_BYTES_MIN), `${LONG}\n[5]\n`, random(LONG_BYTES_MIN + 1)],
    // The guard at a string's end, across two strings, repeated, and already in the string.
    [`${LONG}\x01KR`, `\x02${LONG}`],
    [`${LONG}\x01K`, `R\x02${LONG}`],
    [`\x01\x01K\x01KR\x02\x01KR\x01KR\0\x01KR\0\0${LONG}\x01KR\0`],
  ];
  for (const list of lists) assertEquals(readList(writeList(list)), list);
});

Deno.test("no text holds the head of a record", () => {
  for (const list of [[RECORD_HEAD], [RECORD_HEAD.repeat(LONG_BYTES_MIN)], [`${LONG}\x01KR`, `\x02${LONG}`]]) {
    assert(!writeList(list).includes(RECORD_HEAD));
  }
});

Deno.test("a list of short strings is plain JSON, and one of 8 MiB of random bytes is no longer than they are", () => {
  assertEquals(writeList(["a\n", null, 1]), '["a\\n",null,1]');
  const long = writeList([random(VALUE_BYTES)]);
  assert(long.length < VALUE_BYTES + 100, `${long.length} characters`);
});

Deno.test("strings full of what is guarded come back, and are neither guarded a million times nor made more than a third longer", () => {
  for (const bytes of ["\x01KR", "\x01KR\0", RECORD_HEAD]) {
    const value = bytes.repeat(VALUE_BYTES / 4);
    const text = writeList([1, value]);
    assert(text.split("\x01KR").length < 2_000, "too many guards");
    assert(text.length < value.length * 1.34 + 100, `${text.length} characters`);
    assertEquals(readList(text), [1, value]);
  }
  const few = `${LONG}${"\x01KR".repeat(1_000)}`;
  assert(writeList([few]).length < few.length + 1_100);
  assertEquals(readList(writeList([few])), [few]);
});

Deno.test("every other text is refused", () => {
  const texts = [
    "",
    "{}",
    "[",
    "[]\n",
    `{}\n${LONG}`,
    `["a"]\n${LONG}`,
    `[[${LONG.length}]]\n${LONG}y`,
    `[[${LONG.length}]]\n${LONG.slice(1)}`,
    `[[${LONG.length}],[${LONG.length}]]\n${LONG}`,
    `[[${LONG.length},1]]\n${LONG}`,
    `[[${LONG.length + 0.5}]]\n${LONG}y`,
    `[["${LONG.length}"]]\n${LONG}`,
    `[[-${LONG.length}]]\n${LONG}`,
    `[[${LONG.length - 1}]]\n${LONG.slice(1)}`,
    `[[${LONG.length + 4}]]\n${LONG}${RECORD_HEAD}`,
    `[[${LONG.length + 3}]]\n${LONG}\x01KR`,
    `["a"]\r`,
    `[[${LONG.length}]]\r${LONG}`,
    `[[${LONG.length}]]\r${btoa(LONG)}\n`,
    `[[${LONG.length}]]\r${btoa(LONG).replace(/=+$/, "")}`,
    `[[${LONG.length + 6_000}]]\n${LONG}${"\x01KR\0".repeat(2_000)}`,
  ];
  for (const text of texts) assertEquals(readList(text), undefined, text.slice(0, 40));
});

Deno.test("only an escape in the list makes characters that are no bytes", () => {
  assert(mayBeWide('["\\u0141"]'));
  assert(!mayBeWide('["\\u0001"]'));
  assert(!mayBeWide(writeList([`${LONG}\\u0141`])));
});
