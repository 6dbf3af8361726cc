/** The CAs whose clients are let in, and why a client is not. The runtime proves that a client has the key; the rest is judged here. */

import { Buffer } from "node:buffer";
import { verify } from "node:crypto";
import { type Certificate, publicKeyOf, readCertificate, readCertificates } from "./certificate.ts";
import { bodyOf, inside, readElements } from "./der_reader.ts";
import { bitString, sequence, TAG } from "./der_writer.ts";
import { about, CertificateError } from "./errors.ts";
import { readPem } from "./files.ts";
import { SIGNATURE_HASHES } from "./object_ids.ts";
import { isFor } from "./pair_files.ts";
import { certificateInWords, expiryInWords, stateOf } from "./words.ts";

/** Certificates of CAs in one file. */
export const CLIENT_AUTHORITIES_MAX = 32;
/** The version of certificates that have extensions (RFC 5280 section 4.1.2.1). */
const VERSION_3 = 2;

const STATES = { valid: "holds", expired: "has expired", not_yet_valid: "is not yet valid" } as const;

/** The certificates of a file of CAs. */
export class ClientAuthorities {
  /** Subject and expiry of each. */
  readonly shown: string;
  readonly #trusted: readonly Certificate[];

  /** Reads the file, `now` in milliseconds since 1970. Throws `CertificateError`, also where none of the CAs holds now. */
  constructor(path: string, now: number) {
    this.#trusted = about(path, () => readAuthorities(readPem(path)));
    this.shown = this.#trusted.map((each) => `${each.subject} (${expiryInWords(each, now)})`).join("; ");
    if (this.#trusted.some((each) => stateOf(each, now) === "valid")) return;
    throw new CertificateError(`Cannot use ${path}: no CA in it holds now: ${this.shown}`);
  }

  /**
   * Why a client with that certificate is not let in, with what the certificate is; undefined when it is. `der` is what the
   * client has sent, undefined where it sent none. Never throws.
   */
  objectionTo(der: Uint8Array | undefined, now: number): string | undefined {
    if (der === undefined || der.length === 0) return "it has sent no certificate, and --tls-client-ca asks for one";
    try {
      const leaf = readCertificate(der);
      const objection = this.#flawOf(leaf, { der, now });
      if (objection === undefined) return undefined;
      return `its certificate is no client's here: ${objection} (${certificateInWords(leaf, now)})`;
    } catch (error) {
      return `its certificate cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #flawOf(leaf: Certificate, { der, now }: { readonly der: Uint8Array; readonly now: number }): string | undefined {
    if (!isCanonical(der)) return "it is not version 3 in DER, and so the runtime may not have asked for its key";
    const signer = this.#trusted.find((authority) => isSignedBy(leaf, authority));
    if (signer === undefined) return `no CA of --tls-client-ca has signed it (${this.#subjects()})`;
    if (stateOf(signer, now) !== "valid") return `its CA ${STATES[stateOf(signer, now)]}`;
    if (stateOf(leaf, now) !== "valid") return `it ${STATES[stateOf(leaf, now)]}`;
    if (leaf.isAuthority) return "it is of a CA";
    return isFor(leaf, "client") ? undefined : "it is not for a client";
  }

  #subjects(): string {
    return this.#trusted.map(({ subject }) => subject).join("; ");
  }
}

/** The CAs of a text in PEM, at least one. Throws `CertificateError`, also for certificates of others. */
export function readAuthorities(pem: string): readonly Certificate[] {
  const all = readCertificates(pem);
  if (all.length > CLIENT_AUTHORITIES_MAX) {
    throw new CertificateError(`it has ${all.length} certificates, and may have ${CLIENT_AUTHORITIES_MAX}`);
  }
  const other = all.find(({ isAuthority }) => !isAuthority);
  if (other === undefined) return all;
  throw new CertificateError(`a certificate in it is not of a CA (subject ${other.subject})`);
}

/** Whether the CA's key has made the certificate's signature; the names are compared before. */
export function isSignedBy(leaf: Certificate, authority: Certificate): boolean {
  const hash = SIGNATURE_HASHES.get(leaf.signatureAlgorithm);
  if (hash === undefined || !Buffer.from(leaf.issuerDer).equals(authority.subjectDer)) return false;
  return verify(hash, leaf.signed, publicKeyOf(authority), leaf.signature);
}

/**
 * Whether what the signature of the CA does not cover is as a CA writes it. Deno 2.9.6 lets a client in that has not proved to
 * have the key where it cannot read the certificate itself: of version 1, or with other bytes around what is signed, which anybody
 * can put there.
 */
function isCanonical(der: Uint8Array): boolean {
  const [whole] = readElements(der);
  const [signed, , signature] = inside(whole);
  const [version, , inner] = inside(signed);
  if (signed === undefined || inner === undefined || version?.tag !== 0xa0) return false;
  const number = bodyOf(inside(version, 0xa0)[0], TAG.integer);
  const value = bodyOf(signature, TAG.bitString).subarray(1);
  const written = sequence(signed.whole, inner.whole, bitString(value));
  return number.length === 1 && number[0] === VERSION_3 && Buffer.from(written).equals(der);
}
