/** Keys and values on the page. What is no text is shown as marked bytes, so that it never looks like text that reads the same. */

import { make } from "./format.js";
import { hexOf, segmentsOf } from "./values.js";

/** Longest key that is shown in one piece, in bytes; of a longer one the beginning may be cut, and the end is there. */
const WHOLE_BYTES_MAX = 28;
const TAIL_BYTES = 12;
/** Bytes of the beginning that are put into the page at most: it is cut to the width of its column anyhow. */
const HEAD_BYTES_MAX = 200;
const DUMP_LINE_BYTES = 16;

/** Bytes as nodes: text, and one mark for each byte that is none. */
export function bytesNodes(bytes) {
  return segmentsOf(bytes).map(({ text, isBytes }) =>
    isBytes ? make("span", { attributes: { class: "byte" }, children: [text] }) : text
  );
}

/** A key as nodes that fit into a column: its beginning, which may be cut, and its end. */
export function keyNodes(bytes) {
  if (bytes.length === 0) return [make("span", { attributes: { class: "none" }, children: ["(empty)"] })];
  const part = (name, slice) => make("span", { attributes: { class: name }, children: bytesNodes(slice) });
  if (bytes.length <= WHOLE_BYTES_MAX) return [part("head", bytes)];
  const cut = startOfCharacter(bytes, bytes.length - TAIL_BYTES);
  const head = bytes.subarray(0, Math.min(cut, startOfCharacter(bytes, HEAD_BYTES_MAX)));
  return [part("head", head), part("tail", bytes.subarray(cut))];
}

/** Offset, bytes and characters of a part of a value, sixteen bytes a line, as `hexdump -C` shows them. */
export function dumpOf(bytes, offset) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += DUMP_LINE_BYTES) {
    const line = bytes.subarray(at, at + DUMP_LINE_BYTES);
    const digits = Array.from(line, hexOf).join(" ").padEnd(3 * DUMP_LINE_BYTES - 1);
    const characters = Array.from(line, (byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".").join(
      "",
    );
    lines.push(`${(offset + at).toString(16).padStart(8, "0")}  ${digits}  ${characters}`);
  }
  return lines.join("\n");
}

/** The nearest place at or before `at` that is not inside a character of UTF-8. */
function startOfCharacter(bytes, at) {
  let start = Math.min(at, bytes.length);
  while (start > 0 && start > at - 3 && (bytes[start] & 0xc0) === 0x80) start -= 1;
  return start;
}
