import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { ProtocolError, ServerError } from "../../../lib/client/errors.ts";
import { REPLY_BYTES_MAX, REPLY_DEPTH_MAX, REPLY_LINE_BYTES_MAX } from "../../../lib/client/limits.ts";
import { ReplyParser } from "../../../lib/client/reply_parser.ts";
import type { Reply } from "../../../lib/client/replies.ts";

function parse(chunks: readonly string[]): unknown[] {
  const replies: unknown[] = [];
  const parser = new ReplyParser((reply) => replies.push(show(reply)));
  for (const chunk of chunks) parser.feed(stringToBytes(chunk));
  return replies;
}

/** Bytes and errors in a form that is easy to write down. */
function show(reply: Reply): unknown {
  if (reply instanceof Uint8Array) return { bytes: bytesToString(reply) };
  if (reply instanceof ServerError) return { error: reply.message, code: reply.code };
  return Array.isArray(reply) ? reply.map(show) : reply;
}

const CASES: [input: string, replies: unknown[]][] = [
  ["+OK\r\n", ["OK"]],
  ["+gr\xc3\xbcn\r\n", ["gr\u00fcn"]],
  ["-WRONGTYPE no list\r\n", [{ error: "WRONGTYPE no list", code: "WRONGTYPE" }]],
  ["-no code\r\n", [{ error: "no code", code: "ERR" }]],
  ["!8\r\nERR a\r\nb\r\n", [{ error: "ERR a\r\nb", code: "ERR" }]],
  [":-42\r\n:+7\r\n:0\r\n", [-42, 7, 0]],
  [":9007199254740993\r\n", [9007199254740993n]],
  ["(-340282366920938463463374607431768211456\r\n", [-340282366920938463463374607431768211456n]],
  ["$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n", [{ bytes: "a\r\nbc" }, { bytes: "" }, null]],
  ["$3\r\n\x00\xff\n\r\n", [{ bytes: "\x00\xff\n" }]],
  ["=8\r\ntxt:text\r\n", [{ bytes: "text" }]],
  ["_\r\n#t\r\n#f\r\n", [null, true, false]],
  [",1.5\r\n,inf\r\n,-inf\r\n,nan\r\n,1e3\r\n", [1.5, Infinity, -Infinity, NaN, 1000]],
  ["*0\r\n*-1\r\n", [[], null]],
  ["*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n-ERR x\r\n", [[1, [{ bytes: "a" }, []], { error: "ERR x", code: "ERR" }]]],
  ["%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n:2\r\n", [["a", 1, "b", [2]]]],
  [">2\r\n+message\r\n+x\r\n+OK\r\n", ["OK"]],
  ["|1\r\n+ttl\r\n:3\r\n*2\r\n:1\r\n|1\r\n+k\r\n*1\r\n+v\r\n:2\r\n", [[1, 2]]],
];

Deno.test("each type of reply is read, wherever its bytes are split", () => {
  for (const [input, replies] of CASES) {
    assertEquals(parse([input]), replies, input);
    for (let at = 1; at < input.length; at++) {
      assertEquals(parse([input.slice(0, at), input.slice(at)]), replies, `${JSON.stringify(input)} at ${at}`);
    }
    assertEquals(parse(input.split("")), replies, `${JSON.stringify(input)} byte by byte`);
  }
});

Deno.test("replies that follow each other in one chunk come in order", () => {
  const all = CASES.map(([input]) => input).join("");
  assertEquals(parse([all]), CASES.flatMap(([, replies]) => replies));
});

Deno.test("what is no reply ends the parser with a ProtocolError", () => {
  const inputs = [
    "hello\r\n",
    "\r\n",
    "+OK\n",
    ":1.5\r\n",
    ":\r\n",
    "$x\r\n",
    "$-2\r\n",
    "$?\r\n",
    "$1\r\nab\r\n",
    "$1\r\na\n\n",
    "#x\r\n",
    ",x\r\n",
    ",\r\n",
    "*1e3\r\n",
    `+${"x".repeat(REPLY_LINE_BYTES_MAX + 1)}`,
    `$${REPLY_BYTES_MAX + 1}\r\n`,
    "*1\r\n".repeat(REPLY_DEPTH_MAX + 1),
  ];
  for (const input of inputs) {
    assertThrows(() => parse([input]), ProtocolError, undefined, JSON.stringify(input.slice(0, 40)));
    assertThrows(() => parse(input.slice(0, 200).split("").concat(input.slice(200))), ProtocolError);
  }
});

Deno.test("a reply's bytes are its own: the chunk can be used again", () => {
  let taken: Reply = null;
  const parser = new ReplyParser((reply) => (taken = reply));
  const chunk = stringToBytes("$3\r\nabc\r\n");
  parser.feed(chunk);
  chunk.fill(0);
  const bytes: unknown = taken;
  assertInstanceOf(bytes, Uint8Array);
  assertEquals(bytesToString(bytes), "abc");
});
