/** The one error of certificates and keys. */

/** A certificate, a key or a name in one that cannot be used: one line for people, which says what is wrong with which. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

/** What `read` makes of a file; its errors name the file. */
export function about<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CertificateError) || error.message.includes(path)) throw error;
    throw new CertificateError(`Cannot use ${path}: ${error.message}`);
  }
}
