/** The files of the server's certificate and key: read and judged at the start, and again when they have changed. */

import { createSecureContext, type SecureContext } from "node:tls";
import type { Clock, Timer } from "../base/clock.ts";
import type { Pair } from "./authority.ts";
import { type Certificate, readCertificates } from "./certificate.ts";
import { about, CertificateError } from "./errors.ts";
import { readKey, readPem } from "./files.ts";
import { fitsKey } from "./key.ts";
import { datesInWords, expiryInWords, namesInWords, stateOf } from "./words.ts";

/** How often the files are looked at. */
export const FILES_CHECK_MS = 1_000;

/** The kinds of keys that TLS of this runtime takes; with others every handshake would fail. */
const KEY_KINDS: readonly string[] = ["P-256", "P-384", "P-521", "Ed25519", "RSA"];

/** Where a pair is. */
export interface PairPaths {
  readonly certificate: string;
  readonly key: string;
}

/** A pair that fits, ready for TLS, and what its first certificate is, in words. */
export interface LoadedPair {
  readonly context: SecureContext;
  readonly shown: string;
}

/** Reads a pair for a server; `now` in milliseconds since 1970. Throws `CertificateError`, which says what the certificate is. */
export function loadPair(paths: PairPaths, now: number): LoadedPair {
  const certificate = readPem(paths.certificate);
  const [leaf] = about(paths.certificate, () => readCertificates(certificate));
  if (leaf === undefined) throw new CertificateError(`Cannot use ${paths.certificate}: it is empty`);
  const shown = `subject ${leaf.subject}, issuer ${leaf.issuer}, names ${namesInWords(leaf)}, valid ${
    datesInWords(leaf)
  }, ${expiryInWords(leaf, now)}`;
  const key = readKey(paths.key);
  const objection = objectionTo(leaf, { key, now, paths });
  if (objection !== undefined) throw new CertificateError(`Cannot use ${paths.certificate}: ${objection} (${shown})`);
  return { context: about(paths.certificate, () => contextOf({ certificate, key })), shown };
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
  { key, now, paths }: { readonly key: string; readonly now: number; readonly paths: PairPaths },
): string | undefined {
  if (!KEY_KINDS.includes(leaf.keyKind)) {
    return `its key is of the kind ${leaf.keyKind}, and TLS takes ${KEY_KINDS.join(", ")} here`;
  }
  if (!about(paths.key, () => fitsKey(leaf, key))) return `${paths.key} is not its key`;
  if (stateOf(leaf, now) !== "valid") return `it is ${stateOf(leaf, now) === "expired" ? "expired" : "not yet valid"}`;
  if (leaf.purposes.length > 0 && !leaf.purposes.includes("server")) return "it is not for a server";
  return undefined;
}

/** What hears of changes. */
export interface PairWatchOptions {
  readonly paths: PairPaths;
  readonly clock: Clock;
  readonly wallClockMs: () => number;
  /** Another pair that fits. */
  readonly changed: (loaded: LoadedPair) => void;
  /** What is there cannot be used, and has not changed since the last look: once for each state of the files. */
  readonly failed: (why: string) => void;
}

/** Looks at the files every second. Replacing two files takes two steps, so that what does not fit gets a second look. */
export class PairWatch {
  readonly #options: PairWatchOptions;
  #settled: string;
  #suspect: string | undefined;
  #timer: Timer | undefined;

  /** The files are taken for what was loaded; `start` begins to look. */
  constructor(options: PairWatchOptions) {
    this.#options = options;
    this.#settled = this.#stamp();
  }

  /** Begins to look. */
  start(): void {
    this.#timer = this.#options.clock.after(FILES_CHECK_MS, () => {
      this.check();
      this.start();
    });
  }

  /** Looks at once. */
  check(): void {
    const stamp = this.#stamp();
    if (stamp === this.#settled) return;
    const { paths, wallClockMs, changed, failed } = this.#options;
    try {
      changed(loadPair(paths, wallClockMs()));
    } catch (error) {
      const isNew = stamp !== this.#suspect;
      this.#suspect = stamp;
      if (isNew) return;
      failed(messageOf(error));
    }
    this.#settled = stamp;
  }

  /** Looks no more. */
  stop(): void {
    this.#timer?.cancel();
  }

  /** What tells one state of the files from another. */
  #stamp(): string {
    const { certificate, key } = this.#options.paths;
    return [certificate, key].map(stampOf).join(" ");
  }
}

function stampOf(path: string): string {
  try {
    const { mtime, ctime, size, ino } = Deno.statSync(path);
    return [mtime?.getTime(), ctime?.getTime(), size, ino].join("/");
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
