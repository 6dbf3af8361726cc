/** How the key browser shows and reads bytes: nothing may change that nobody changed. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  bytesOf,
  pathOf,
  readEscaped,
  readKey,
  segmentsOf,
  showKey,
  VIEWS,
} from "../../../lib/dashboard/assets/values.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);

Deno.test("dashboard values: what a view shows, it reads back unharmed", () => {
  const values = ["", "plain", "é ☃ \n", "\ufeffmarked", "\u0000\u0001", "\n\nfirst"].map(bytes);
  for (const value of values) assertEquals(VIEWS.text.read(VIEWS.text.show(value) ?? "none"), value);
  for (const value of [...values, Uint8Array.of(0, 255, 128, 13, 10)]) {
    assertEquals(VIEWS.hex.read(VIEWS.hex.show(value)), value);
  }
});

Deno.test("dashboard values: bytes that a text field would change are not shown as text", () => {
  for (const value of [Uint8Array.of(0xff), bytes("a\r\nb"), bytes("\r"), Uint8Array.of(0xc3)]) {
    assertEquals(VIEWS.text.show(value), undefined);
  }
});

Deno.test("dashboard values: JSON is indented without a change to its numbers and strings", () => {
  const json =
    '{"big":12345678901234567890,"one":1.0,"a":[],"o":{ },"l":[1,[true,null]],"s":"a, {b}: \\"\\\\","one":2}';
  const shown = VIEWS.json.show(bytes(json)) ?? "";
  assertEquals(
    shown,
    [
      "{",
      '  "big": 12345678901234567890,',
      '  "one": 1.0,',
      '  "a": [],',
      '  "o": {},',
      '  "l": [',
      "    1,",
      "    [",
      "      true,",
      "      null",
      "    ]",
      "  ],",
      '  "s": "a, {b}: \\"\\\\",',
      '  "one": 2',
      "}",
    ].join("\n"),
  );
  assertEquals(text(VIEWS.json.read(shown)), json.replace("{ }", "{}"));
});

Deno.test("dashboard values: JSON that is no JSON is refused, and deep JSON takes no more room", () => {
  for (const value of ["", "{", "{'a':1}", "1 2", "[1,]", "\ufeff{}"]) {
    assertEquals(VIEWS.json.show(bytes(value)), undefined, value);
    assertThrows(() => VIEWS.json.read(value), SyntaxError);
  }
  for (const value of ["1", '"a"', "null", "true"]) assertEquals(VIEWS.json.show(bytes(value)), value);
  const deep = `${"[".repeat(1_000)}${"]".repeat(1_000)}`;
  assertEquals(VIEWS.json.show(bytes(deep)), deep);
});

Deno.test("dashboard values: hex takes pairs of digits", () => {
  assertEquals(VIEWS.hex.read(" 0A ff\n00"), Uint8Array.of(10, 255, 0));
  for (const wrong of ["a", "0x10", "gg", "123"]) assertThrows(() => VIEWS.hex.read(wrong), SyntaxError, "pairs");
});

Deno.test("dashboard values: keys are shown in printable text and named in paths byte by byte", () => {
  const table: readonly (readonly [Uint8Array, string, string])[] = [
    [bytes("a/b c"), "a/b c", "/v1/kv/a%2fb%20c"],
    [bytes("é"), "é", "/v1/kv/%c3%a9"],
    [Uint8Array.of(0x61, 0xff, 0x0a), "a\\xff\\x0a", "/v1/kv/a%ff%0a"],
    [bytes(".."), "..", "/v1/kv/%2e%2e"],
  ];
  for (const [key, shown, path] of table) assertEquals([showKey(key), pathOf(key)], [shown, path]);
  assertEquals(bytesOf({ key_base64: btoa("\xff\x00") }, "key"), Uint8Array.of(255, 0));
  assertEquals(bytesOf({ key: "é" }, "key"), bytes("é"));
});

Deno.test("dashboard values: bytes and the text that spells them are shown differently", () => {
  const raw = Uint8Array.of(0xde, 0xff);
  const spelled = bytes("\\xde\\xff");
  assertEquals([showKey(raw), showKey(spelled)], ["\\xde\\xff", "\\\\xde\\\\xff"]);
  assertEquals(segmentsOf(raw), [{ text: "de", isBytes: true }, { text: "ff", isBytes: true }]);
  assertEquals(segmentsOf(spelled), [{ text: "\\xde\\xff", isBytes: false }]);
  assertEquals(segmentsOf(bytes("é\na")), [
    { text: "é", isBytes: false },
    { text: "0a", isBytes: true },
    { text: "a", isBytes: false },
  ]);
  assertEquals(segmentsOf(Uint8Array.of(0x61, 0x62, 0xff, 0x63)), [
    { text: "ab", isBytes: false },
    { text: "ff", isBytes: true },
    { text: "c", isBytes: false },
  ]);
});

Deno.test("dashboard values: every key can be written, and is read back as the same bytes", () => {
  const every = Uint8Array.from({ length: 256 }, (_, at) => at);
  for (const key of [every, bytes("\\xff"), bytes("C:\\temp"), bytes("é\0"), Uint8Array.of(), Uint8Array.of(0xff)]) {
    assertEquals(readKey(showKey(key), "bytes"), key);
  }
  assertEquals(readEscaped("a\\n\\t\\r\\0\\x0A\\\\é"), bytes("a\n\t\r\0\n\\é"));
  assertEquals(readKey("\\xff", "text"), bytes("\\xff"));
  for (const wrong of ["\\", "\\q", "\\x1", "a\\xg0"]) assertThrows(() => readEscaped(wrong), SyntaxError, "escape");
});
