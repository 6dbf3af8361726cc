/** Keys and values in JSON: text where they are UTF-8, else base64 under another name. Byte strings throughout. */

import { isText } from "../../base/bytes.ts";
import type { KeyRecord } from "../../kv/cell.ts";

/** A byte string as text where it is UTF-8, else in base64 under another name. */
export function byteField(name: "key" | "value", bytes: string): string {
  // The JSON of a byte string whose bytes are UTF-8 is the UTF-8 of the JSON of its text: what is escaped is ASCII.
  if (!isText(bytes)) return `"${name}_base64":"${btoa(bytes)}"`;
  return `"${name}":${JSON.stringify(bytes)}`;
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
  const deadline = `"expires_at":${record.expiresAt ?? null}`;
  return `${byteField("key", key)},${byteField("value", record.value)},${revisionFields(record)},${deadline}`;
}
