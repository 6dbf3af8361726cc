/**
 * Which statuses a request may get, by the request alone: from a node that is well, alone in its cluster, and shared with others
 * who send such requests. What is in the store decides among the few that are left.
 */

import { schemaComplaint } from "./json_schema.ts";
import type { MadeRequest } from "./request_maker.ts";

type Json = Readonly<Record<string, unknown>>;

const BAD: ReadonlySet<number> = new Set([400]);
const TOO_LARGE: ReadonlySet<number> = new Set([413]);
/** Longest bodies, where the document names one. */
const BODY_BYTES_MAX: ReadonlyMap<string, number> = new Map([
  ["putKey", 8_388_608],
  ["transact", 17_301_504],
  ["transferLeadership", 1_024],
  ["addMember", 1_024],
]);
/** What a write in a session may come to beside its own outcomes. */
const IN_SESSION: readonly number[] = [409, 410, 422];

/** A request as its operation takes it. */
interface Parts {
  readonly id: string;
  readonly query: ReadonlyMap<string, string>;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The parameter of the path, where it decides something. */
  readonly name: string;
  readonly body: Uint8Array;
}

/** The statuses that a request may get. */
export function expectedStatuses(document: Json, made: MadeRequest): ReadonlySet<number> {
  const { operation, method, target } = made;
  const body = made.body ?? new Uint8Array();
  const isServed = operation.statuses.size > 0;
  if (!isServed && method !== "OPTIONS") return new Set([405]);
  const id = operation.id.replace(/Head$/, "");
  // No request says that it comes from a page of the server.
  if (isServed && (id === "logIn" || id === "logOut")) return new Set([403]);
  if (body.length > (isServed ? BODY_BYTES_MAX.get(id) ?? 0 : 0)) return TOO_LARGE;
  if (!isServed) return new Set([204]);
  const mark = target.indexOf("?");
  const known = operation.parameters.filter((parameter) => parameter["in"] === "query");
  const query = readQuery(mark < 0 ? "" : target.slice(mark + 1), known.map((parameter) => String(parameter["name"])));
  if (query === undefined) return BAD;
  const headers = new Map(made.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const path = (mark < 0 ? target : target.slice(0, mark)).split("/");
  const parts: Parts = { id, query, headers, body, name: decodeURIComponent(path[NAME_AT.get(id) ?? 0] ?? "") };
  const early = earlyStatus(parts);
  if (early !== undefined) return new Set([early]);
  return parametersFit(parts, made) ? new Set(outcomesOf(parts, { document, made })) : BAD;
}

/** Where the parameter of a path stands in it. */
const NAME_AT: ReadonlyMap<string, number> = new Map([
  ["closeSession", 3],
  ["keepSessionAlive", 3],
  [
    "removeMember",
    4,
  ],
  ["promoteMember", 4],
  ["drainMember", 4],
  ["undrainMember", 4],
]);

/** Undefined for a query that nobody can read, or that has what its operation does not know. */
function readQuery(query: string, known: readonly string[]): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    if (/%(?![0-9A-Fa-f]{2})/.test(pair)) return undefined;
    const [name = "", value = ""] = pair.split("=").map((text) => decodeURIComponent(text));
    if (!known.includes(name) || values.has(name)) return undefined;
    values.set(name, value);
  }
  return values;
}

const COUNT = /^\d{1,16}$/;

function isCount(text: string): boolean {
  return COUNT.test(text) && Number.isSafeInteger(Number(text));
}

/** What the document says of parameters only in words. */
const IN_WORDS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["if-match", isTags],
  ["if-none-match", isTags],
  ["idempotency-key", (text: string) => text.split(":").every((part) => isCount(part) && Number(part) > 0)],
  ["keys_only", (text: string) => ["", "0", "1", "true", "false"].includes(text)],
  ["cursor", (text: string) => text === "" || (/^1[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 2)],
  [
    "types",
    (text: string) => text === "" || text.split(",").every((type) => ["put", "delete", "expire"].includes(type)),
  ],
  ["ttl", (text: string) => text === "keep" || Number.parseInt(text) > 0],
]);

function isTags(text: string): boolean {
  return text === "*" || text.split(",").every((tag) => /^(W\/)?"0*[1-9]\d{0,15}"$/.test(tag.trim()));
}

function parametersFit({ id, query, headers }: Parts, { operation: { parameters } }: MadeRequest): boolean {
  return parameters.every(({ name: written, in: place, schema }) => {
    const name = String(written).toLowerCase();
    const value = place === "query" ? query.get(name) : place === "header" ? headers.get(name) : undefined;
    if (value === undefined) return true;
    // What a browser sends when it connects again counts for more than the query that it began with.
    if (id === "watchEvents" && name === "since" && (headers.get("last-event-id") ?? "") !== "") return true;
    if (id === "watchEvents" && ["since", "last-event-id"].includes(name) && value === "") return true;
    return fitsAsText(value, schema as Json) && (IN_WORDS.get(name)?.(value) ?? true);
  });
}

function fitsAsText(text: string, schema: Json): boolean {
  const isNumber = schema["type"] === "integer";
  if (isNumber && !isCount(text)) return false;
  return schemaComplaint(isNumber ? Number(text) : text, { schema, document: {} }) === undefined;
}

/** What is answered before the parameters are looked at. */
function earlyStatus({ id, name }: Parts): number | undefined {
  // No request has the token of the node.
  if (id === "actOnNode" || id === "beginRollingRestart" || id === "addLaunchedNode") return 403;
  if (id === "getLauncher" || id === "getDashboardFile") return 404;
  if (id === "closeSession" || id === "keepSessionAlive") return isCount(name) ? undefined : 404;
  return undefined;
}

/** What a request whose parameters fit may come to. */
function outcomesOf(
  parts: Parts,
  { document, made }: { readonly document: Json; readonly made: MadeRequest },
): readonly number[] {
  const { id, query, headers, name } = parts;
  const inSession = headers.has("idempotency-key") ? IN_SESSION : [];
  const [match, noneMatch] = [headers.get("if-match"), headers.get("if-none-match")];
  const isConditional = match !== undefined || noneMatch !== undefined;
  switch (id) {
    case "getKey":
      if (query.has("history")) return [query.has("revision") ? 400 : 200];
      // What lies ahead, and what is not remembered.
      return [...readOutcomes(parts, made.method), ...query.has("revision") ? [400, 410] : []];
    case "comparePast":
      return query.has("since") ? [200, 400, 410] : [400];
    case "putKey": {
      const isNew = match === undefined ? [201] : [];
      const isOld = noneMatch === "*" ? [] : [200];
      return [...isNew, ...isOld, ...isConditional ? [412] : [], ...inSession];
    }
    case "deleteKey":
      return [200, 404, ...isConditional ? [412] : [], ...inSession];
    case "transact":
      return transactionOutcomes(parts, document, made);
    case "openSession":
      return [201, ...inSession];
    case "closeSession":
    case "keepSessionAlive":
      return [200, 410, ...inSession];
    case "watchEvents":
      return query.has("since") || headers.has("last-event-id") ? [200, 410] : [200];
    // The node is the only voter; others may have been added, by such requests, which nobody ever hears.
    case "removeMember":
    case "drainMember":
      return name === "0" ? [409] : [200, 404, 409];
    case "promoteMember":
      return name === "0" ? [200] : [404, 409];
    case "undrainMember":
      return name === "0" ? [200] : [200, 404, 409];
    case "addMember":
      return isAddition(parts, document, made) ? [200, 409] : [400];
    case "transferLeadership":
      return [bodyFits(parts, document, made) ? 409 : 400];
    case "takeSnapshot":
      return [200, 201];
    case "getBackup":
      // Only so many at a time.
      return [...headers.has("range") ? [206, 416] : [], 200, 429];
    case "getLoginPage":
      return [303];
    default:
      return [200];
  }
}

function readOutcomes({ headers }: Parts, method: string): readonly number[] {
  const whole = [200];
  const part = [206, 416];
  const hasRange = method === "GET" && /^bytes=(\d+-\d*|-\d+)$/.test(headers.get("range") ?? "");
  const found = !hasRange ? whole : headers.has("if-range") ? [...whole, ...part] : part;
  const known = headers.has("if-none-match") ? [304] : [];
  return [...found, ...known, headers.has("if-match") ? 412 : 404];
}

function transactionOutcomes(parts: Parts, document: Json, made: MadeRequest): readonly number[] {
  const inSession = parts.headers.has("idempotency-key") ? IN_SESSION : [];
  // The document does not say which forms of keys and values exclude each other.
  return bodyFits(parts, document, made) ? [200, 400, ...inSession] : [400];
}

/** A body that fits, each of whose addresses has a port and a name before it, and no other address beside it that is the same. */
function isAddition(parts: Parts, document: Json, made: MadeRequest): boolean {
  if (parts.body.length === 0 || !bodyFits(parts, document, made)) return false;
  const value = JSON.parse(new TextDecoder().decode(parts.body));
  const names = ["peer_address", "client_address", "http_address"].filter((name) => value[name] !== undefined);
  const addresses: string[] = names.map((name) => value[name]);
  const ports = addresses.map((address) => Number(/^[!-9;-~]+:(\d{1,5})$/.exec(address)?.[1] ?? 0));
  return ports.every((port) => port > 0 && port < 65_536) && new Set(addresses).size === addresses.length;
}

function bodyFits({ body }: Parts, document: Json, { operation }: MadeRequest): boolean {
  const schema = operation.body?.schema;
  if (schema === undefined || body.length === 0) return true;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return schemaComplaint(value, { schema, document }) === undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return false;
    throw error;
  }
}
