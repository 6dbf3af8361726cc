/** The reader of replies: what it takes, and what it refuses. */

import { assertEquals, assertThrows } from "@std/assert";
import { describeReply, readReply, ReplySyntaxError } from "./reply.ts";

const GOOD: readonly (readonly [string, string])[] = [
  ["+OK\r\n", 'Status "OK"'],
  ["-ERR no\r\n", 'Error "ERR no"'],
  [":0\r\n", "Integer 0"],
  [":-9223372036854775808\r\n", "Integer -9223372036854775808"],
  ["$0\r\n\r\n", 'Bulk ""'],
  ["$4\r\n\r\n\x00\xff\r\n", 'Bulk "\\x0d\\x0a\\x00\\xff"'],
  ["$-1\r\n", "Null (Bulk)"],
  ["*-1\r\n", "Null (Array)"],
  ["_\r\n", "Null (Resp3)"],
  ["*0\r\n", "Array[]"],
  ["*2\r\n:1\r\n*1\r\n+a\r\n", 'Array[Integer 1, Array[Status "a"]]'],
  ["%1\r\n+a\r\n:1\r\n", 'Map[Status "a", Integer 1]'],
  ["~1\r\n:1\r\n", "Set[Integer 1]"],
  [">1\r\n:1\r\n", "Push[Integer 1]"],
  ["#t\r\n", "Boolean true"],
  [",1.5\r\n", 'Double "1.5"'],
  [",-inf\r\n", 'Double "-inf"'],
  ["(123456789012345678901234567890\r\n", 'BigNumber "123456789012345678901234567890"'],
  ["!5\r\nERR x\r\n", 'BulkError "ERR x"'],
  ["=5\r\ntxt:x\r\n", 'Verbatim "txt:x"'],
];

const BAD: readonly string[] = [
  "OK\r\n",
  "\r\n",
  "+a\nb\r\n",
  ":01\r\n",
  ":+1\r\n",
  ":\r\n",
  ":-0\r\n",
  ":9223372036854775808\r\n",
  "$-2\r\n",
  "$01\r\n",
  "$1\r\nab\r\n",
  "$3\r\nabcd\r\n",
  "*-2\r\n",
  "*1\r\n?\r\n",
  "%-1\r\n",
  "_x\r\n",
  "#x\r\n",
  ",\r\n",
  "=2\r\nab\r\n",
  "*1\r\n".repeat(50) + ":1\r\n",
];

Deno.test("Every kind of reply is read whole, and from no part of it", () => {
  for (const [bytes, wanted] of GOOD) {
    const read = readReply(`:7\r\n${bytes}+more\r\n`, 4);
    assertEquals(read === undefined ? "" : describeReply(read.reply), wanted);
    assertEquals(read?.end, 4 + bytes.length);
    for (let length = 0; length < bytes.length; length++) assertEquals(readReply(bytes.slice(0, length)), undefined);
  }
});

Deno.test("What is not a reply to the letter is refused", () => {
  for (const bytes of BAD) assertThrows(() => readReply(bytes), ReplySyntaxError, undefined, JSON.stringify(bytes));
});
