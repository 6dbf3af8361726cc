/** `kvstore tls show`: what certificates say, in words or as JSON. */

import { alignColumns } from "../cluster/ready_text.ts";
import { type Certificate, readCertificates } from "../tls/certificate.ts";
import { about, CertificateError } from "../tls/errors.ts";
import { readPem } from "../tls/files.ts";
import * as words from "../tls/words.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT } from "./failures.ts";
import { certificatesIn } from "./tls_paths.ts";

/** A certificate and the file that it is in. */
interface Found {
  readonly file: string;
  readonly certificate: Certificate;
}

/** Shows those of each file, and of each directory. Returns 1 when one of them does not hold now. */
export function showCertificates({ settings, surroundings }: CommandContext, paths: readonly string[]): number {
  const now = Date.now();
  const found = paths.flatMap(filesOf).flatMap(readFile);
  surroundings.out(
    settings.enabled("json")
      ? `${JSON.stringify({ certificates: found.map((one) => asJson(one, now)) })}\n`
      : found.map((one) => inWords(one, now)).join("\n"),
  );
  return found.every(({ certificate }) => words.stateOf(certificate, now) === "valid") ? EXIT.ok : EXIT.failure;
}

function filesOf(path: string): readonly string[] {
  return isDirectory(path) ? certificatesIn(path).map((name) => `${path}/${name}.pem`) : [path];
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    throw new CertificateError(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readFile(file: string): readonly Found[] {
  return about(file, () => readCertificates(readPem(file)).map((certificate) => ({ file, certificate })));
}

function inWords({ file, certificate }: Found, now: number): string {
  const rows = [
    ["subject", certificate.subject],
    ["issuer", certificate.issuer],
    ["names", words.namesInWords(certificate)],
    ["purposes", words.purposesInWords(certificate)],
    ["valid", `${words.datesInWords(certificate)}, ${words.expiryInWords(certificate, now)}`],
    ["key", certificate.keyKind],
    ["sha256", certificate.fingerprint],
  ];
  return [file, ...alignColumns(rows).map((line) => `  ${line.trimEnd()}`)].map((line) => `${line}\n`).join("");
}

function asJson({ file, certificate }: Found, now: number) {
  const { subject, issuer, serial, names, purposes, isAuthority, notBefore, notAfter, keyKind, fingerprint } =
    certificate;
  return {
    file,
    subject,
    issuer,
    serial,
    names,
    purposes,
    isAuthority,
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    state: words.stateOf(certificate, now),
    secondsLeft: Math.floor((notAfter - now) / 1_000),
    keyKind,
    sha256: fingerprint,
  };
}
