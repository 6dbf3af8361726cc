/** JSON Schemas that several operations share. */

import type { JsonSchema } from "./route.ts";

/** A revision: the index of an entry of the log. */
export const REVISION_SCHEMA: JsonSchema = { type: "integer", minimum: 0 };

const BASE64_SCHEMA: JsonSchema = { type: "string", contentEncoding: "base64" };

/** Key, value and revisions; bytes that are not UTF-8 stand in the fields with `_base64`. */
export const RECORD_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    key: { type: "string" },
    key_base64: BASE64_SCHEMA,
    value: { type: "string" },
    value_base64: BASE64_SCHEMA,
    value_bytes: { type: "integer", minimum: 0, description: "Length of the whole value; with `preview` only." },
    mod_revision: REVISION_SCHEMA,
    create_revision: REVISION_SCHEMA,
    version: { type: "integer", minimum: 1 },
    expires_at: { type: ["integer", "null"], description: "Milliseconds since 1970." },
    ttl_ms: { type: ["integer", "null"], minimum: 0 },
  },
  required: ["mod_revision", "create_revision", "version"],
};

/** A text field of a body, or its bytes in base64 under another name. */
export function bytesProperties(name: string): Readonly<Record<string, JsonSchema>> {
  return { [name]: { type: "string" }, [`${name}_base64`]: BASE64_SCHEMA };
}
