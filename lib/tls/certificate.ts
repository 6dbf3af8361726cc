/** Reads certificates, whoever made them, as far as people and the program ask about them. */

import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { bodyOf, type Element, inside, readElements, readObjectId, readTime } from "./der_reader.ts";
import { TAG } from "./der_writer.ts";
import { CertificateError } from "./errors.ts";
import { type Names, showAddressBytes } from "./names.ts";
import { KEY_WORDS, OID, SUBJECT_WORDS } from "./object_ids.ts";

/** Characters of a file of certificates that are read. */
export const PEM_CHARACTERS_MAX = 1_048_576;

const BEGIN = "-----BEGIN CERTIFICATE-----";
/** As strict as TLS is, which would not see what is read here with leniency. */
const BLOCK = /^-----BEGIN CERTIFICATE-----\r?\n([^-]*)^-----END CERTIFICATE-----/gm;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** A certificate. Subjects are for people; `subjectDer` and `issuerDer` are what is compared. */
export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  /** Hexadecimal. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly names: Names;
  /** `server`, `client`, or object identifiers. Empty: any purpose. */
  readonly purposes: readonly string[];
  /** Whether it may sign others. */
  readonly isAuthority: boolean;
  /** The kind of its key, as P-256. */
  readonly keyKind: string;
  /** The key with its algorithm (SubjectPublicKeyInfo). */
  readonly keyDer: Uint8Array;
  /** The key's name in certificates that it signs; undefined where it has none. */
  readonly keyId: Uint8Array | undefined;
  /** All of it. */
  readonly der: Uint8Array;
  /** SHA-256 of all of it, hexadecimal. */
  readonly fingerprint: string;
  /** What is signed, and by what algorithm and with what result. */
  readonly signed: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
}

/** All certificates of a PEM text, at least one. Throws `CertificateError`. */
export function readCertificates(pem: string): readonly Certificate[] {
  if (pem.length > PEM_CHARACTERS_MAX) {
    throw new CertificateError(`more than ${PEM_CHARACTERS_MAX} characters: not a file of certificates`);
  }
  const begun = pem.split(BEGIN).length - 1;
  if (begun === 0) throw new CertificateError(`no certificate in it (a block that begins ${BEGIN})`);
  const blocks = [...pem.matchAll(BLOCK)].map(([, lines = ""]) => lines.replace(/\s/g, "")).filter((each) =>
    BASE64.test(each)
  );
  if (blocks.length < begun) {
    throw new CertificateError(`a block in it is no certificate in PEM: lines of base64, and nothing before ${BEGIN}`);
  }
  return blocks.map((base64) => readCertificate(Buffer.from(base64, "base64")));
}

/** Throws `CertificateError`. */
export function readCertificate(der: Uint8Array): Certificate {
  const [signed, algorithm, signature] = inside(readElements(der)[0]);
  const fields = inside(signed).filter(({ tag }) => tag !== 0xa0);
  const [serial, , issuer, validity, subject, key] = fields;
  const [notBefore, notAfter] = inside(validity);
  return {
    subject: showSubject(subject),
    issuer: showSubject(issuer),
    subjectDer: wholeOf(subject),
    issuerDer: wholeOf(issuer),
    serial: Buffer.from(bodyOf(serial, TAG.integer)).toString("hex"),
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    ...readExtensions(fields.find(({ tag }) => tag === 0xa3)),
    keyKind: kindOfKey(key),
    keyDer: wholeOf(key),
    der,
    fingerprint: createHash("sha256").update(der).digest("hex"),
    signed: wholeOf(signed),
    signatureAlgorithm: readObjectId(inside(algorithm)[0]),
    signature: bodyOf(signature, TAG.bitString).subarray(1),
  };
}

/** The certificate's key. Throws `CertificateError` for one that this runtime does not know. */
export function publicKeyOf({ keyDer, keyKind }: Certificate): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(keyDer), format: "der", type: "spki" });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`Cannot read the key of the certificate (${keyKind}): ${why}`);
  }
}

type Extensions = Pick<Certificate, "names" | "purposes" | "isAuthority" | "keyId">;

function readExtensions(list: Element | undefined): Extensions {
  const values = new Map<string, Element | undefined>();
  for (const extension of list === undefined ? [] : inside(inside(list, 0xa3)[0])) {
    const parts = inside(extension);
    values.set(readObjectId(parts[0]), readElements(bodyOf(parts.at(-1), TAG.octetString))[0]);
  }
  const read = <T>(id: string, how: (value: Element) => T): T | undefined => {
    const value = values.get(id);
    return value === undefined ? undefined : how(value);
  };
  return {
    names: read(OID.names, readNames) ?? { dns: [], ip: [], uri: [] },
    purposes: read(OID.purposes, (value) => inside(value).map(readObjectId).map(wordOfPurpose)) ?? [],
    isAuthority: read(OID.basicConstraints, (value) => isTrue(inside(value)[0])) ?? false,
    keyId: read(OID.subjectKeyId, (value) => bodyOf(value, TAG.octetString)),
  };
}

function isTrue(element: Element | undefined): boolean {
  return element?.tag === TAG.boolean && element.body[0] !== 0;
}

function wordOfPurpose(id: string): string {
  return id === OID.serverAuth ? "server" : id === OID.clientAuth ? "client" : id;
}

function readNames(value: Element): Names {
  const names = inside(value);
  const of = <T>(tag: number, show: (body: Uint8Array) => T) =>
    names.filter((name) => name.tag === tag).map(({ body }) => show(body));
  return { dns: of(0x82, showText), ip: of(0x87, showAddressBytes), uri: of(0x86, showText) };
}

/** As `CN=node-0, O=Example`. */
function showSubject(subject: Element | undefined): string {
  const parts = inside(subject).flatMap((set) => inside(set, TAG.set)).map((part) => {
    const [id, value] = inside(part);
    const dotted = readObjectId(id);
    const body = bodyOf(value, value?.tag ?? TAG.utf8);
    return `${SUBJECT_WORDS.get(dotted) ?? dotted}=${showText(body)}`;
  });
  return parts.join(", ");
}

/** Text of a stranger: nothing in it may move the cursor of a terminal or end a line. */
function showText(body: Uint8Array): string {
  return Buffer.from(body).toString("utf8").replace(/\p{Cc}/gu, "?");
}

function kindOfKey(key: Element | undefined): string {
  const [id, curve] = inside(inside(key)[0]);
  const algorithm = readObjectId(id);
  const named = algorithm === OID.ecPublicKey ? readObjectId(curve) : algorithm;
  return KEY_WORDS.get(named) ?? named;
}

function wholeOf(element: Element | undefined): Uint8Array {
  if (element !== undefined) return element.whole;
  throw new CertificateError("not a certificate: something is missing");
}
