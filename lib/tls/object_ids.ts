/** The object identifiers that stand in certificates, and their short names. */

/** Of what X.509 and TLS name by numbers (RFC 5280, RFC 5480, RFC 5758). */
export const OID = {
  commonName: "2.5.4.3",
  ecPublicKey: "1.2.840.10045.2.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  names: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  purposes: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

/** Algorithms of signatures that are checked, and the hash in each (RFC 5758, RFC 4055). */
export const SIGNATURE_HASHES: ReadonlyMap<string, string> = new Map([
  [OID.ecdsaWithSha256, "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
]);

/** How the parts of a subject are shown; others by their number. */
export const SUBJECT_WORDS: ReadonlyMap<string, string> = new Map([
  [OID.commonName, "CN"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
]);

/** How the kinds of keys are shown, and for keys on curves the curves. */
export const KEY_WORDS: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.1.1.1", "RSA"],
  ["1.3.101.112", "Ed25519"],
  ["1.2.840.10045.3.1.7", "P-256"],
  ["1.3.132.0.34", "P-384"],
  ["1.3.132.0.35", "P-521"],
]);
