/** What the tests of certificates share: a CA, times, and files for openssl. */

import { Authority, makeAuthority, type Pair, type Validity } from "../../../lib/tls/authority.ts";
import { type Certificate, readCertificates } from "../../../lib/tls/certificate.ts";

/** A moment with a part of a second, which no certificate has. */
export const NOW = Date.parse("2026-11-29T12:00:00.123Z");
/** See `NOW`. */
export const DAY = 86_400_000;

/** So many days from a moment on, `NOW` unless told. */
export function days(count: number, now: number = NOW): Validity {
  return { days: count, now };
}

/** A CA of a cluster, and its files. */
export function newAuthority(validity: Validity = days(3_650)): { readonly authority: Authority; readonly pair: Pair } {
  const pair = makeAuthority("test", validity);
  return { authority: new Authority(pair), pair };
}

/** The first certificate of a text. */
export function only(pem: string): Certificate {
  const [certificate] = readCertificates(pem);
  if (certificate === undefined) throw new Error("No certificate");
  return certificate;
}

/** Runs with a directory that is removed afterwards. */
export async function withDirectory(use: (directory: string) => void | Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Writes what openssl makes: a certificate that holds from now on, and its key of the kind that `generate` says. */
export async function selfSigned(
  { certificate, key }: { readonly certificate: string; readonly key: string },
  generate: readonly string[],
): Promise<void> {
  const made = ["-nodes", "-keyout", key, "-out", certificate, "-days", "10", "-subj", "/CN=x"];
  const { success, text } = await openssl("req", "-x509", "-newkey", ...generate, ...made);
  if (!success) throw new Error(text);
  await Deno.chmod(key, 0o600);
}

/** What openssl prints, on both streams, and whether it succeeded. */
export async function openssl(
  ...args: readonly string[]
): Promise<{ readonly success: boolean; readonly text: string }> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args: [...args], stdin: "null" }).output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
