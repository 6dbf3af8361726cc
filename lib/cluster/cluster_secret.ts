/**
 * The secret by which the nodes of a cluster know each other.
 *
 * Nodes on several machines are given one. Without that, the nodes of one user on one machine share a secret that the first
 * of them makes, in the user's state directory, where nobody else can read it.
 */

import { dirname, join } from "@std/path";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { ExposedFileError, PRIVATE_DIRECTORY, PRIVATE_FILE, readPrivateText } from "../base/private_files.ts";
import type { Secrets } from "../transport/credentials.ts";

/** Bytes of random in a secret that is made here; hexadecimal in the file. */
const SECRET_BYTES = 32;
/** Fewer characters could be guessed from a recorded handshake. */
export const SECRET_CHARACTERS_MIN = 16;
const SECRET_CHARACTERS_MAX = 4_096;
const OTHERS = 0o077;
const FLAG = "--cluster-secret-file names another one";

/** Why there is no secret, in one line that names the file and the flag. */
export class ClusterSecretError extends Error {
  override readonly name = "ClusterSecretError";
}

/** Where the user's secret is looked for. */
export interface SecretGround {
  readonly os: string;
  environment(name: string): string | undefined;
}

/** This process. */
export const OWN_GROUND: SecretGround = { os: Deno.build.os, environment: (name) => Deno.env.get(name) };

/** The path of the secret that the nodes of this user share. Throws `ClusterSecretError` where the user has no home. */
export function sharedSecretPath(ground: SecretGround = OWN_GROUND): string {
  const path = homePath(ground);
  if (path !== undefined) return path;
  const names = ground.os === "windows" ? "LOCALAPPDATA is" : "HOME and XDG_STATE_HOME are";
  throw new ClusterSecretError(`Cannot tell where the cluster secret is: ${names} not set; ${FLAG}`);
}

/** Where a launcher looks for it, whose nodes all lie below `directory`: there, where the user has no home. */
export function launcherSecretPath(directory: string, ground: SecretGround = OWN_GROUND): string {
  return homePath(ground) ?? join(directory, "cluster-secret");
}

function homePath({ os, environment }: SecretGround): string | undefined {
  const base = os === "windows" ? environment("LOCALAPPDATA") : stateHome(environment);
  return base === undefined ? undefined : `${base}/kvstore/cluster-secret`;
}

function stateHome(environment: SecretGround["environment"]): string | undefined {
  const [state, home] = [environment("XDG_STATE_HOME"), environment("HOME")];
  // The standard takes relative paths for not set.
  if (state?.startsWith("/") === true) return state;
  return home === undefined || home === "" ? undefined : `${home}/.local/state`;
}

/** The secret in that file, made by the first who asks. Throws `ClusterSecretError`. */
export function sharedSecret(path: string = sharedSecretPath()): string {
  return readOwn(path) ?? make(path);
}

/** How a node was told of its secrets. */
export interface SecretOptions {
  /** Undefined where none was given. */
  readonly clusterSecret: string | undefined;
  /** What counts as well: that of nodes which are not told of the new one yet. Left out where nothing else does. */
  readonly previously?: Pick<SecretOptions, "clusterSecret">;
  readonly peerTls?: { readonly alsoPlain?: boolean };
}

/** By what a node and its peers know each other. Throws `ClusterSecretError`. */
export function secretsOf({ previously, ...options }: SecretOptions): Secrets {
  const [now, before] = [givenSecrets(options), previously && givenSecrets({ ...options, ...previously })];
  return { ...now, previousSecret: before?.secret, previousPlainSecret: before?.plainSecret };
}

/**
 * What the passes between nodes are keyed by, each once: all that nodes with and without TLS between them, or with the previous secret, have in
 * common. Under the empty one what is kept of a password, as a backup has it, is the whole key.
 */
export function passSecrets(
  { plainSecret, secret, previousPlainSecret, previousSecret }: Secrets,
  findShared: () => string | undefined = findSharedSecret,
): readonly string[] {
  const given = [plainSecret, secret, previousPlainSecret, previousSecret];
  const all = new Set(given.filter((each) => each !== undefined));
  // Who still takes nodes without TLS has a secret in common with all of them.
  if (plainSecret !== undefined) all.delete("");
  else if (all.has("")) {
    // Those that took them a moment ago have it on this machine: only there they need none of their own.
    const shared = findShared();
    if (shared !== undefined) all.add(shared);
  }
  return [...all];
}

/** The secret of this user on this machine, where there is one that he alone can read. */
function findSharedSecret(): string | undefined {
  try {
    return readOwn(sharedSecretPath());
  } catch (error) {
    // With TLS alone nothing else needs it.
    if (error instanceof ClusterSecretError) return undefined;
    throw error;
  }
}

/** With certificates a secret only where one was given, and for nodes without always one; without certificates always one. */
function givenSecrets({ clusterSecret, peerTls }: SecretOptions): Pick<Secrets, "secret" | "plainSecret"> {
  return {
    secret: clusterSecret ?? (peerTls === undefined ? sharedSecret() : ""),
    plainSecret: peerTls?.alsoPlain === true ? clusterSecret ?? sharedSecret() : undefined,
  };
}

/** A secret of the operator's own in a file. Throws `ClusterSecretError`. */
export function readSecretFile(path: string): string {
  try {
    return checkSecret(readPrivateText(path, "the cluster secret").trim(), path);
  } catch (error) {
    if (error instanceof ExposedFileError) throw new ClusterSecretError(error.message);
    if (error instanceof ClusterSecretError) throw error;
    throw new ClusterSecretError(`Cannot read the cluster secret ${path}: ${messageOf(error)}`);
  }
}

/** The secret, if it can be one; `origin` names where it is from. Throws `ClusterSecretError`. */
export function checkSecret(secret: string, origin: string): string {
  if (secret.length >= SECRET_CHARACTERS_MIN && secret.length <= SECRET_CHARACTERS_MAX) return secret;
  throw new ClusterSecretError(
    `The cluster secret of ${origin} has ${secret.length} characters: it needs ${SECRET_CHARACTERS_MIN} to ` +
      `${SECRET_CHARACTERS_MAX}; openssl rand -hex 32 makes one`,
  );
}

/** Undefined where there is none yet. */
function readOwn(path: string): string | undefined {
  let text: string;
  try {
    const { uid, mode } = Deno.statSync(path);
    const own = ownUser();
    if (uid !== null && own !== undefined && uid !== own) {
      throw new ClusterSecretError(`The cluster secret ${path} belongs to another user (${uid}); ${FLAG}`);
    }
    if (Deno.build.os !== "windows" && mode !== null && (mode & OTHERS) !== 0) {
      throw new ClusterSecretError(`The cluster secret ${path} can be read by others: chmod 600 it; ${FLAG}`);
    }
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof ClusterSecretError) throw error;
    throw new ClusterSecretError(`Cannot read the cluster secret ${path}: ${messageOf(error)}; ${FLAG}`);
  }
  if (/^[0-9a-f]{64}\n$/.test(text)) return text.trim();
  throw new ClusterSecretError(`The cluster secret ${path} is not what was written there: remove it; ${FLAG}`);
}

/**
 * Whole under another name first, and linked to its own name then, which fails where somebody was faster: whoever reads the
 * file reads all of it, and all read the same.
 */
function make(path: string): string {
  const secret = randomBytes(SECRET_BYTES).toString("hex");
  const fresh = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_DIRECTORY });
    writeWhole(fresh, `${secret}\n`);
    try {
      Deno.linkSync(fresh, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    } finally {
      Deno.removeSync(fresh);
    }
  } catch (error) {
    throw new ClusterSecretError(`Cannot make the cluster secret ${path}: ${messageOf(error)}; ${FLAG}`);
  }
  return readOwn(path) ?? secret;
}

function writeWhole(path: string, text: string): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: PRIVATE_FILE });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  file.syncSync();
}

/** Undefined on systems without users, and where this process may not ask: then others' files cannot be read anyway. */
function ownUser(): number | undefined {
  try {
    return Deno.uid() ?? undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
