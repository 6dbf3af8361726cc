/** What requests are made of: text, which is sent as UTF-8, bytes, and whole numbers. */

/** A key or a value: text, which is sent as UTF-8, or bytes, which must not change until the operation has ended. */
export type Bytes = string | Uint8Array;

/** One word of a request. Numbers must be whole; they are sent in decimal. */
export type Word = Bytes | number | bigint;

// A byte order mark is part of the text, and what is not UTF-8 must not silently become something else.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text whose UTF-8 form the bytes are. Throws TypeError for anything else. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A word as the text or the bytes to send. Throws TypeError for a number that is not whole. */
export function toBytes(word: Word): Bytes {
  if (typeof word === "number" && !Number.isSafeInteger(word)) {
    throw new TypeError(`Cannot send the number ${word}: it is not a whole number of at most 53 bits`);
  }
  return typeof word === "number" || typeof word === "bigint" ? word.toString() : word;
}

/** A copy of `key` with a zero byte behind it: the key that follows it in byte order. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
