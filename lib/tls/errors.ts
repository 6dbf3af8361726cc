/** The one error of certificates and keys. */

/** A certificate, a key or a name in one that cannot be used: one line for people, which says what is wrong with which. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}
