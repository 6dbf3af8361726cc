/** JSON Schemas of the transaction. */

import type { JsonSchema } from "./route.ts";
import { bytesProperties, REVISION_SCHEMA } from "./schemas.ts";

const KEY_SCHEMA: JsonSchema = {
  type: "object",
  properties: bytesProperties("key"),
  additionalProperties: false,
};

const OPERATION_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    put: {
      type: "object",
      properties: {
        ...bytesProperties("key"),
        ...bytesProperties("value"),
        ttl: { type: "string", examples: ["10s"] },
      },
      additionalProperties: false,
    },
    get: KEY_SCHEMA,
    delete: KEY_SCHEMA,
    command: {
      type: "array",
      description: "A command of Redis on keys, its name first.",
      items: {
        oneOf: [
          { type: "string" },
          { type: "integer" },
          { type: "object", properties: { base64: { type: "string" } }, required: ["base64"] },
        ],
      },
      minItems: 1,
    },
  },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
};

/** The body of a transaction. */
export const TXN_REQUEST_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    compare: {
      type: "array",
      items: {
        type: "object",
        properties: {
          ...bytesProperties("key"),
          field: { type: "string", enum: ["value", "version", "create_revision", "mod_revision", "exists"] },
          op: { type: "string", enum: ["=", "!=", "<", ">"] },
          value: { type: ["string", "integer", "boolean"] },
          value_base64: { type: "string", contentEncoding: "base64" },
        },
        additionalProperties: false,
      },
    },
    then: { type: "array", items: OPERATION_SCHEMA },
    else: { type: "array", items: OPERATION_SCHEMA },
  },
  additionalProperties: false,
};

/** The reply to a transaction. */
export const TXN_RESULT_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    succeeded: { type: "boolean" },
    revision: REVISION_SCHEMA,
    results: {
      type: "array",
      items: {
        type: "object",
        properties: {
          put: { type: "boolean" },
          found: { type: "boolean" },
          ...bytesProperties("value"),
          deleted: { type: "boolean" },
          reply: {},
          error: { type: "string" },
        },
      },
    },
  },
  required: ["succeeded", "revision", "results"],
};
