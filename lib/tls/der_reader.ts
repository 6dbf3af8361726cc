/** Reads DER (X.690), whoever wrote it: what does not fit is a `CertificateError`, and nothing is read beyond the bytes. */

import { Buffer } from "node:buffer";
import { TAG } from "./der_writer.ts";
import { CertificateError } from "./errors.ts";

/** Bytes of the length of an element; more would be larger than any certificate. */
const LENGTH_BYTES_MAX = 3;

/** One element. `body` and `whole` share the memory of what was read. */
export interface Element {
  readonly tag: number;
  /** Tag, length and body. */
  readonly whole: Uint8Array;
  readonly body: Uint8Array;
}

/** The elements that `bytes` is filled with, one behind the other. Throws `CertificateError`. */
export function readElements(bytes: Uint8Array): readonly Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = readFirst(bytes.subarray(at));
    elements.push(next);
    at += next.whole.length;
  }
  return elements;
}

/** The elements inside of one that must be there and have that tag. Throws `CertificateError`. */
export function inside(element: Element | undefined, tag: number = TAG.sequence): readonly Element[] {
  return readElements(bodyOf(element, tag));
}

/** The body of an element that must be there and have that tag. Throws `CertificateError`. */
export function bodyOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag === tag) return element.body;
  throw new CertificateError(
    `not a certificate: ${element === undefined ? "something is missing" : "not as DER has it"}`,
  );
}

/** An OBJECT IDENTIFIER as numbers with dots between. Throws `CertificateError`. */
export function readObjectId(element: Element | undefined): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of bodyOf(element, TAG.objectId)) {
    value = value * 128 + byte % 128;
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [head = 0, ...rest] = numbers;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...rest].join(".");
}

/** A time of certificates in milliseconds since 1970. Throws `CertificateError`. */
export function readTime(element: Element | undefined): number {
  const short = element?.tag === TAG.utcTime;
  const digits = Buffer.from(bodyOf(element, short ? TAG.utcTime : TAG.generalizedTime)).toString("latin1");
  // Two digits of a year belong to 1950 to 2049.
  const full = short ? `${Number(digits.slice(0, 2)) < 50 ? "20" : "19"}${digits}` : digits;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)?.slice(1);
  const [year, month, day, hour, minute, second] = parts ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw new CertificateError("not a certificate: a time in it is none");
  return ms;
}

function readFirst(bytes: Uint8Array): Element {
  const [tag = 0, first] = bytes;
  if (first === undefined) throw new CertificateError("not a certificate: cut short");
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  if (lengthBytes > LENGTH_BYTES_MAX || first === 0x80) {
    throw new CertificateError("not a certificate: a length in it cannot be");
  }
  const start = 2 + lengthBytes;
  const length = first < 0x80 ? first : bytes.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  if (bytes.length < start + length) throw new CertificateError("not a certificate: cut short");
  return { tag, whole: bytes.subarray(0, start + length), body: bytes.subarray(start, start + length) };
}
