/** A certificate whose signature still holds, with other bytes around what is signed: nobody needs a key for that. */

import { Buffer } from "node:buffer";
import { inside, readElements } from "../../../lib/tls/der_reader.ts";
import { bitString, element, sequence, TAG } from "../../../lib/tls/der_writer.ts";

/** Each way, and what it makes of the certificate. */
export function reworded(der: Uint8Array): readonly (readonly [how: string, der: Uint8Array])[] {
  const [whole] = readElements(der);
  const [signed, algorithm, signature] = inside(whole);
  if (whole === undefined || signed === undefined || algorithm === undefined || signature === undefined) {
    throw new Error("Not a certificate");
  }
  const parts = [signed.whole, algorithm.whole, signature.whole];
  const value = signature.body.subarray(1);
  const [name] = inside(algorithm);
  if (name === undefined) throw new Error("Not an algorithm");
  return [
    ["bytes behind it", Buffer.concat([der, Uint8Array.of(0)])],
    ["a longer length than needed", Buffer.concat([Uint8Array.of(TAG.sequence, 0x83, 0), der.subarray(2)])],
    ["a fourth part", sequence(...parts, element(0x05))],
    ["a parameter of the algorithm", sequence(signed.whole, sequence(name.whole, element(0x05)), signature.whole)],
    ["bits that do not count", sequence(signed.whole, algorithm.whole, bitString(value, 3))],
    [
      "a byte behind the signature's bits",
      sequence(signed.whole, algorithm.whole, Buffer.concat([bitString(value)]), element(0x05)),
    ],
  ];
}
