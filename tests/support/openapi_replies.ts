/** Holds replies of a server to its OpenAPI document: their status, media type and JSON must be as described. */

import { schemaComplaint } from "./json_schema.ts";

type Json = Readonly<Record<string, unknown>>;

/** What of a reply the document speaks of. */
export interface ShownReply {
  /** In capitals. */
  readonly method: string;
  /** The path as the document has it. */
  readonly template: string;
  readonly status: number;
  /** The header `Content-Type`; undefined when there is none. */
  readonly contentType: string | undefined;
}

/** What is wrong with the JSON of a reply whose status and media type are described; undefined when nothing is. */
export function bodyComplaint(
  document: Json,
  { method, template, status, contentType = "" }: ShownReply,
  body: unknown,
): string | undefined {
  const responses = at(at(at(at(document, "paths"), template), method.toLowerCase()), "responses");
  const media = at(at(resolve(document, at(responses, String(status))), "content"), contentType);
  const schema = at(media, "schema");
  if (schema === undefined) return `${method} ${template}: ${status} has no schema`;
  const complaint = schemaComplaint(body, { schema, document });
  return complaint === undefined ? undefined : `${method} ${template}: ${status}: ${complaint}`;
}

/** What is wrong with a reply by the document; undefined when nothing is. */
export function replyComplaint(
  document: Json,
  { method, template, status, contentType }: ShownReply,
): string | undefined {
  const operation = at(at(at(document, "paths"), template), method.toLowerCase());
  const responses = at(operation, "responses");
  const where = `${method} ${template}`;
  if (responses === undefined) return `${where} is not described`;
  const response = resolve(document, at(responses, String(status)));
  if (response === undefined) return `${where}: ${status} is not described`;
  // The reply to HEAD has the headers of the one to GET, and nothing that they speak of.
  if (method === "HEAD") return at(response, "content") === undefined ? undefined : `${where}: ${status} has a body`;
  const types = Object.keys(at(response, "content") ?? {});
  const isDescribed = contentType === undefined ? types.length === 0 : types.includes(contentType);
  return isDescribed ? undefined : `${where}: ${status} is ${contentType ?? "nothing"} and not ${types.join(" or ")}`;
}

function resolve(document: Json, response: Json | undefined): Json | undefined {
  const reference = response?.["$ref"];
  if (typeof reference !== "string") return response;
  return reference.replace(/^#\//, "").split("/").reduce<Json | undefined>(at, document);
}

function at(value: Json | undefined, name: string): Json | undefined {
  const inner = value?.[name];
  return typeof inner === "object" && inner !== null ? inner as Json : undefined;
}
