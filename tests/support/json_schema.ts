/** Holds JSON values to the schemas of an OpenAPI document. Only what those use: a keyword that is not known here is an error. */

type Json = Readonly<Record<string, unknown>>;

/** What a value is held to. */
export interface SchemaRule {
  readonly schema: Json;
  /** Where references lead. */
  readonly document: Json;
  /** Of the value in the whole; named in complaints. */
  readonly place?: string;
}

/** What is wrong with a value, and where; undefined when nothing is. */
export function schemaComplaint(
  value: unknown,
  { schema, document, place = "the body" }: SchemaRule,
): string | undefined {
  for (const [keyword, argument] of Object.entries(schema)) {
    const check = KEYWORDS.get(keyword);
    if (check === undefined) throw new Error(`${place}: the keyword ${keyword} of a schema is not known here`);
    const complaint = check(value, { argument, schema, document, place });
    if (complaint === true) continue;
    return complaint === false ? `${place} is ${JSON.stringify(value)}, against its ${keyword}` : complaint;
  }
  return undefined;
}

interface Keyword {
  readonly argument: unknown;
  readonly schema: Json;
  readonly document: Json;
  readonly place: string;
}

/** True when the keyword holds, or says nothing of such a value; a text is the complaint of a value within. */
type Check = (value: unknown, keyword: Keyword) => boolean | string;

const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/;

const KEYWORDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["description", () => true],
  ["examples", () => true],
  ["default", () => true],
  [
    "$ref",
    (value, { argument, document, place }) => inner(value, { schema: referred(document, argument), document, place }),
  ],
  ["type", (value, { argument }) => [argument].flat().some((type) => hasType(value, type))],
  ["enum", (value, { argument }) => asList(argument).includes(value)],
  ["minimum", (value, { argument }) => typeof value !== "number" || value >= Number(argument)],
  ["maximum", (value, { argument }) => typeof value !== "number" || value <= Number(argument)],
  ["pattern", (value, { argument }) => typeof value !== "string" || new RegExp(String(argument)).test(value)],
  [
    "contentEncoding",
    (value, { argument }) => argument === "base64" && (typeof value !== "string" || BASE64.test(value)),
  ],
  ["minItems", (value, { argument }) => !Array.isArray(value) || value.length >= Number(argument)],
  ["minProperties", (value, { argument }) => !isObject(value) || Object.keys(value).length >= Number(argument)],
  ["maxProperties", (value, { argument }) => !isObject(value) || Object.keys(value).length <= Number(argument)],
  [
    "required",
    (value, { argument }) => !isObject(value) || asList(argument).every((name) => Object.hasOwn(value, String(name))),
  ],
  ["oneOf", (value, { argument, document, place }) => {
    const fits = asList(argument).filter((schema) =>
      schemaComplaint(value, { schema: asJson(schema), document, place }) === undefined
    );
    return fits.length === 1;
  }],
  ["items", (value, { argument, document, place }) => {
    if (!Array.isArray(value)) return true;
    return first(value.map((item, at) => inner(item, { schema: asJson(argument), document, place: `${place}/${at}` })));
  }],
  ["properties", (value, { argument, document, place }) => {
    if (!isObject(value)) return true;
    const known = Object.entries(asJson(argument)).filter(([name]) => Object.hasOwn(value, name));
    return first(
      known.map(([name, schema]) =>
        inner(value[name], { schema: asJson(schema), document, place: `${place}/${name}` })
      ),
    );
  }],
  ["additionalProperties", (value, { argument, schema, document, place }) => {
    if (!isObject(value) || argument === true) return true;
    const others = Object.keys(value).filter((name) => !Object.hasOwn(asJson(schema["properties"]), name));
    if (argument === false) return others.length === 0;
    return first(
      others.map((name) => inner(value[name], { schema: asJson(argument), document, place: `${place}/${name}` })),
    );
  }],
]);

function inner(value: unknown, rule: SchemaRule): boolean | string {
  return schemaComplaint(value, rule) ?? true;
}

function first(results: readonly (boolean | string)[]): boolean | string {
  return results.find((result) => result !== true) ?? true;
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "number") return typeof value === "number";
  if (type === "string") return typeof value === "string";
  return type === "boolean" && typeof value === "boolean";
}

function referred(document: Json, reference: unknown): Json {
  let target: unknown = document;
  for (const name of String(reference).replace(/^#\//, "").split("/")) target = asJson(target)[name];
  if (!isObject(target)) throw new Error(`${reference} leads nowhere`);
  return target;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asJson(value: unknown): Json {
  return isObject(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
