/** Byte strings: one character 0x00-0xFF per byte. Conversions to and from buffers and UTF-8 text, at the edges only. */

import { Buffer, isAscii, isUtf8 } from "node:buffer";
import { TextDecoder, TextEncoder } from "node:util";
import { assert } from "./assert.ts";

const encoder = new TextEncoder();
/** Tests faster than a loop over the characters, from 64 characters on several times. */
const BEYOND_ASCII = /[\u0080-\uffff]/;
/** Up to this length a loop beats the call into the runtime. */
const SHORT_LENGTH_MAX = 32;
/** From this length on two calls into the runtime for each piece are worth it. */
const BASE64_LENGTH_MIN = 4_096;
/** A multiple of three, so that only the last piece is padded. */
const BASE64_PIECE_LENGTH = 49_152;
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A method of Node's Buffer that its types leave out; it takes any bytes for `this`. */
type Latin1Slice = (this: Uint8Array, start: number, end: number) => string;

/** A method that Deno 2.4 does not have. */
interface Base64Decoder {
  readonly setFromBase64?: (base64: string) => unknown;
}

/**
 * Deno 2.9 makes byte strings natively. Older ones, whose method has a third parameter, add them up character by character in
 * JavaScript: 8 MiB take half a second. The way over base64, which is native everywhere, takes 13 ms (1 000 bytes: 0.8 us
 * instead of 6).
 */
const latin1Slice: Latin1Slice = Reflect.get(Buffer.prototype, "latin1Slice");
const hasNativeLatin1 = latin1Slice.length < 3;

/** The bytes `start` to `end` (exclusive) of a buffer as a byte string. Copies; TextDecoder("latin1") would be windows-1252. */
export function bytesToString(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (hasNativeLatin1 || end - start <= SHORT_LENGTH_MAX) return latin1Slice.call(bytes, start, end);
  return atob(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64", start, end));
}

/** Writes a byte string into `target` at `offset` and returns the number of bytes, which is its length. */
export function writeString(text: string, target: Uint8Array, offset = 0): number {
  assert(offset + text.length <= target.length, "Cannot write a byte string past the end of its buffer");
  const { length } = text;
  if (length >= BASE64_LENGTH_MIN) {
    writeByBase64(text, target.subarray(offset, offset + length));
  } else if (length <= SHORT_LENGTH_MAX || !writeAscii(text, target.subarray(offset, offset + length))) {
    for (let at = 0; at < length; at++) target[offset + at] = text.charCodeAt(at);
  }
  return length;
}

/**
 * Writes a long byte string whatever its bytes: there is no native way from a byte string to bytes but this, and it takes 0.3 ms
 * for a MiB (with Deno 2.4, which copies once more, 1 ms) where a loop takes 2 ms, and `encodeInto` as long again to find out
 * that it cannot.
 */
function writeByBase64(text: string, room: Uint8Array): void {
  for (let at = 0; at < text.length; at += BASE64_PIECE_LENGTH) {
    const piece = text.slice(at, at + BASE64_PIECE_LENGTH);
    const target = room.subarray(at, at + piece.length) as Uint8Array & Base64Decoder;
    const base64 = btoa(piece);
    if (target.setFromBase64 === undefined) target.set(Buffer.from(base64, "base64"));
    else target.setFromBase64(base64);
  }
}

/** Writes a byte string that fills `room` exactly, if every byte is ASCII; else false, and `room` holds anything. */
function writeAscii(text: string, room: Uint8Array): boolean {
  // encodeInto is the fastest way and right exactly when every byte is ASCII. The counts alone do not tell: once it is
  // compiled, Deno 2.4 reports text cut off in the middle (UTF-8 is longer) as read to its end.
  const { read, written } = encoder.encodeInto(text, room);
  return read === text.length && written === text.length && isAscii(room);
}

/** A byte string as a new buffer of exactly its length. */
export function stringToBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  writeString(text, bytes);
  return bytes;
}

/**
 * The same byte string in memory of its own. One that was cut from a longer one keeps all of that in memory: what is kept of a request for long
 * must not.
 */
export function ownCopy(text: string): string {
  return bytesToString(stringToBytes(text));
}

/** Text as the byte string of its UTF-8 form. Lone surrogates become U+FFFD, as everywhere on the web. */
export function textToByteString(text: string): string {
  return BEYOND_ASCII.test(text) ? bytesToString(encoder.encode(text)) : text;
}

/** Whether a byte string is the UTF-8 form of a text. */
export function isText(bytes: string): boolean {
  return !BEYOND_ASCII.test(bytes) || isUtf8(stringToBytes(bytes));
}

/** The text whose UTF-8 form the byte string is, or undefined when it is not valid UTF-8. */
export function byteStringToText(bytes: string): string | undefined {
  const encoded = stringToBytes(bytes);
  // Asked first, since a decoder that throws costs 60 us, which a client could make a server pay for each line.
  return isUtf8(encoded) ? strictDecoder.decode(encoded) : undefined;
}
