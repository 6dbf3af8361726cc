/** Lines as the source of an import: whatever pieces they come in, and exports that are cut, doubled or mended by hand. */

import { assertEquals, assertRejects } from "@std/assert";
import { stringToBytes } from "../../../../lib/base/bytes.ts";
import { AccessError } from "../../../../lib/base/errors.ts";
import { LINE_BYTES_MAX, readLines } from "../../../../lib/cli/transfer/input_lines.ts";
import { LineSource } from "../../../../lib/cli/transfer/line_source.ts";
import { endLine, headLine, LineError } from "../../../../lib/cli/transfer/record_line.ts";

const HEAD = headLine({ clusterId: "9a41", revision: 9, timeMs: 1 });
const A = '{"key":"a","value":"1"}\n';
const B = '{"key":"b","value":"2"}\n';

/** Text that comes in pieces of so many bytes. */
function inputOf(text: string, pieceBytes = 1_000) {
  const bytes = stringToBytes(text);
  let at = 0;
  return {
    path: "FILE",
    read(target: Uint8Array): Promise<number | null> {
      const piece = bytes.subarray(at, at + Math.min(pieceBytes, target.length));
      target.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length === 0 ? null : piece.length);
    },
  };
}

async function keysOf(text: string): Promise<string> {
  let keys = "";
  for await (const { key } of new LineSource(inputOf(text)).records()) keys += key;
  return keys;
}

Deno.test("lines are the same whatever pieces they come in", async () => {
  for (const pieceBytes of [1, 2, 3, 7, 1_000]) {
    assertEquals(await Array.fromAsync(readLines(inputOf("ab\n\ncde\nf", pieceBytes))), ["ab", "", "cde", "f"]);
    assertEquals(await Array.fromAsync(readLines(inputOf("ab\n", pieceBytes))), ["ab"]);
  }
});

Deno.test("a line without an end takes bounded memory, and what cannot be read is an error of the file", async () => {
  let given = 0;
  const endless = {
    path: "FILE",
    read: (target: Uint8Array) => Promise.resolve(given += target.length).then(() => target.length),
  };
  const tooLong = await assertRejects(() => Array.fromAsync(readLines(endless)), LineError);
  assertEquals(tooLong.message, `has more than ${LINE_BYTES_MAX} bytes`);
  assertEquals(given <= LINE_BYTES_MAX + 1_048_576, true);
  const broken = { path: "FILE", read: () => Promise.reject(new Error("EISDIR")) };
  await assertRejects(() => Array.fromAsync(readLines(broken)), AccessError, "FILE");
});

Deno.test("an export is taken whole, lines of somebody's own as they are, and several exports one after the other", async () => {
  assertEquals(await keysOf(HEAD + A + B + endLine(2)), "ab");
  assertEquals(await keysOf(HEAD + endLine(0)), "");
  assertEquals(await keysOf(`${A}\n \r\n${B}`), "ab");
  assertEquals(await keysOf(HEAD + A + endLine(1) + HEAD + B + endLine(1)), "ab");
});

Deno.test("an export that is cut short, has too many lines or is not in one piece is refused at the line where it shows", async () => {
  const wrong: readonly (readonly [text: string, place: number, message: string])[] = [
    ["", 1, "is not there: there is nothing to import"],
    ["\n\n", 3, "is not there: there is nothing to import"],
    [HEAD + A, 3, "is not there: the export was cut short"],
    [HEAD + A + B.slice(0, -5), 3, 'is no JSON object; write {"key":"...","value":"..."}'],
    [HEAD + A + endLine(2), 3, "ends an export of 2 keys, of which 1 came: lines are missing, or too many"],
    [HEAD + A + B + endLine(1), 4, "ends an export of 1 key, of which 2 came: lines are missing, or too many"],
    [HEAD + A + HEAD, 3, "begins an export in the middle of another"],
    [A + HEAD, 2, "begins an export in the middle of another"],
    [A + endLine(1), 2, "ends an export that did not begin"],
    [HEAD + endLine(0) + A, 3, "stands behind the end of the export"],
  ];
  for (const [text, place, message] of wrong) {
    const source = new LineSource(inputOf(text));
    const error = await assertRejects(() => Array.fromAsync(source.records()), LineError);
    assertEquals([error.message, source.place], [message, place], text);
  }
});
