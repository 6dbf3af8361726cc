/** Entries as text: what is written, byte for byte, is read again. */

import { assertEquals } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { decodeEntries, encodeEntries } from "../../../lib/raft/entry_codec.ts";
import { type Entry, toIndex, toTerm } from "../../../lib/raft/types.ts";

Deno.test("addresses beyond a byte a character survive the log", () => {
  const addresses = ["node:1", "h\u00fcgel:1", "\u4e16\u754c:1", "\u0141\u010a:1", "\ud83d\ude00:1", "\ud800:1"];
  for (const address of addresses) {
    const member = { id: 1, address, clientAddress: address, identity: "" };
    const configuration = { members: [member], voters: [1], votersOld: [], learners: [] };
    const entries: Entry[] = [
      { type: "Command", index: toIndex(4), term: toTerm(2), command: "\x00\xff\\u0141" },
      { type: "Configuration", index: toIndex(5), term: toTerm(2), configuration },
    ];
    const stored = bytesToString(stringToBytes(encodeEntries(entries)));
    assertEquals(decodeEntries(stored, toIndex(4), toTerm(2)), entries, JSON.stringify(address));
  }
});

Deno.test("what a configuration holds beyond its fields is not taken", () => {
  const member = { id: 1, address: "a:1", clientAddress: "a:2", identity: "" };
  const configuration = { members: [member], voters: [1], votersOld: [], learners: [] };
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const text = `[{"members":[${JSON.stringify(member).replace("}", `,"more":${deep}}`)}],` +
    '"voters":[1],"votersOld":[],"learners":[],"more":1}]';
  const entries: Entry[] = [{ type: "Configuration", index: toIndex(4), term: toTerm(2), configuration }];
  assertEquals(decodeEntries(text, toIndex(4), toTerm(2)), entries);
});
