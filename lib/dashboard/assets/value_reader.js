/** Reads one value, whole where it is small, else part by part; all parts are of one revision. */

import { pathOf } from "./values.js";

/** A value up to this long is read and edited whole. */
export const WHOLE_BYTES_MAX = 65_536;
/** Bytes of a part. */
export const PART_BYTES = 4_096;

/** A value as it was opened: its facts, and `part` for what is not in `bytes`. */
export class OpenValue {
  #connection;
  key;
  /** Its first bytes; all of them when `isWhole`. */
  bytes;
  /** Length in bytes. */
  length;
  tag;
  version;
  /** Milliseconds until it expires, when it was read; null for a value that does not. */
  ttlMs;

  constructor(connection, facts) {
    this.#connection = connection;
    Object.assign(this, facts);
  }

  get isWhole() {
    return this.bytes.length === this.length;
  }

  /** The bytes from `offset` on, at most `PART_BYTES`; undefined when the key has another revision now, or none. */
  async part(offset) {
    const end = Math.min(offset + PART_BYTES, this.length);
    if (end <= this.bytes.length) return this.bytes.subarray(offset, end);
    const headers = { Range: `bytes=${offset}-${end - 1}`, "If-Range": this.tag };
    const response = await this.#connection.request(pathOf(this.key), { headers });
    if (response.status === 206) return new Uint8Array(await response.arrayBuffer());
    // The whole value of another revision is on its way, which nobody asked for.
    await response.body?.cancel();
    return undefined;
  }
}

/** Opens a value: the value, or the reply that says why not. Rejects when the node does not answer. */
export async function openValue(connection, key) {
  const range = `bytes=0-${WHOLE_BYTES_MAX - 1}`;
  const response = await connection.request(pathOf(key), { headers: { Range: range } });
  // Of an empty value there is no first byte.
  const isEmpty = response.status === 416;
  if (!response.ok && !isEmpty) return { response };
  const bytes = isEmpty ? new Uint8Array() : new Uint8Array(await response.arrayBuffer());
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  const ttl = response.headers.get("x-kv-ttl-ms");
  const value = new OpenValue(connection, {
    key,
    bytes,
    length: total === undefined ? bytes.length : Number(total),
    tag: response.headers.get("etag"),
    version: response.headers.get("x-kv-version"),
    ttlMs: ttl === null ? null : Number(ttl),
  });
  return { value };
}
