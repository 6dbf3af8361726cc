/** Keys and values in JSON: text where they are UTF-8, else base64 under another name. Byte strings throughout. */

import { isText } from "../base/bytes.ts";
import { type Clock, nextTurn } from "../base/clock.ts";
import type { KeyRecord } from "../kv/key_record.ts";

/** A byte string as text where it is UTF-8, else in base64 under another name. */
export function byteField(name: "key" | "value" | "prefix", bytes: string): string {
  // The JSON of a byte string whose bytes are UTF-8 is the UTF-8 of the JSON of its text: what is escaped is ASCII.
  if (!isText(bytes)) return `"${name}_base64":"${btoa(bytes)}"`;
  return `"${name}":${JSON.stringify(bytes)}`;
}

/** From here on a value is put into JSON piece by piece: 8 MiB of bytes that JSON escapes take 130 ms. */
export const LONG_VALUE_BYTES = 524_288;
/** A multiple of three, so that only the last piece in base64 is padded. */
const PIECE_BYTES = 524_286;

/** The same as `byteField`, each piece in a turn of the event loop of its own. */
export async function byteFieldInTurns(name: "key" | "value", bytes: string, clock: Clock): Promise<string> {
  const { isTextual, inner } = await innerInTurns(bytes, clock);
  return isTextual ? `"${name}":"${inner}"` : `"${name}_base64":"${inner}"`;
}

/** A byte string as a value of JSON, in turns as well: a text, or an object with `base64`. */
export async function bytesInTurns(bytes: string, clock: Clock): Promise<string> {
  const { isTextual, inner } = await innerInTurns(bytes, clock);
  return isTextual ? `"${inner}"` : `{"base64":"${inner}"}`;
}

/** What stands between the quotes: text where the bytes are one, else base64. */
async function innerInTurns(
  bytes: string,
  clock: Clock,
): Promise<{ readonly isTextual: boolean; readonly inner: string }> {
  const isTextual = isText(bytes);
  let inner = "";
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    await nextTurn(clock);
    const piece = bytes.slice(at, at + PIECE_BYTES);
    inner += isTextual ? JSON.stringify(piece).slice(1, -1) : btoa(piece);
  }
  return { isTextual, inner };
}

/** The revisions of a record as JSON fields. */
export function revisionFields({ revision, createRevision, version }: KeyRecord): string {
  return `"mod_revision":${revision},"create_revision":${createRevision},"version":${version}`;
}

const UTF8_CHARACTER_BYTES_MAX = 4;

/** The beginning of a value and its whole length; where the value is text, the beginning ends with a whole character. */
export function previewFields(value: string, bytesMax: number): string {
  return `${byteField("value", previewOf(value, bytesMax))},"value_bytes":${value.length}`;
}

function previewOf(value: string, bytesMax: number): string {
  if (value.length <= bytesMax) return value;
  for (let cut = 0; cut < UTF8_CHARACTER_BYTES_MAX && cut < bytesMax; cut++) {
    const shown = value.slice(0, bytesMax - cut);
    if (isText(shown)) return shown;
  }
  return value.slice(0, bytesMax);
}

/** Key, value, revisions and deadline of a record as JSON fields. */
export function recordFields(key: string, record: KeyRecord): string {
  return fieldsAround(key, { record, value: byteField("value", record.value) });
}

/** The same, with a long value piece by piece. The record is not the store's own, which may change meanwhile. */
export async function recordFieldsInTurns(key: string, record: KeyRecord, clock: Clock): Promise<string> {
  return fieldsAround(key, { record, value: await byteFieldInTurns("value", record.value, clock) });
}

function fieldsAround(key: string, { record, value }: { readonly record: KeyRecord; readonly value: string }): string {
  return `${byteField("key", key)},${value},${revisionFields(record)},"expires_at":${record.expiresAt ?? null}`;
}
