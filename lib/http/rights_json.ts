/** Rights of users in JSON: `admin`, and grants by prefixes of keys. */

import { type Grant, makeRights, NO_RIGHTS, type Rights } from "../kv/rights.ts";
import type { JsonValue } from "./json_body.ts";
import { byteField } from "./record_json.ts";
import type { JsonSchema } from "./route.ts";

const GRANT_SCHEMA: JsonSchema = {
  type: "object",
  description: "Keys that begin with `prefix`, all where it is empty, may be read, written, or both.",
  properties: {
    prefix: { type: "string" },
    prefix_base64: { type: "string" },
    read: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
  additionalProperties: false,
};

/** The fields of rights. */
export const RIGHTS_PROPERTIES: JsonSchema = {
  admin: { type: "boolean", description: "Every key, the cluster and the users." },
  grants: { type: "array", items: GRANT_SCHEMA },
};

/** An object of rights. */
export const RIGHTS_SCHEMA: JsonSchema = {
  type: "object",
  properties: RIGHTS_PROPERTIES,
  additionalProperties: false,
};

/** The names of the fields. */
export const RIGHTS_FIELDS: readonly string[] = Object.keys(RIGHTS_PROPERTIES);

/** Reads the fields of rights from an object, which may have others. What is wrong is a complaint. */
export function readRightsOf(value: JsonValue): Rights {
  const isAdmin = value.optional("admin")?.flag() ?? false;
  const grants = (value.optional("grants")?.items() ?? []).map(readGrant);
  const rights = makeRights(isAdmin, grants);
  if (rights === undefined) {
    value.complain("has no rights that a user can have: each grant is to read or to write, and bounded");
  }
  return rights ?? NO_RIGHTS;
}

function readGrant(item: JsonValue): Grant {
  item.only(["prefix", "prefix_base64", "read", "write"]);
  const prefix = item.bytes("prefix");
  return { prefix, read: item.optional("read")?.flag() ?? false, write: item.optional("write")?.flag() ?? false };
}

/** The fields of rights as a byte string, without braces. */
export function showRights({ isAdmin, grants }: Rights): string {
  const shown = grants.map(({ prefix, read, write }) => {
    return `{${byteField("prefix", prefix)},"read":${read},"write":${write}}`;
  });
  return `"admin":${isAdmin},"grants":[${shown.join(",")}]`;
}
