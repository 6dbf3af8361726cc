/** `RaftKeys.json`: the key of a data directory, wrapped by the master key, and the files that are still plain. */

import { Buffer } from "node:buffer";
import { FormatVersionError, MasterKeyError } from "../../base/errors.ts";
import { concatBytes } from "../binary.ts";
import { decodeChecked, encodeChecked } from "../checked_json.ts";
import { corruption } from "../damage.ts";
import { isOtherVersion } from "../format_version.ts";
import { KEY_BYTES, type RandomBytes } from "./aead.ts";
import { DirectoryKeys, type KeyOwner } from "./directory_keys.ts";
import type { MasterKey, MasterKeys } from "./master_key.ts";

/** A directory with this file is encrypted. */
export const KEY_FILE_NAME = "RaftKeys.json";
/** Held by who writes the key file: a start, and `kvstore rekey` beside a node that runs. */
export const KEY_LOCK_NAME = "RaftKeys.lock";
/** Version of the file. */
export const KEY_FILE_FORMAT = 1;
/** How a key is given; ends errors. */
export const GIVE_KEY = "give --master-key-file, --master-key-command or KVSTORE_MASTER_KEY";

/** What is read from the file without a master key. */
export interface KeyFile {
  readonly owner: KeyOwner;
  /** Of the key that wraps. */
  readonly masterKeyId: string;
  readonly wrapped: Uint8Array;
}

/** The keys of a directory, and the master key that wraps them. */
export interface Unwrapped {
  readonly keys: DirectoryKeys;
  readonly by: MasterKey;
}

/** The bytes of the file: UTF-8, indented for people. */
export function encodeKeyFile(
  keys: DirectoryKeys,
  { master, random }: { master: MasterKey; random: RandomBytes },
): Uint8Array {
  const { owner, plain } = keys;
  const secret = concatBytes(keys.reveal(), new TextEncoder().encode(JSON.stringify(plain)));
  const wrapped = master.wrap(secret, { associated: associatedOf(owner), random });
  return encodeChecked({
    format: KEY_FILE_FORMAT,
    nodeId: owner.nodeId,
    clusterName: owner.clusterName,
    masterKeyId: master.id,
    wrapped: Buffer.from(wrapped).toString("hex"),
  });
}

/** Reads the file as far as it goes without a key. Throws `CorruptionError`, or `FormatVersionError` for another format. */
export function readKeyFile(bytes: Uint8Array, file: string): KeyFile {
  const { content, sealed } = decodeChecked(bytes, file);
  const { format, nodeId, clusterName, masterKeyId, wrapped } = content;
  if (typeof format === "number" && isOtherVersion({ version: format, known: KEY_FILE_FORMAT, sealed })) {
    throw new FormatVersionError(file, { version: format, known: KEY_FILE_FORMAT });
  }
  if (!sealed) throw corruption({ file, offset: 0, what: "the checksum does not match" });
  if (
    typeof nodeId !== "number" || typeof clusterName !== "string" || typeof masterKeyId !== "string" ||
    typeof wrapped !== "string"
  ) throw corruption({ file, offset: 0, what: "a field is missing or has the wrong type" });
  return { owner: { nodeId, clusterName }, masterKeyId, wrapped: Buffer.from(wrapped, "hex") };
}

/** Whether another version of this program wrote it, as its checksum confirms. Throws `CorruptionError` for what is no JSON object. */
export function isOfOtherProgram(bytes: Uint8Array, file: string): boolean {
  const { content: { format }, sealed } = decodeChecked(bytes, file);
  return sealed && typeof format === "number" && format !== KEY_FILE_FORMAT;
}

/** The keys in the file. Throws `MasterKeyError` where none of `masters` wraps them, and `CorruptionError` where anything was changed. */
export function unwrapKeyFile(
  found: KeyFile,
  { file, masters, random }: { file: string; masters: MasterKeys | undefined; random: RandomBytes },
): Unwrapped {
  const { owner, masterKeyId, wrapped } = found;
  if (masters === undefined) {
    throw new MasterKeyError(
      `Cannot use ${file}: the directory is encrypted under master key ${masterKeyId}; ${GIVE_KEY}`,
    );
  }
  const master = masters.find(({ id }) => id === masterKeyId);
  if (master === undefined) {
    const given = masters.map(({ id }) => id).join(" and ");
    throw new MasterKeyError(
      `Cannot use ${file}: the directory is encrypted under master key ${masterKeyId}, and the given one is ${given}; ${GIVE_KEY}`,
    );
  }
  const secret = master.unwrap(wrapped, associatedOf(owner));
  const plain = secret === undefined ? undefined : parseNames(secret.subarray(KEY_BYTES));
  if (secret === undefined || plain === undefined) {
    throw corruption({ file, offset: 0, what: "it is not authentic: it was changed, or is of another directory" });
  }
  return { keys: new DirectoryKeys({ owner, key: secret.slice(0, KEY_BYTES), plain, random }), by: master };
}

function associatedOf({ nodeId, clusterName }: KeyOwner): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(["kvstore", KEY_FILE_FORMAT, "keys", clusterName, nodeId]));
}

function parseNames(bytes: Uint8Array): readonly string[] | undefined {
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes)); // Authentic, hence what `encodeKeyFile` wrote.
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : undefined;
}
