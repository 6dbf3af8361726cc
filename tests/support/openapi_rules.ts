/** Rules of OpenAPI 3.1 that a document of ours must keep, checked without a library. */

type Json = Readonly<Record<string, unknown>>;

const METHODS: readonly string[] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const OPERATION_FIELDS: readonly string[] = [
  "tags",
  "summary",
  "description",
  "externalDocs",
  "operationId",
  "parameters",
  "requestBody",
  "responses",
  "deprecated",
];
const SCHEMA_TYPES: readonly string[] = ["null", "boolean", "object", "array", "number", "string", "integer"];

/** What is wrong with a document; empty when nothing is. */
export function openApiComplaints(document: Json): readonly string[] {
  const complaints: string[] = [];
  if (!/^3\.1\.\d+$/.test(String(document["openapi"]))) complaints.push("openapi is not 3.1");
  const info = asObject(document["info"]);
  for (const field of ["title", "version"]) if (typeof info[field] !== "string") complaints.push(`info.${field}`);
  const ids: unknown[] = [];
  for (const [path, item] of Object.entries(asObject(document["paths"]))) {
    if (!path.startsWith("/")) complaints.push(`${path} does not begin with a slash`);
    for (const [method, operation] of Object.entries(asObject(item))) {
      if (!METHODS.includes(method)) complaints.push(`${path}: ${method} is no method`);
      const where = `${method} ${path}`;
      ids.push(asObject(operation)["operationId"]);
      complaints.push(...operationComplaints(path, asObject(operation)).map((text) => `${where}: ${text}`));
    }
  }
  if (new Set(ids).size !== ids.length) complaints.push("an operationId is there twice");
  complaints.push(...referenceComplaints(document, document), ...schemaComplaints(document, "#"));
  return complaints;
}

function operationComplaints(path: string, operation: Json): readonly string[] {
  const complaints = Object.keys(operation).filter((field) => !OPERATION_FIELDS.includes(field));
  if (typeof operation["operationId"] !== "string" || operation["operationId"] === "") {
    complaints.push("no operationId");
  }
  const parameters = asList(operation["parameters"]).map(asObject);
  for (const parameter of parameters) {
    if (typeof parameter["name"] !== "string" || parameter["schema"] === undefined) {
      complaints.push("a parameter is incomplete");
    }
    if (!["query", "header", "path", "cookie"].includes(String(parameter["in"]))) {
      complaints.push("a parameter has no place");
    }
    if (parameter["in"] === "path" && parameter["required"] !== true) {
      complaints.push("a path parameter is not required");
    }
  }
  const places = parameters.map(({ name, in: place }) => `${place} ${name}`);
  if (new Set(places).size !== places.length) complaints.push("a parameter is there twice");
  const declared = parameters.filter(({ in: place }) => place === "path").map(({ name }) => String(name));
  const named = Array.from(path.matchAll(/\{(.+?)\}/g), ([, name = ""]) => name);
  if (named.toSorted().join() !== declared.toSorted().join()) complaints.push("path parameters do not fit the path");
  const responses = Object.entries(asObject(operation["responses"]));
  if (!responses.some(([status]) => /^[23]/.test(status))) complaints.push("no good response");
  for (const [status, response] of responses) {
    if (!/^[1-5]\d\d$|^default$/.test(status)) complaints.push(`${status} is no status`);
    const { description, $ref: reference } = asObject(response);
    if (typeof description !== "string" && reference === undefined) complaints.push(`${status} has no description`);
  }
  const body = operation["requestBody"];
  if (body !== undefined && Object.keys(asObject(asObject(body)["content"])).length === 0) {
    complaints.push("an empty body");
  }
  return complaints;
}

function referenceComplaints(value: unknown, root: Json): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const complaints = Object.values(value).flatMap((inner) => referenceComplaints(inner, root));
  const { $ref: reference } = value as Json;
  if (typeof reference !== "string") return complaints;
  let target: unknown = root;
  for (const part of reference.replace(/^#\//, "").split("/")) target = asObject(target)[part];
  return target === undefined ? [...complaints, `${reference} leads nowhere`] : complaints;
}

/** Every `schema` must be one: known types, and fields that are required must be described. */
function schemaComplaints(value: unknown, place: string): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = `${place}/${name}`;
    return name === "schema" ? oneSchemaComplaints(asObject(inner), here) : schemaComplaints(inner, here);
  });
}

function oneSchemaComplaints(schema: Json, place: string): readonly string[] {
  const types = Array.isArray(schema["type"]) ? schema["type"] : [schema["type"] ?? "string"];
  const complaints = types.filter((type) => !SCHEMA_TYPES.includes(String(type))).map((type) =>
    `${place}: type ${type}`
  );
  const properties = asObject(schema["properties"]);
  for (const name of asList(schema["required"])) {
    if (properties[String(name)] === undefined) complaints.push(`${place}: ${name} is required and not described`);
  }
  if (typeof schema["pattern"] === "string") new RegExp(schema["pattern"]);
  const inner = [
    ...Object.entries(properties),
    ...schema["items"] === undefined ? [] : [["items", schema["items"]] as const],
  ];
  for (const [name, child] of inner) complaints.push(...oneSchemaComplaints(asObject(child), `${place}/${name}`));
  return complaints;
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Json : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
