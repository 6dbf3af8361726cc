/** Writes DER (X.690), as much of it as a certificate needs. Each function returns one whole element. */

import { Buffer } from "node:buffer";

/** The tags that certificates have. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** An element of any tag around its parts. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const head = body.length < 128 ? [tag, body.length] : [tag, 0x80 + length.length, ...length];
  return Buffer.concat([Buffer.from(head), body]);
}

/** A SEQUENCE. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...parts);
}

/** A BOOLEAN that is true; DER leaves out those that are false. */
export function yes(): Uint8Array {
  return element(TAG.boolean, Uint8Array.of(0xff));
}

/** An INTEGER that is not negative, from its bytes, the highest first. */
export function integer(bytes: Uint8Array): Uint8Array {
  const sign = (bytes[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array();
  return element(TAG.integer, sign, bytes);
}

/** A BIT STRING, whose last bits may not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return element(TAG.bitString, Uint8Array.of(unusedBits), bytes);
}

/** An OBJECT IDENTIFIER, from numbers with dots between. */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(TAG.objectId, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): readonly number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 + rest % 128);
  return digits;
}

/** A time of certificates, to the second: UTCTime until 2049, from then on GeneralizedTime (RFC 5280 section 4.1.2.5). */
export function time(ms: number): Uint8Array {
  const digits = `${new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  return Number(digits.slice(0, 4)) < 2050
    ? element(TAG.utcTime, Buffer.from(digits.slice(2)))
    : element(TAG.generalizedTime, Buffer.from(digits));
}
