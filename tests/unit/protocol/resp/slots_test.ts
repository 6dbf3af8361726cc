import { assertEquals } from "@std/assert";
import { slotOf, SLOTS } from "../../../../lib/protocol/resp/slots.ts";

Deno.test("slots are those of Redis Cluster", () => {
  const known: readonly (readonly [string, number])[] = [
    // The check value of CRC16 (XMODEM).
    ["123456789", 0x31c3],
    ["foo", 12_182],
    ["bar", 5_061],
    ["hello", 866],
    ["", 0],
    ["a", 15_495],
    ["\0", 0],
  ];
  for (const [key, slot] of known) assertEquals(slotOf(key), slot, JSON.stringify(key));
});

Deno.test("only what stands in the first braces counts, unless there is nothing in them", () => {
  const same: readonly (readonly [string, string])[] = [
    ["{user1000}.following", "user1000"],
    ["{user1000}.followers", "user1000"],
    ["foo{{bar}}zap", "{bar"],
    ["foo{bar}{zap}", "bar"],
    ["}foo{bar}", "bar"],
    ["a{\0\xff}", "\0\xff"],
  ];
  for (const [key, tag] of same) assertEquals(slotOf(key), slotOf(tag), key);
  for (const key of ["foo{}{bar}", "foo{bar", "foo}bar", "{}"]) {
    assertEquals(slotOf(key), bitByBit(key), key);
  }
});

Deno.test("every byte counts, and no slot is beyond the last", () => {
  const seen = new Set<number>();
  for (let code = 0; code < 256; code++) {
    for (const key of [String.fromCharCode(code), `k${String.fromCharCode(code)}`, `${String.fromCharCode(code)}k`]) {
      if (key.includes("{")) continue;
      const slot = slotOf(key);
      assertEquals(slot, bitByBit(key), JSON.stringify(key));
      seen.add(slot);
    }
  }
  assertEquals([...seen].every((slot) => slot >= 0 && slot < SLOTS), true);
  assertEquals(seen.size > 700, true);
});

/** The same checksum without a table. */
function bitByBit(key: string): number {
  let crc = 0;
  for (let at = 0; at < key.length; at++) {
    crc ^= key.charCodeAt(at) << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % SLOTS;
}
