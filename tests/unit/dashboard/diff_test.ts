/** What the history of a key says of two values: every line of both, in order, and nothing of what it cannot read. */

import { assert, assertEquals } from "@std/assert";
import { compare, COMPARED_BYTES_MAX } from "../../../lib/dashboard/assets/diff.js";
import { Random } from "../../../lib/base/random.ts";

interface Line {
  readonly mark: string;
  readonly text: string;
}

const bytes = (text: string) => new TextEncoder().encode(text);

function shown(before: string | undefined, after: string | undefined): string[] {
  const [old, now] = [before, after].map((text) => text === undefined ? undefined : bytes(text));
  const { lines } = compare(old, now) as { readonly lines: readonly Line[] };
  return lines.map(({ mark, text }) => `${mark}${text}`);
}

Deno.test("lines that were added and removed stand where they are, with two lines around them", () => {
  assertEquals(shown("a\nb\nc", "a\nB\nc"), [" a", "-b", "+B", " c"]);
  assertEquals(shown(undefined, "a\nb"), ["+a", "+b"]);
  assertEquals(shown("a", undefined), ["-a"]);
  const long = Array.from({ length: 20 }, (_, at) => `line ${at}`);
  assertEquals(shown(long.join("\n"), long.with(10, "other").join("\n")), [
    ...["…8 lines the same", " line 8", " line 9", "-line 10", "+other", " line 11", " line 12", "…7 lines the same"],
  ]);
  assertEquals(shown("a\nb\nc\nd", "a\nb\nc\nd\ne"), ["…2 lines the same", " c", " d", "+e"]);
});

Deno.test("JSON is compared member by member, whatever its spaces were; where only these differ, as text", () => {
  assertEquals(shown('{"a":1,"b":[1,2]}', '{ "a": 1, "b": [1, 3] }'), [
    ...["…2 lines the same", '   "b": [', "     1,", "-    2", "+    3", "   ]", " }"],
  ]);
  const { kind } = compare(bytes('{"a":1}'), bytes('{"a":2}')) as { readonly kind: string };
  assertEquals([kind, shown('{"a":1}', '{"a":2}')], ["json", [" {", '-  "a": 1', '+  "a": 2', " }"]]);
  assertEquals(shown('{"a":1}', '{ "a":1}'), ['-{"a":1}', '+{ "a":1}']);
});

Deno.test("of bytes that are no text nothing is claimed but where they begin to differ, and equal or long values are said to be so", () => {
  const note = (before: Uint8Array | undefined, after: Uint8Array | undefined) =>
    (compare(before, after) as { readonly note: string }).note;
  const [one, two] = [new Uint8Array([1, 255, 3]), new Uint8Array([1, 255, 4])];
  assertEquals(note(one, two), "Not text before or now: the first byte that differs is number 3");
  assertEquals(note(one, bytes("text")), "Not text before or now: the first byte that differs is number 1");
  assertEquals(note(undefined, one), "The value is not text");
  assertEquals(note(undefined, new Uint8Array()), "The value is empty");
  assertEquals(note(one, one.slice()), "The value is the same");
  assertEquals(note(bytes("x"), new Uint8Array(COMPARED_BYTES_MAX + 1)), "Too long to be compared here");
});

Deno.test("whatever two texts are, what is shown without the marks of one side is the other one", () => {
  const random = new Random(7);
  const text = () => Array.from({ length: random.below(12) }, () => "abcd"[random.below(4)]).join("\n");
  for (let round = 0; round < 2_000; round++) {
    const [before, after] = [`x\n${text()}`, `x\n${text()}`];
    if (before === after) continue;
    const lines = shown(before, after);
    const side = (mark: string) =>
      lines.flatMap((line) => {
        if (!line.startsWith("…")) return line.startsWith(" ") || line.startsWith(mark) ? [line.slice(1)] : [];
        return Array.from({ length: Number.parseInt(line.slice(1)) }, () => undefined);
      });
    for (const [mark, full] of [["-", before], ["+", after]] as const) {
      const own = full.split("\n");
      const found = side(mark);
      assertEquals(found.length, own.length, JSON.stringify([before, after, lines]));
      assert(found.every((line, at) => line === undefined || line === own[at]), JSON.stringify([before, after, lines]));
    }
  }
});
