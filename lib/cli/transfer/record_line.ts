/**
 * The lines of an export, NDJSON: a head, one line for each key, and an end with their number, by which a file that was cut off is noticed. Lines that
 * somebody made need neither head nor end. Byte strings throughout.
 */

import { byteStringToText, textToByteString } from "../../base/bytes.ts";
import { decodeBase64 } from "../../http/json_body.ts";
import { byteField } from "../../http/record_json.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../kv/commands.ts";

/** The version of the lines that this program writes, and the newest that it reads. */
export const EXPORT_FORMAT = 1;
/** Longest name of a field that an error shows. */
const SHOWN_LENGTH_MAX = 60;
/** Fields of a key's line; those of the revision, as HTTP gives them, mean nothing in another cluster. */
const RECORD_FIELDS: readonly string[] = [
  ...["key", "key_base64", "value", "value_base64", "expires_at", "ttl_ms"],
  ...["mod_revision", "create_revision", "version"],
];
const HEAD_FIELD = "kvstore_export";
const END_FIELD = "kvstore_export_end";

/** What the first line of an export tells. */
export interface ExportHead {
  /** Null where it has none. */
  readonly clusterId: string | null;
  /** Every key is as of this revision. */
  readonly revision: number;
  /** From when `ttl_ms` counts, in ms since 1970. */
  readonly timeMs: number;
}

/** A key as a line has it. */
export interface LineRecord {
  readonly key: string;
  readonly value: string;
  /** In ms since 1970; undefined where the line names none. */
  readonly expiresAt: number | undefined;
  /** In ms; undefined where the line names none. */
  readonly ttlMs: number | undefined;
}

/** What a line says. */
export type ExportLine =
  | { readonly type: "Head" }
  | { readonly type: "Record"; readonly record: LineRecord }
  | { readonly type: "End"; readonly keys: number };

/** What is wrong with a line, as the rest of a sentence that begins with its number. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/** The first line. */
export function headLine({ clusterId, revision, timeMs }: ExportHead): string {
  return `${JSON.stringify({ [HEAD_FIELD]: EXPORT_FORMAT, cluster_id: clusterId, revision, time_ms: timeMs })}\n`;
}

/** The line of a key; `deadline` in ms since 1970, 0 for none. */
export function recordLine(
  { key, value, deadline }: { readonly key: string; readonly value: string; readonly deadline: number },
  { timeMs }: Pick<ExportHead, "timeMs">,
): string {
  const times = deadline === 0 ? "" : `,"expires_at":${deadline},"ttl_ms":${deadline - timeMs}`;
  return `{${byteField("key", key)},${byteField("value", value)}${times}}\n`;
}

/** The last line. */
export function endLine(keys: number): string {
  return `${JSON.stringify({ [END_FIELD]: true, keys })}\n`;
}

/** Reads a line strictly. Throws `LineError`. */
export function readLine(line: string): ExportLine {
  const fields = fieldsOf(line);
  if (Object.hasOwn(fields, HEAD_FIELD)) return readHead(fields[HEAD_FIELD]);
  if (Object.hasOwn(fields, END_FIELD)) return { type: "End", keys: wholeNumber(fields, "keys") ?? missing("keys") };
  const unknown = Object.keys(fields).find((name) => !RECORD_FIELDS.includes(name));
  if (unknown !== undefined) {
    throw new LineError(`has the field ${shorten(unknown)}; a key has key, value, ttl_ms and expires_at`);
  }
  const key = bytesField(fields, { name: "key", most: KEY_BYTES_MAX });
  const value = bytesField(fields, { name: "value", most: VALUE_BYTES_MAX });
  const [expiresAt, ttlMs] = [wholeNumber(fields, "expires_at"), wholeNumber(fields, "ttl_ms")];
  return { type: "Record", record: { key, value, expiresAt, ttlMs } };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(line: string): Fields {
  const text = byteStringToText(line);
  if (text === undefined) throw new LineError("is not UTF-8");
  const json = parsed(text);
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Fields;
  throw new LineError('is no JSON object; write {"key":"...","value":"..."}');
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller says what is wanted; what the parser says names places nobody finds.
  }
}

function readHead(format: unknown): ExportLine {
  if (format === EXPORT_FORMAT) return { type: "Head" };
  throw new LineError(
    `begins an export of format ${shorten(JSON.stringify(format))}; this program reads ${EXPORT_FORMAT}`,
  );
}

function bytesField(fields: Fields, { name, most }: { readonly name: string; readonly most: number }): string {
  const [text, coded] = [fields[name], fields[`${name}_base64`]];
  if (text !== undefined && coded !== undefined) throw new LineError(`has both ${name} and ${name}_base64`);
  const bytes = coded === undefined ? textOf(name, text) : decoded(`${name}_base64`, coded);
  if (bytes.length <= most) return bytes;
  throw new LineError(`has a ${name} of ${bytes.length} bytes; ${most} are the most`);
}

function textOf(name: string, text: unknown): string {
  if (text === undefined) return missing(name);
  if (typeof text !== "string") throw new LineError(`has a ${name} that is no text`);
  // A lone surrogate has no bytes: it would silently become another character.
  if (!text.isWellFormed()) throw new LineError(`has a ${name} with half a character; give ${name}_base64`);
  return textToByteString(text);
}

function decoded(name: string, coded: unknown): string {
  const bytes = typeof coded === "string" ? decodeBase64(coded) : undefined;
  if (bytes === undefined) throw new LineError(`has a ${name} that is no base64`);
  return bytes;
}

/** Undefined where the field is left out, or null. */
function wholeNumber(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new LineError(`has ${name} that is no whole number from 0`);
}

function missing(name: string): never {
  throw new LineError(`has no ${name}`);
}

function shorten(text: string): string {
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}...`;
}
