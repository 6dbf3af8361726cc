/** Private keys: whether one belongs to a certificate. */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import type { Certificate } from "./certificate.ts";
import { CertificateError } from "./errors.ts";

/** Whether the private key (PEM, not encrypted) is that of the certificate. Throws `CertificateError` when it cannot be read. */
export function fitsKey({ keyDer }: Certificate, key: string): boolean {
  let der: Buffer;
  try {
    // Not of the text: that could be a certificate or a public key as well.
    der = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`not a private key in PEM without a password: ${why}`);
  }
  return der.equals(Buffer.from(keyDer));
}
