/** Replies as bytes of RESP2 and RESP3. */

import { unreachable } from "../../base/assert.ts";
import type { Reply } from "../../kv/replies.ts";
import { bytesOfReply, ITEM_BYTES, REPLY_BYTES_MAX, REPLY_TOO_LONG } from "../../kv/reply_bounds.ts";

/** The version of the protocol, chosen by HELLO. */
export type RespVersion = 2 | 3;

/** Types that only the protocol itself answers with; RESP2 shows each as the nearest one it has. */
export type RespOnlyReply =
  /** Pairs; a flat list in RESP2. */
  | { readonly type: "Map"; readonly entries: readonly (readonly [RespReply, RespReply])[] }
  /** Without order; a list in RESP2. */
  | { readonly type: "Set"; readonly items: readonly RespReply[] }
  /** A list whose items may be of these types. */
  | { readonly type: "List"; readonly items: readonly RespReply[] }
  /** A number with a fraction; a string in RESP2. */
  | { readonly type: "Double"; readonly value: number }
  /** Text for people; a string in RESP2. */
  | { readonly type: "Text"; readonly text: string }
  /** The list that is not there: what EXEC answers when a watched key has changed. */
  | { readonly type: "NoList" }
  /** A reply whose bytes are made already, in the version that was in force then. */
  | { readonly type: "Encoded"; readonly bytes: string };

/** Whatever a request is answered with. */
export type RespReply = Reply | RespOnlyReply;

/** The bytes of a reply, as a byte string. One that is too long becomes an error: no string could hold it. */
export function encodeReply(reply: RespReply, version: RespVersion): string {
  // Only a list can be longer than one value.
  if (typeof reply !== "object" || reply === null || sizeOfReply(reply) <= REPLY_BYTES_MAX) {
    return encode(reply, version);
  }
  return encode(REPLY_TOO_LONG, version);
}

/** Bytes that a reply takes at most, about. */
export function sizeOfReply(reply: RespReply): number {
  if (typeof reply !== "object" || reply === null || !("type" in reply)) return bytesOfReply(reply);
  switch (reply.type) {
    case "Map":
      return sumOf(reply.entries.flat());
    case "Set":
    case "List":
      return sumOf(reply.items);
    case "Text":
      return reply.text.length + ITEM_BYTES;
    case "Double":
    case "NoList":
      return ITEM_BYTES;
    case "Encoded":
      return reply.bytes.length;
    default:
      return unreachable(reply);
  }
}

function sumOf(items: readonly RespReply[]): number {
  let sum = ITEM_BYTES;
  for (const item of items) sum += sizeOfReply(item);
  return sum;
}

function encode(reply: RespReply, version: RespVersion): string {
  switch (typeof reply) {
    case "string":
      return `$${reply.length}\r\n${reply}\r\n`;
    case "number":
    case "bigint":
      return `:${reply}\r\n`;
    default:
      return reply === null ? encodeNull(version) : encodeObject(reply, version);
  }
}

function encodeNull(version: RespVersion): string {
  return version === 2 ? "$-1\r\n" : "_\r\n";
}

function encodeObject(reply: Exclude<RespReply, string | number | bigint | null>, version: RespVersion): string {
  if (isList(reply)) return encodeItems(`*${reply.length}`, { items: reply, version });
  if ("status" in reply) return `+${reply.status}\r\n`;
  if ("error" in reply) return `-${oneLine(reply.error)}\r\n`;
  switch (reply.type) {
    case "Map":
      return encodeItems(version === 2 ? `*${reply.entries.length * 2}` : `%${reply.entries.length}`, {
        items: reply.entries.flat(),
        version,
      });
    case "Set":
      return encodeItems(`${version === 2 ? "*" : "~"}${reply.items.length}`, { items: reply.items, version });
    case "List":
      return encodeItems(`*${reply.items.length}`, { items: reply.items, version });
    case "Text":
      return version === 2
        ? encode(reply.text, version)
        : `=${reply.text.length + TEXT_KIND.length}\r\n${TEXT_KIND}${reply.text}\r\n`;
    case "Double":
      return version === 2 ? encode(`${reply.value}`, version) : `,${reply.value}\r\n`;
    case "NoList":
      return version === 2 ? "*-1\r\n" : "_\r\n";
    case "Encoded":
      return reply.bytes;
    default:
      return unreachable(reply);
  }
}

/** Plain text, in the words of RESP3. */
const TEXT_KIND = "txt:";

function isList(reply: object): reply is readonly Reply[] {
  return Array.isArray(reply);
}

function encodeItems(
  head: string,
  { items, version }: { readonly items: readonly RespReply[]; readonly version: RespVersion },
): string {
  let encoded = `${head}\r\n`;
  for (const item of items) encoded += encode(item, version);
  return encoded;
}

/** What a client sent may stand in an error: it must not end its line. */
function oneLine(text: string): string {
  if (!text.includes("\r") && !text.includes("\n")) return text;
  let end = text.length;
  while (end > 0 && (text[end - 1] === "\r" || text[end - 1] === "\n")) end -= 1;
  return text.slice(0, end).replaceAll("\r", " ").replaceAll("\n", " ");
}
