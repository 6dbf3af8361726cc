/** `/v1/kv/{key}`: single keys as resources, their values the raw bytes. */

import type { KeyRecord } from "../../kv/key_record.ts";
import { isErrorReply } from "../../kv/replies.ts";
import {
  comparesOf,
  type Conditions,
  IF_MATCH,
  IF_NONE_MATCH,
  isKnown,
  matches,
  readConditions,
  tagOf,
} from "../conditions.ts";
import type { HttpReply } from "../http.ts";
import {
  IDEMPOTENCY_KEY,
  LEVEL,
  MIN_REVISION,
  readFreshness,
  readKeyTtl,
  refuseLongKey,
  setCall,
  TTL,
} from "../parameters.ts";
import { badRequest, isProblem, problem, PROBLEM_TYPE, type ProblemReply, refusalProblem } from "../problem.ts";
import { IF_RANGE, type Part, partOf, RANGE } from "../ranges.ts";
import { answerWhenFresh } from "../reads.ts";
import { LONG_VALUE_BYTES, recordFields, recordFieldsInTurns } from "../record_json.ts";
import { REDIRECT } from "../redirect.ts";
import type { ResponseDescription, Route, RouteCall } from "../route.ts";
import { RECORD_SCHEMA } from "../schemas.ts";
import { type Applied, submit } from "../writes.ts";
import {
  AT_REVISION,
  COMPACTED,
  KEY_CHANGES_SCHEMA,
  LAST_CHANGES,
  type Past,
  readPast,
  recordThen,
  showChanges,
} from "./key_history.ts";

const BYTES = "application/octet-stream";
const JSON_TYPE = "application/json";
const OK = 200;
const CREATED = 201;
const PARTIAL = 206;
const NOT_MODIFIED = 304;
const COMPARE_FAILED_STATUS = 412;
const NO_SUCH_PART = 416;
const KEY_PATH = "/v1/kv/{key}";

const NO_KEY: ResponseDescription = { description: "`key_not_found`", contentType: PROBLEM_TYPE };
const COMPARE_FAILED: ResponseDescription = {
  description: "`compare_failed`: the condition does not hold; `ETag` is the revision there is.",
  contentType: PROBLEM_TYPE,
};

/** The operations, for the table of routes. */
export const KV_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: KEY_PATH,
    id: "getKey",
    isForUsers: true,
    tag: "Keys",
    summary: "The value of a key: raw bytes, or JSON with everything known of it on `Accept: application/json`.",
    query: [AT_REVISION, LAST_CHANGES, LEVEL, MIN_REVISION, REDIRECT],
    headers: [IF_MATCH, IF_NONE_MATCH, RANGE, IF_RANGE],
    responses: {
      [OK]: { description: "The value.", contentType: BYTES, json: { oneOf: [RECORD_SCHEMA, KEY_CHANGES_SCHEMA] } },
      [PARTIAL]: { description: "The bytes that `Range` asked for; `Content-Range` says which.", contentType: BYTES },
      [NOT_MODIFIED]: { description: "The client has it." },
      404: NO_KEY,
      410: COMPACTED,
      412: COMPARE_FAILED,
      [NO_SUCH_PART]: { description: "`range_not_satisfiable`: the value is shorter.", contentType: PROBLEM_TYPE },
    },
    handle: getKey,
  },
  {
    method: "PUT",
    path: KEY_PATH,
    id: "putKey",
    isForUsers: true,
    tag: "Keys",
    summary: "Stores the body under a key. Answered when it is durable on a majority.",
    query: [TTL, REDIRECT],
    headers: [IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY],
    body: {
      description: "The value, any bytes.",
      contentType: BYTES,
      bytesMax: ({ valueBytesMax }) => valueBytesMax,
    },
    responses: {
      [CREATED]: { description: "The key is new." },
      [OK]: { description: "The key was there and has the new value." },
      412: COMPARE_FAILED,
    },
    handle: putKey,
  },
  {
    method: "DELETE",
    path: KEY_PATH,
    id: "deleteKey",
    isForUsers: true,
    tag: "Keys",
    summary: "Removes a key.",
    query: [REDIRECT],
    headers: [IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY],
    responses: { [OK]: { description: "The key is gone." }, 404: NO_KEY, 412: COMPARE_FAILED },
    handle: deleteKey,
  },
];

/** What every operation here reads first. */
interface KeyRequest {
  readonly key: string;
  readonly conditions: Conditions;
}

function readRequest({ path, request, context }: RouteCall): KeyRequest | ProblemReply {
  const key = path.get("key") ?? "";
  const conditions = readConditions(request);
  if (isProblem(conditions)) return conditions;
  return refuseLongKey(key, context) ?? { key, conditions };
}

function getKey(call: RouteCall): HttpReply | Promise<HttpReply> {
  const wanted = readRequest(call);
  if (isProblem(wanted)) return wanted;
  const freshness = readFreshness(call);
  if (isProblem(freshness)) return freshness;
  const past = readPast(call);
  if (past !== undefined && isProblem(past)) return past;
  const { context } = call;
  return answerWhenFresh(freshness, { context, answer: () => showKey(call, { ...wanted, past }) });
}

function showKey(
  call: RouteCall,
  { key, conditions, past }: KeyRequest & { readonly past: Past | undefined },
): HttpReply | Promise<HttpReply> {
  const { context } = call;
  if (past === undefined) return showRecord(call, { key, conditions, record: context.node.state.get(key) });
  if (past.type === "Changes") return showChanges(context, { key, count: past.count });
  const then = recordThen(context, { key, revision: past.revision });
  return isProblem(then) ? then : showRecord(call, { key, conditions, record: then.record });
}

function showRecord(
  { context: { node, clock }, request }: RouteCall,
  { key, conditions, record }: KeyRequest & { readonly record: KeyRecord | undefined },
): HttpReply | Promise<HttpReply> {
  if (record === undefined) return matches(conditions, undefined) ? keyNotFound() : compareFailed(undefined);
  if (!matches(conditions, record)) return compareFailed(record);
  const headers = [
    ["ETag", tagOf(record)],
    ["Cache-Control", "no-cache"],
    ["X-KV-Create-Revision", String(record.createRevision)],
    ["X-KV-Version", String(record.version)],
    ...ttlHeaders(record, node.state.readTimeMs),
    ["Vary", "Accept"],
  ] as const;
  if (isKnown(conditions, record)) return { status: NOT_MODIFIED, headers, body: "" };
  if (!wantsJson(request.headers.get("accept"))) {
    const part = partOf(request, { length: record.value.length, tag: tagOf(record) });
    return showBytes(record, { headers: [...headers, ["Accept-Ranges", "bytes"]], part });
  }
  const ttlMs = ttlMsOf(record, node.state.readTimeMs) ?? null;
  const show = (fields: string): HttpReply => {
    return { status: OK, headers: [...headers, ["Content-Type", JSON_TYPE]], body: `{${fields},"ttl_ms":${ttlMs}}\n` };
  };
  if (record.value.length < LONG_VALUE_BYTES) return show(recordFields(key, record));
  return recordFieldsInTurns(key, record, clock).then(show);
}

function showBytes(
  { value }: KeyRecord,
  { headers, part }: { readonly headers: HttpReply["headers"]; readonly part: Part | undefined },
): HttpReply {
  const typed = [...headers, ["Content-Type", BYTES]] as const;
  if (part === undefined) return { status: OK, headers: typed, body: value };
  if (part.type === "Unsatisfiable") {
    return problem({
      status: NO_SUCH_PART,
      code: "range_not_satisfiable",
      detail: `The value has ${value.length} bytes`,
      headers: [["Content-Range", `bytes */${value.length}`]],
    });
  }
  const { first, last } = part;
  const range = ["Content-Range", `bytes ${first}-${last}/${value.length}`] as const;
  return { status: PARTIAL, headers: [...typed, range], body: value.slice(first, last + 1) };
}

/** Milliseconds until the record expires. */
function ttlMsOf({ expiresAt }: KeyRecord, nowMs: number): number | undefined {
  return expiresAt === undefined ? undefined : Math.max(0, expiresAt - nowMs);
}

function ttlHeaders(record: KeyRecord, nowMs: number): HttpReply["headers"] {
  const ttlMs = ttlMsOf(record, nowMs);
  return ttlMs === undefined ? [] : [["X-KV-TTL-Ms", String(ttlMs)]];
}

/** Only who asks for JSON by name gets it: everything else means the bytes. */
function wantsJson(accept = ""): boolean {
  return accept.toLowerCase().split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    return type === JSON_TYPE && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

async function putKey(call: RouteCall): Promise<HttpReply> {
  const wanted = readRequest(call);
  if (isProblem(wanted)) return wanted;
  const { key, conditions } = wanted;
  const ttlMs = readKeyTtl(call);
  if (typeof ttlMs === "object") return ttlMs;
  const compares = comparesOf(key, conditions);
  if (isProblem(compares)) return compares;
  const { body: value } = call.request;
  if (compares.length === 0 && ttlMs === undefined) return await putPlainly(call, { key, value });
  const then = [["EXISTS", key], setCall({ key, value }, ttlMs)];
  const result = await submit(call, { type: "Transaction", compares, then, otherwise: [] });
  if (isProblem(result)) return result;
  if (result.type !== "Transaction") return refusalProblem("SequenceReused");
  if (!result.succeeded) return await compareFailedNow(call, key);
  const [existed, stored] = result.replies;
  if (isErrorReply(stored)) return badRequest(stored.error);
  return written(result, existed === 0 ? CREATED : OK);
}

async function putPlainly(
  call: RouteCall,
  entry: { readonly key: string; readonly value: string },
): Promise<HttpReply> {
  const result = await submit(call, { type: "Put", ...entry });
  if (isProblem(result)) return result;
  return result.type === "Put" ? written(result, result.created ? CREATED : OK) : refusalProblem("SequenceReused");
}

async function deleteKey(call: RouteCall): Promise<HttpReply> {
  const wanted = readRequest(call);
  if (isProblem(wanted)) return wanted;
  const { key, conditions } = wanted;
  const compares = comparesOf(key, conditions);
  if (isProblem(compares)) return compares;
  if (compares.length === 0) {
    const result = await submit(call, { type: "Delete", key });
    if (isProblem(result)) return result;
    if (result.type !== "Delete") return refusalProblem("SequenceReused");
    return result.existed ? gone(result) : keyNotFound();
  }
  const result = await submit(call, { type: "Transaction", compares, then: [["DEL", key]], otherwise: [] });
  if (isProblem(result)) return result;
  if (result.type !== "Transaction") return refusalProblem("SequenceReused");
  if (!result.succeeded) return await compareFailedNow(call, key);
  return result.replies[0] === 1 ? gone(result) : keyNotFound();
}

function written({ revision }: Applied, status: number): HttpReply {
  return { status, headers: [["ETag", tagOf({ revision })], ["X-KV-Revision", String(revision)]], body: "" };
}

function gone({ revision }: Applied): HttpReply {
  return { status: OK, headers: [["X-KV-Revision", String(revision)]], body: "" };
}

function keyNotFound(): ProblemReply {
  return problem({ status: 404, code: "key_not_found", detail: "There is no such key" });
}

/** The comparison was made where the entry was applied; what is there now is newer, and what the client needs. */
async function compareFailedNow({ context }: RouteCall, key: string): Promise<HttpReply> {
  const answer = () => compareFailed(context.node.state.get(key));
  const reply = await answerWhenFresh({ stale: false, minRevision: 0 }, { context, answer });
  if (reply.status === COMPARE_FAILED_STATUS) return reply;
  return problem({ status: COMPARE_FAILED_STATUS, code: "compare_failed", detail: "The condition did not hold" });
}

function compareFailed(record: KeyRecord | undefined): ProblemReply {
  return problem({
    status: COMPARE_FAILED_STATUS,
    code: "compare_failed",
    detail: record === undefined ? "There is no such key" : `The key has revision ${record.revision}`,
    headers: record === undefined ? [] : [["ETag", tagOf(record)]],
    more: { mod_revision: record?.revision ?? 0 },
  });
}
