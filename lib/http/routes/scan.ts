/** `GET /v1/kv`: pages of keys in the order of their bytes. */

import type { Clock } from "../../base/clock.ts";
import type { KeyRecord } from "../../kv/key_record.ts";
import type { HttpReply } from "../http.ts";
import { LEVEL, MIN_REVISION, readCount, readFreshness } from "../parameters.ts";
import { badRequest, isProblem, type ProblemReply } from "../problem.ts";
import { answerWhenFresh } from "../reads.ts";
import {
  byteField,
  LONG_VALUE_BYTES,
  previewFields,
  recordFields,
  recordFieldsInTurns,
  revisionFields,
} from "../record_json.ts";
import { REDIRECT } from "../redirect.ts";
import type { HttpContext, Route, RouteCall } from "../route.ts";
import { RECORD_SCHEMA, REVISION_SCHEMA } from "../schemas.ts";

/** Keys of a page at most, and when the client does not say. */
export const PAGE_KEYS = { most: 1_000, otherwise: 100 } as const;
/** A page ends behind the key with which its keys and values reach so many bytes. */
export const PAGE_BYTES_TARGET = 1_048_576;

/** Longest preview of a value. */
export const PREVIEW_BYTES_MAX = 1_048_576;

const OK = 200;

/** The operation, for the table of routes. */
export const SCAN_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/kv",
    id: "scanKeys",
    isForUsers: true,
    tag: "Keys",
    summary: "A page of keys in the order of their bytes. A key that is there all the time is on exactly one page.",
    query: [
      { name: "prefix", description: "Only keys that begin so.", schema: { type: "string" } },
      { name: "start", description: "Only keys from this one on.", schema: { type: "string" } },
      { name: "end", description: "Only keys before this one.", schema: { type: "string" } },
      {
        name: "limit",
        description: "Keys of the page at most.",
        schema: { type: "integer", minimum: 1, maximum: PAGE_KEYS.most, default: PAGE_KEYS.otherwise },
      },
      { name: "cursor", description: "The `cursor` of the page before.", schema: { type: "string" } },
      { name: "keys_only", description: "Leaves the values out.", schema: { type: "string" } },
      {
        name: "preview",
        description: "Only so many bytes of each value, with `value_bytes`, the length of all of it.",
        schema: { type: "integer", minimum: 0, maximum: PREVIEW_BYTES_MAX },
      },
      LEVEL,
      MIN_REVISION,
      REDIRECT,
    ],
    headers: [],
    responses: {
      [OK]: {
        description: "`cursor` is null on the last page.",
        contentType: "application/json",
        schema: {
          type: "object",
          properties: {
            items: { type: "array", items: RECORD_SCHEMA },
            cursor: { type: ["string", "null"] },
            revision: REVISION_SCHEMA,
          },
          required: ["items", "cursor", "revision"],
        },
      },
    },
    handle: scan,
  },
];

/** A page as it was asked for. */
interface PageRequest {
  readonly prefix: string;
  /** First key that may be on the page. */
  readonly from: string;
  /** First key behind the range; "" for none. */
  readonly end: string;
  readonly limit: number;
  readonly keysOnly: boolean;
  /** Bytes of a value at most; undefined for all of it. */
  readonly preview: number | undefined;
}

function scan(call: RouteCall): HttpReply | Promise<HttpReply> {
  const wanted = readRequest(call);
  if (isProblem(wanted)) return wanted;
  const freshness = readFreshness(call);
  if (isProblem(freshness)) return freshness;
  const { context } = call;
  return answerWhenFresh(freshness, { context, answer: () => showPage(context, wanted) });
}

function readRequest({ query }: RouteCall): PageRequest | ProblemReply {
  const limit = readCount(query.get("limit") ?? String(PAGE_KEYS.otherwise));
  if (limit === undefined || limit < 1 || limit > PAGE_KEYS.most) {
    return badRequest(`limit must be a number from 1 to ${PAGE_KEYS.most}`);
  }
  const keysOnly = readFlag(query.get("keys_only"));
  if (keysOnly === undefined) return badRequest("keys_only must be true or false");
  const preview = query.has("preview") ? readCount(query.get("preview") ?? "") : undefined;
  if (query.has("preview") && (preview === undefined || preview > PREVIEW_BYTES_MAX)) {
    return badRequest(`preview must be a number from 0 to ${PREVIEW_BYTES_MAX}`);
  }
  const cursor = query.get("cursor") ?? "";
  const behind = cursor === "" ? "" : decodeCursor(cursor);
  if (behind === undefined) return badRequest("cursor must be what the page before gave");
  const prefix = query.get("prefix") ?? "";
  const start = query.get("start") ?? "";
  const from = [prefix, start, behind].reduce((most, key) => key > most ? key : most, "");
  return { prefix, from, end: query.get("end") ?? "", limit, keysOnly, preview };
}

/** A flag without a value is set. */
function readFlag(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "false" || text === "0") return false;
  return text === "" || text === "true" || text === "1" ? true : undefined;
}

function showPage(
  { node, clock }: HttpContext,
  { prefix, from, end, limit, keysOnly, preview }: PageRequest,
): HttpReply | Promise<HttpReply> {
  const items: (string | (() => Promise<string>))[] = [];
  const nowMs = node.state.readTimeMs;
  let [bytes, last] = [0, ""];
  let isLast = true;
  for (const [key, record] of node.state.records(from)) {
    if (!key.startsWith(prefix) || (end !== "" && key >= end)) break;
    if (items.length === limit || bytes >= PAGE_BYTES_TARGET) {
      isLast = false;
      break;
    }
    items.push(itemOf(key, record, { keysOnly, preview, nowMs, clock }));
    bytes += key.length + (keysOnly ? 0 : Math.min(record.value.length, preview ?? Infinity));
    last = key;
  }
  const cursor = isLast ? "null" : `"${encodeCursor(last)}"`;
  const revision = node.changes.newest;
  const show = (shown: readonly unknown[]): HttpReply => {
    const body = `{"items":[${shown.join(",")}],"cursor":${cursor},"revision":${revision}}\n`;
    return { status: OK, headers: [["Content-Type", "application/json"], ["Cache-Control", "no-store"]], body };
  };
  return items.every((item) => typeof item === "string") ? show(items) : finishItems(items).then(show);
}

/** Long items one after the other: together they would share their turns of the event loop. */
async function finishItems(items: readonly (string | (() => Promise<string>))[]): Promise<readonly string[]> {
  const finished: string[] = [];
  for (const item of items) finished.push(typeof item === "string" ? item : await item());
  return finished;
}

function itemOf(
  key: string,
  record: KeyRecord,
  { keysOnly, preview, nowMs, clock }: Pick<PageRequest, "keysOnly" | "preview"> & {
    readonly nowMs: number;
    readonly clock: Clock;
  },
): string | (() => Promise<string>) {
  const { expiresAt } = record;
  const ttlMs = expiresAt === undefined ? "null" : Math.max(0, expiresAt - nowMs);
  const rest = `${revisionFields(record)},"expires_at":${expiresAt ?? null}`;
  if (!keysOnly && preview === undefined && record.value.length >= LONG_VALUE_BYTES) {
    return async () => `{${await recordFieldsInTurns(key, record, clock)},"ttl_ms":${ttlMs}}`;
  }
  const known = keysOnly
    ? `${byteField("key", key)},${rest}`
    : preview === undefined
    ? recordFields(key, record)
    : `${byteField("key", key)},${previewFields(record.value, preview)},${rest}`;
  return `{${known},"ttl_ms":${ttlMs}}`;
}

/** A version, then the last key of a page, in the alphabet of URLs. It means the same on every node and for ever. */
const CURSOR_VERSION = "1";

function encodeCursor(key: string): string {
  return CURSOR_VERSION + btoa(key).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The first key that may stand on the next page; undefined for what is no cursor. */
function decodeCursor(cursor: string): string | undefined {
  if (!/^1[A-Za-z0-9_-]*$/.test(cursor) || cursor.length % 4 === 2) return undefined;
  const key = atob(cursor.slice(CURSOR_VERSION.length).replaceAll("-", "+").replaceAll("_", "/"));
  return `${key}\0`;
}
