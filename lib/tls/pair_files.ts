/** The files of the server's certificate and key: read and judged at the start, and again when they have changed. */

import { createSecureContext, type SecureContext } from "node:tls";
import type { Pair } from "./authority.ts";
import { type Certificate, readCertificates } from "./certificate.ts";
import { about, CertificateError } from "./errors.ts";
import { readKey, readPem } from "./files.ts";
import { fitsKey } from "./key.ts";
import { certificateInWords, stateOf } from "./words.ts";

/** The kinds of keys that TLS of this runtime takes; with others every handshake would fail. */
const KEY_KINDS: readonly string[] = ["P-256", "P-384", "P-521", "Ed25519", "RSA"];

/** Where a pair is. */
export interface PairPaths {
  readonly certificate: string;
  readonly key: string;
}

/** A pair that fits, and what its first certificate is, in words. */
export interface ReadPair extends Pair {
  readonly leaf: Certificate;
  readonly shown: string;
}

/** A pair of a server, ready for TLS. */
export interface LoadedPair extends ReadPair {
  readonly context: SecureContext;
}

/** Reads a pair for a server; `now` in milliseconds since 1970. Throws `CertificateError`, which says what the certificate is. */
export function loadPair(paths: PairPaths, now: number): LoadedPair {
  const pair = readPair(paths, { now, purpose: "server" });
  return { ...pair, context: about(paths.certificate, () => contextOf(pair)) };
}

/** Reads a pair for a server or a client, `now` in milliseconds since 1970. Throws `CertificateError`, which says what the certificate is. */
export function readPair(
  paths: PairPaths,
  { now, purpose }: { readonly now: number; readonly purpose: "server" | "client" },
): ReadPair {
  const certificate = readPem(paths.certificate);
  const [leaf] = about(paths.certificate, () => readCertificates(certificate));
  if (leaf === undefined) throw new CertificateError(`Cannot use ${paths.certificate}: it is empty`);
  const shown = certificateInWords(leaf, now);
  const key = readKey(paths.key);
  const objection = objectionTo(leaf, { key, now, paths, purpose });
  if (objection !== undefined) throw new CertificateError(`Cannot use ${paths.certificate}: ${objection} (${shown})`);
  return { certificate, key, leaf, shown };
}

/** Whether a certificate is good for that; one that names no purpose is for any. */
export function isFor({ purposes }: Certificate, purpose: "server" | "client"): boolean {
  return purposes.length === 0 || purposes.includes(purpose);
}

/** What TLS 1.2 and 1.3 are spoken with. Throws `CertificateError` for what the runtime does not take, as a key that is too short. */
export function contextOf({ certificate, key }: Pair): SecureContext {
  try {
    return createSecureContext({ cert: certificate, key, minVersion: "TLSv1.2" });
  } catch (error) {
    throw new CertificateError(`TLS does not take it: ${messageOf(error)}`);
  }
}

function objectionTo(
  leaf: Certificate,
  { key, now, paths, purpose }: {
    readonly key: string;
    readonly now: number;
    readonly paths: PairPaths;
    readonly purpose: "server" | "client";
  },
): string | undefined {
  if (!KEY_KINDS.includes(leaf.keyKind)) {
    return `its key is of the kind ${leaf.keyKind}, and TLS takes ${KEY_KINDS.join(", ")} here`;
  }
  if (!about(paths.key, () => fitsKey(leaf, key))) return `${paths.key} is not its key`;
  if (stateOf(leaf, now) !== "valid") return `it is ${stateOf(leaf, now) === "expired" ? "expired" : "not yet valid"}`;
  return isFor(leaf, purpose) ? undefined : `it is not for a ${purpose}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
