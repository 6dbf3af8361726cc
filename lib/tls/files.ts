/** The files of certificates and keys: whole or not there, keys for their owner alone. */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { ExposedFileError, isExposed, PRIVATE_DIRECTORY, PRIVATE_FILE } from "../base/private_files.ts";
import { PEM_CHARACTERS_MAX, readCertificates } from "./certificate.ts";
import { about, CertificateError } from "./errors.ts";

/** Others than the owner of a directory. */
const OTHERS = 0o077;

/** A file to be written. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  /** A key is for its owner alone, a certificate for everybody. */
  readonly secret: boolean;
}

/** Makes the directory for its owner alone, if it is not there. Throws `CertificateError`, also for one that others may look into. */
export function makePrivateDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
  } catch (error) {
    throw refused("make the directory", path, { error });
  }
  const { mode } = Deno.statSync(path);
  if (Deno.build.os === "windows" || mode === null || (mode & OTHERS) === 0) return;
  throw new CertificateError(`${path} is open to others, and keys are to lie there: chmod 700 ${path}`);
}

/**
 * Writes a file as a whole: under another name first. Throws `CertificateError`; where a file is in its place that is kept,
 * unless it is to be replaced.
 */
export function writeWhole({ path, text, secret }: NewFile, { replace }: { readonly replace: boolean }): void {
  const fresh = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    try {
      writeSynced(fresh, { text, mode: secret ? PRIVATE_FILE : 0o644 });
      // A link is refused where the name is taken, whoever was faster.
      if (replace) Deno.renameSync(fresh, path);
      else Deno.linkSync(fresh, path);
    } finally {
      removeIfThere(fresh);
    }
  } catch (error) {
    throw refused("write", path, { error });
  }
}

/** The text of a file of certificates. Throws `CertificateError`. */
export function readPem(path: string): string {
  try {
    if (Deno.statSync(path).size > PEM_CHARACTERS_MAX) {
      throw new CertificateError("it is too long for certificates or keys");
    }
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw refused("read", path, { error });
  }
}

/** The text of a file of certificates in which each can be read. Throws `CertificateError`. */
export function readAuthorities(path: string): string {
  const text = readPem(path);
  about(path, () => readCertificates(text));
  return text;
}

/** The text of a file with a private key, which strangers cannot read. Throws `CertificateError`. */
export function readKey(path: string): string {
  const text = readPem(path);
  if (isExposed(modeOf(path))) throw new CertificateError(new ExposedFileError("the key", path).message);
  return text;
}

function modeOf(path: string): number | null {
  try {
    return Deno.statSync(path).mode;
  } catch (error) {
    throw refused("read", path, { error });
  }
}

function writeSynced(path: string, { text, mode }: { readonly text: string; readonly mode: number }): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  file.syncSync();
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function refused(action: string, path: string, { error }: { readonly error: unknown }): CertificateError {
  return new CertificateError(`Cannot ${action} ${path}: ${error instanceof Error ? error.message : String(error)}`);
}
