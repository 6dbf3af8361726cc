/** Lines of an export: what is written is read again, byte for byte, and what is wrong is said in words. */

import { assertEquals, assertThrows } from "@std/assert";
import { endLine, headLine, LineError, readLine, recordLine } from "../../../../lib/cli/transfer/record_line.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../../../lib/kv/commands.ts";
import { textToByteString } from "../../../../lib/base/bytes.ts";

const HEAD = { clusterId: "9a41", revision: 90, timeMs: 1_000_000 };
const EVERY_BYTE = Array.from({ length: 256 }, (_, at) => String.fromCharCode(at)).join("");

Deno.test("a key is read as it was written, whatever its bytes", () => {
  for (
    const bytes of [
      "",
      "a",
      EVERY_BYTE,
      '"\\\n\t\0',
      textToByteString("Größe \u{1f600} \ufeff"),
      "\xff",
      "\xed\xa0\x80",
    ]
  ) {
    const line = recordLine({ key: bytes, value: bytes, deadline: 1_000_500 }, HEAD);
    assertEquals(line.endsWith("}\n") && !line.slice(0, -1).includes("\n"), true, line);
    assertEquals(readLine(line), {
      type: "Record",
      record: { key: bytes, value: bytes, expiresAt: 1_000_500, ttlMs: 500 },
    });
  }
});

Deno.test("text stands as text, other bytes in base64, a deadline as the moment and what is left, and none is left out", () => {
  assertEquals(recordLine({ key: "k", value: "\xff\x00", deadline: 0 }, HEAD), '{"key":"k","value_base64":"/wA="}\n');
  assertEquals(
    recordLine({ key: "k", value: "v", deadline: 1_000_001 }, HEAD),
    '{"key":"k","value":"v","expires_at":1000001,"ttl_ms":1}\n',
  );
  assertEquals(headLine(HEAD), '{"kvstore_export":1,"cluster_id":"9a41","revision":90,"time_ms":1000000}\n');
  assertEquals(endLine(3), '{"kvstore_export_end":true,"keys":3}\n');
  assertEquals([readLine(headLine(HEAD)), readLine(endLine(3))], [{ type: "Head" }, { type: "End", keys: 3 }]);
});

Deno.test("what HTTP gives of a key can be read, and a line may leave times out", () => {
  const line =
    '{"key":"k","value":"v","mod_revision":3,"create_revision":3,"version":1,"expires_at":null,"ttl_ms":null}';
  const record = { key: "k", value: "v", expiresAt: undefined, ttlMs: undefined };
  assertEquals(readLine(line), { type: "Record", record });
  assertEquals(readLine('{"key":"k","value":"v"}'), { type: "Record", record });
  assertEquals(readLine('{"key_base64":"aw==","value_base64":""}'), {
    type: "Record",
    record: { ...record, value: "" },
  });
});

Deno.test("what is wrong with a line is said", () => {
  const wrong: readonly (readonly [line: string, message: string])[] = [
    ["no", 'is no JSON object; write {"key":"...","value":"..."}'],
    ["[]", 'is no JSON object; write {"key":"...","value":"..."}'],
    ['{"key":"k"', 'is no JSON object; write {"key":"...","value":"..."}'],
    ['{"key":"\xff","value":""}', "is not UTF-8"],
    ['{"value":"v"}', "has no key"],
    ['{"key":"k"}', "has no value"],
    ['{"key":1,"value":"v"}', "has a key that is no text"],
    ['{"key":"k","value":null}', "has a value that is no text"],
    ['{"key":"k","key_base64":"aw==","value":""}', "has both key and key_base64"],
    ['{"key":"k","value_base64":"a"}', "has a value_base64 that is no base64"],
    ['{"key":"\\ud800","value":""}', "has a key with half a character; give key_base64"],
    ['{"key":"k","value":"v","ttl_ms":-1}', "has ttl_ms that is no whole number from 0"],
    ['{"key":"k","value":"v","expires_at":"soon"}', "has expires_at that is no whole number from 0"],
    ['{"key":"k","value":"v","ttl":1}', "has the field ttl; a key has key, value, ttl_ms and expires_at"],
    ['{"kvstore_export":2}', "begins an export of format 2; this program reads 1"],
    ['{"kvstore_export_end":true}', "has no keys"],
  ];
  for (const [line, message] of wrong) assertEquals(assertThrows(() => readLine(line), LineError).message, message);
});

Deno.test("the longest key and value are read, and a byte more is refused", () => {
  const line = (key: number, value: number) => `{"key":"${"k".repeat(key)}","value":"${"v".repeat(value)}"}`;
  assertEquals(readLine(line(KEY_BYTES_MAX, VALUE_BYTES_MAX)).type, "Record");
  assertEquals(
    assertThrows(() => readLine(line(KEY_BYTES_MAX + 1, 1)), LineError).message,
    `has a key of ${KEY_BYTES_MAX + 1} bytes; ${KEY_BYTES_MAX} are the most`,
  );
  assertEquals(
    assertThrows(() => readLine(line(1, VALUE_BYTES_MAX + 1)), LineError).message,
    `has a value of ${VALUE_BYTES_MAX + 1} bytes; ${VALUE_BYTES_MAX} are the most`,
  );
});
