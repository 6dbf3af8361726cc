/** What reads return: values, with their text on demand. */

import { ProtocolError } from "./errors.ts";
import type { Reply } from "./replies.ts";
import { decodeText } from "./words.ts";

/** When a key was made and changed. Revisions are places in the history of all keys: each change has a greater one. */
export interface Revision {
  /** The revision at which the key came into being. */
  readonly created: number;
  /** The revision of its last change. */
  readonly modified: number;
  /** How often it was written since it came into being; 1 is the first time. */
  readonly version: number;
}

/** The value of a key. */
export class Entry {
  /** The value as it is. */
  readonly value: Uint8Array;

  constructor(value: Uint8Array) {
    this.value = value;
  }

  /** The value as text. Throws TypeError when it is not UTF-8. */
  text(): string {
    return decodeText(this.value);
  }
}

/** The value of a key and its revision. */
export class RevisedEntry extends Entry {
  /** When the key was made and changed. */
  readonly revision: Revision;

  constructor(value: Uint8Array, revision: Revision) {
    super(value);
    this.revision = revision;
  }
}

/** A key and its value. */
export class KeyEntry extends Entry {
  /** The key as it is. */
  readonly key: Uint8Array;

  constructor(key: Uint8Array, value: Uint8Array) {
    super(value);
    this.key = key;
  }

  /** The key as text. Throws TypeError when it is not UTF-8. */
  keyText(): string {
    return decodeText(this.key);
  }
}

/** A reply that is to be bytes or nothing. Throws `ProtocolError` for anything else. */
export function bytesOrNull(reply: Reply | undefined): Uint8Array | null {
  if (reply === null || reply instanceof Uint8Array) return reply;
  throw unexpected(reply);
}

/** A reply that is to be bytes. Throws `ProtocolError` for anything else. */
export function bytesOf(reply: Reply | undefined): Uint8Array {
  if (reply instanceof Uint8Array) return reply;
  throw unexpected(reply);
}

/** A reply that is to be an integer. Throws `ProtocolError` for anything else. */
export function integerOf(reply: Reply | undefined): number | bigint {
  if (typeof reply === "number" || typeof reply === "bigint") return reply;
  throw unexpected(reply);
}

/** A reply that is to be a list. Throws `ProtocolError` for anything else. */
export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (isList(reply)) return reply;
  throw unexpected(reply);
}

/** The answer to REVISION; undefined when the key is not there. Throws `ProtocolError` for anything else. */
export function revisionOf(reply: Reply | undefined): Revision | undefined {
  if (reply === null) return undefined;
  const [created, modified, version] = listOf(reply);
  return {
    created: Number(integerOf(created)),
    modified: Number(integerOf(modified)),
    version: Number(integerOf(version)),
  };
}

function isList(reply: Reply | undefined): reply is readonly Reply[] {
  return Array.isArray(reply);
}

function unexpected(reply: Reply | undefined): ProtocolError {
  const shown = reply instanceof Uint8Array ? `${reply.length} bytes` : String(reply).slice(0, 40);
  return new ProtocolError(`The server gave an answer of another kind than expected: ${shown}`);
}
