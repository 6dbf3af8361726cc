import { assertEquals, assertThrows } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { ReplyFormatError, ReplyScanner } from "../../../lib/load/reply_scanner.ts";

/** What a stream holds: "ok" for each reply, or the text of an error. */
function readAll(stream: string, cuts: readonly number[]): { readonly seen: string[]; readonly misses: number } {
  const scanner = new ReplyScanner();
  const bytes = stringToBytes(stream);
  const seen: string[] = [];
  const ends = [...cuts, bytes.length];
  let at = 0;
  for (const end of ends) {
    while (at < end) {
      at = scanner.scan(bytes, { start: at, end });
      for (let done = 0; done < scanner.succeeded; done++) seen.push("ok");
      if (scanner.failure !== undefined) seen.push(scanner.failure);
    }
  }
  return { seen, misses: scanner.misses };
}

const STREAMS: readonly (readonly [stream: string, seen: readonly string[], misses?: number])[] = [
  ["+OK\r\n", ["ok"]],
  ["+OK\r\n:12\r\n:-3\r\n_\r\n", ["ok", "ok", "ok", "ok"]],
  ["$5\r\nhello\r\n$0\r\n\r\n", ["ok", "ok"]],
  ["$6\r\n-ERR\r\n\r\n+OK\r\n", ["ok", "ok"]],
  ["$-1\r\n$-1\r\n$1\r\na\r\n", ["ok", "ok", "ok"], 2],
  ["*0\r\n*-1\r\n+OK\r\n", ["ok", "ok", "ok"]],
  ["*2\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n+x\r\n+OK\r\n", ["ok", "ok"]],
  ["*2\r\n*0\r\n$3\r\nabc\r\n:1\r\n", ["ok", "ok"]],
  ["-ERR no such thing\r\n+OK\r\n-BUSY\r\n", ["ERR no such thing", "ok", "BUSY"]],
  ["*2\r\n-ERR inside\r\n:1\r\n:2\r\n", ["ERR inside", "ok"]],
  ["$12\r\n0123456789ab\r\n:1\r\n", ["ok", "ok"]],
];

Deno.test("replies are told apart wherever the stream is cut", () => {
  for (const [stream, seen, misses = 0] of STREAMS) {
    assertEquals(readAll(stream, []), { seen: [...seen], misses }, stream);
    assertEquals(readAll(stream, Array.from(stream, (_, at) => at)), { seen: [...seen], misses }, `${stream} by bytes`);
    for (let cut = 1; cut < stream.length; cut++) {
      assertEquals(readAll(stream, [cut]), { seen: [...seen], misses }, `${stream} cut at ${cut}`);
    }
  }
});

Deno.test("a long error is cut, and the reply behind it still found", () => {
  const stream = `-ERR ${"x".repeat(5_000)}\r\n+OK\r\n`;
  for (const cuts of [[], [3, 100, 200, 4_000], Array.from(stream, (_, at) => at)]) {
    assertEquals(readAll(stream, cuts).seen, [`ERR ${"x".repeat(196)}`, "ok"]);
  }
});

Deno.test("what is no reply is refused", () => {
  for (const stream of ["OK\r\n", "\r\n", "+OK\r\nError: no\r\n"]) {
    assertThrows(() => readAll(stream, []), ReplyFormatError);
  }
});
