import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import * as reader from "../../../lib/tls/der_reader.ts";
import * as writer from "../../../lib/tls/der_writer.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function firstOf(bytes: Uint8Array): reader.Element | undefined {
  return reader.readElements(bytes)[0];
}

Deno.test("elements are written as X.690 says", () => {
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [writer.integer(Uint8Array.of(0x7f)), "02017f"],
    [writer.integer(Uint8Array.of(0x80)), "02020080"],
    [writer.yes(), "0101ff"],
    [writer.bitString(Uint8Array.of(0x06), 1), "03020106"],
    [writer.objectId("1.2.840.10045.4.3.2"), "06082a8648ce3d040302"],
    [writer.objectId("2.5.29.17"), "0603551d11"],
    [writer.sequence(writer.yes(), writer.yes()), "30060101ff0101ff"],
    [writer.time(Date.parse("2049-12-31T23:59:59Z")), `170d${hex(Buffer.from("491231235959Z"))}`],
    [writer.time(Date.parse("2050-01-01T00:00:00Z")), `180f${hex(Buffer.from("20500101000000Z"))}`],
  ];
  for (const [bytes, expected] of cases) assertEquals(hex(bytes), expected);
});

Deno.test("lengths of one, two and three bytes are written as short as they can be, and read again", () => {
  const heads: readonly (readonly [number, string])[] = [
    [0, "0400"],
    [127, "047f"],
    [128, "048180"],
    [255, "0481ff"],
    [256, "04820100"],
    [65_536, "0483010000"],
  ];
  for (const [length, head] of heads) {
    const bytes = writer.element(0x04, new Uint8Array(length));
    assertEquals(hex(bytes.subarray(0, head.length / 2)), head);
    assertEquals([firstOf(bytes)?.tag, firstOf(bytes)?.body.length], [0x04, length]);
  }
});

Deno.test("object identifiers and times are read as they were written", () => {
  for (const id of ["0.9.2342", "1.2.840.113549.1.1.1", "2.5.4.3"]) {
    assertEquals(reader.readObjectId(firstOf(writer.objectId(id))), id);
  }
  for (const text of ["2026-11-29T12:00:00.000Z", "2049-06-01T00:00:00.000Z", "2118-01-02T03:04:05.000Z"]) {
    assertEquals(new Date(reader.readTime(firstOf(writer.time(Date.parse(text))))).toISOString(), text);
  }
  const old = writer.element(writer.TAG.utcTime, Buffer.from("500101000000Z"));
  assertEquals(new Date(reader.readTime(firstOf(old))).toISOString(), "1950-01-01T00:00:00.000Z");
});

Deno.test("what is cut short, too long, of another kind or no time is refused", () => {
  const whole = writer.sequence(writer.integer(new Uint8Array(200).fill(1)));
  for (let length = 1; length < whole.length; length++) {
    assertThrows(() => reader.readElements(whole.subarray(0, length)), CertificateError, "cut short");
  }
  for (const bytes of [[0x30, 0x80], [0x30, 0x84, 0, 0, 0, 1, 0], [0x30, 0xff]]) {
    assertThrows(() => reader.readElements(Uint8Array.from(bytes)), CertificateError, "a length in it cannot be");
  }
  assertThrows(() => reader.inside(undefined), CertificateError, "something is missing");
  assertThrows(() => reader.inside(firstOf(writer.yes())), CertificateError, "not as DER has it");
  for (const text of ["491301000000Z", "4912310000Z", "491231000000+01", "x"]) {
    const element = firstOf(writer.element(writer.TAG.utcTime, Buffer.from(text)));
    assertThrows(() => reader.readTime(element), CertificateError, "a time in it is none");
  }
});
