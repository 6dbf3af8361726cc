import { assertEquals } from "@std/assert";
import { REPLY_BYTES_MAX } from "../../../../lib/kv/reply_bounds.ts";
import { encodeReply, type RespReply } from "../../../../lib/protocol/resp/reply_writer.ts";

/** A reply, its bytes in RESP2, and in RESP3 where they differ. */
const REPLIES: readonly (readonly [RespReply, string, string?])[] = [
  ["", "$0\r\n\r\n"],
  ["a\r\n\0\xff", "$5\r\na\r\n\0\xff\r\n"],
  [0, ":0\r\n"],
  [-1, ":-1\r\n"],
  [Number.MAX_SAFE_INTEGER, ":9007199254740991\r\n"],
  [2n ** 63n - 1n, ":9223372036854775807\r\n"],
  [-(2n ** 63n), ":-9223372036854775808\r\n"],
  [null, "$-1\r\n", "_\r\n"],
  [{ status: "OK" }, "+OK\r\n"],
  [{ error: "ERR no" }, "-ERR no\r\n"],
  [[], "*0\r\n"],
  [
    ["a", 1, null, [{ status: "OK" }, { error: "ERR x" }]],
    "*4\r\n$1\r\na\r\n:1\r\n$-1\r\n*2\r\n+OK\r\n-ERR x\r\n",
    "*4\r\n$1\r\na\r\n:1\r\n_\r\n*2\r\n+OK\r\n-ERR x\r\n",
  ],
  [{ type: "NoList" }, "*-1\r\n", "_\r\n"],
  [{ type: "Text", text: "a\nb" }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"],
  [{ type: "Text", text: "" }, "$0\r\n\r\n", "=4\r\ntxt:\r\n"],
  [{ type: "Map", entries: [] }, "*0\r\n", "%0\r\n"],
  [
    { type: "Map", entries: [["k", null], [1, { type: "Set", items: ["m"] }]] },
    "*4\r\n$1\r\nk\r\n$-1\r\n:1\r\n*1\r\n$1\r\nm\r\n",
    "%2\r\n$1\r\nk\r\n_\r\n:1\r\n~1\r\n$1\r\nm\r\n",
  ],
  [{ type: "Set", items: [{ status: "fast" }] }, "*1\r\n+fast\r\n", "~1\r\n+fast\r\n"],
  [
    { type: "List", items: [{ type: "Map", entries: [["a", "b"]] }, { type: "NoList" }] },
    "*2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*-1\r\n",
    "*2\r\n%1\r\n$1\r\na\r\n$1\r\nb\r\n_\r\n",
  ],
];

Deno.test("each type of reply has its form in RESP2 and in RESP3", () => {
  for (const [reply, second, third = second] of REPLIES) {
    assertEquals(encodeReply(reply, 2), second);
    assertEquals(encodeReply(reply, 3), third);
  }
});

Deno.test("an error stays one line, whatever a client put into it", () => {
  assertEquals(encodeReply({ error: "ERR 'a\r\nb\nc\r' x" }, 2), "-ERR 'a  b c ' x\r\n");
  assertEquals(encodeReply({ error: "ERR x\r\n\r\n" }, 3), "-ERR x\r\n");
  assertEquals(encodeReply([{ error: "ERR \n+OK\r" }], 2), "*1\r\n-ERR  +OK\r\n");
});

Deno.test("a list longer than any string becomes an error instead of a failure, and so does a nested one", () => {
  const value = "x".repeat(1 << 20);
  const count = REPLY_BYTES_MAX / value.length + 1;
  const many = Array.from({ length: count }, () => value);
  const refused = `-ERR the reply is too long (limit ${REPLY_BYTES_MAX} bytes)\r\n`;
  for (const reply of [many, [many], { type: "List", items: [many] }] as const) {
    assertEquals(encodeReply(reply, 2), refused);
  }
  assertEquals(encodeReply({ type: "Map", entries: [[value, many]] }, 3), refused);
  assertEquals(encodeReply([value, value], 2).length, 2 * (value.length + 12) + 4);
});
