/** Makes certificates: version 3 of X.509, signed with ECDSA over P-256 and SHA-256 (RFC 5280). */

import { Buffer } from "node:buffer";
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { bitString, element, integer, objectId, sequence, TAG, time, yes } from "./der_writer.ts";
import { addressBytes, type Names } from "./names.ts";
import { OID } from "./object_ids.ts";

/** What a certificate says, besides who signs it. */
export interface Contents {
  /** The subject, as `subjectOf` makes it or another certificate has it. */
  readonly subjectDer: Uint8Array;
  readonly publicKey: KeyObject;
  readonly names: Names;
  /** Object identifiers; empty for a CA. */
  readonly purposes: readonly string[];
  /** Milliseconds since 1970; seconds count. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Who signs. */
export interface Issuer {
  readonly subjectDer: Uint8Array;
  readonly privateKey: KeyObject;
  /** The name of its key, as its certificate has it. */
  readonly keyId: Uint8Array;
}

const SERIAL_BYTES = 16;
/** keyCertSign and cRLSign; digitalSignature. The bits behind them do not count. */
const AUTHORITY_USAGE = bitString(Uint8Array.of(0x06), 1);
const LEAF_USAGE = bitString(Uint8Array.of(0x80), 7);

/** A subject of one common name, of 64 characters at most. */
export function subjectOf(commonName: string): Uint8Array {
  const part = sequence(objectId(OID.commonName), element(TAG.utf8, Buffer.from(commonName)));
  return sequence(element(TAG.set, part));
}

/** The name of a P-256 key: SHA-1 of its point, the last 65 bytes (RFC 5280 section 4.2.1.2). Nothing rests on the hash. */
export function keyIdOf(publicKey: KeyObject): Uint8Array {
  return createHash("sha1").update(publicKey.export({ type: "spki", format: "der" }).subarray(-65)).digest();
}

/** A CA's certificate, signed by its own key; it signs nodes and clients and no other CA. Returns PEM. */
export function issueAuthority(contents: Contents, privateKey: KeyObject): string {
  const constraints = sequence(yes(), integer(Uint8Array.of(0)));
  const issuer = { subjectDer: contents.subjectDer, privateKey, keyId: keyIdOf(contents.publicKey) };
  const special = [
    extension(OID.basicConstraints, constraints, { critical: true }),
    extension(OID.keyUsage, AUTHORITY_USAGE, { critical: true }),
  ];
  return signed(contents, { issuer, special });
}

/** The certificate of a node or client. Returns PEM. */
export function issueLeaf(contents: Contents, issuer: Issuer): string {
  const special = [
    extension(OID.basicConstraints, sequence(), { critical: true }),
    extension(OID.keyUsage, LEAF_USAGE, { critical: true }),
    extension(OID.authorityKeyId, sequence(element(0x80, issuer.keyId))),
    extension(OID.purposes, sequence(...contents.purposes.map(objectId))),
  ];
  return signed(contents, { issuer, special });
}

function signed(
  contents: Contents,
  { issuer, special }: { readonly issuer: Issuer; readonly special: readonly Uint8Array[] },
): string {
  const { subjectDer, publicKey, names, notBefore, notAfter } = contents;
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const extensions = [
    ...special,
    extension(OID.subjectKeyId, element(TAG.octetString, keyIdOf(publicKey))),
    extension(OID.names, sequence(...generalNames(names))),
  ];
  const body = sequence(
    element(0xa0, integer(Uint8Array.of(2))),
    integer(serialNumber()),
    algorithm,
    issuer.subjectDer,
    sequence(time(notBefore), time(notAfter)),
    subjectDer,
    publicKey.export({ type: "spki", format: "der" }),
    element(0xa3, sequence(...extensions)),
  );
  const der = sequence(body, algorithm, bitString(sign("sha256", body, issuer.privateKey)));
  const lines = Buffer.from(der).toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Positive, and no smaller for a leading zero. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return bytes;
}

function extension(id: string, value: Uint8Array, { critical = false } = {}): Uint8Array {
  return sequence(objectId(id), ...(critical ? [yes()] : []), element(TAG.octetString, value));
}

function generalNames({ dns, ip, uri }: Names): readonly Uint8Array[] {
  return [
    ...dns.map((name) => element(0x82, Buffer.from(name))),
    ...ip.map((address) => element(0x87, addressBytes(address))),
    ...uri.map((name) => element(0x86, Buffer.from(name))),
  ];
}
