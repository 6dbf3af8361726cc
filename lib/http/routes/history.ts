/** `GET /v1/history`: what the keys of a prefix were at a revision, of those that are something else now. */

import type { KeyRecord } from "../../kv/key_record.ts";
import type { HttpReply } from "../http.ts";
import { JSON_TYPE } from "../json_reply.ts";
import { LEVEL, MIN_REVISION, readCount, readFreshness } from "../parameters.ts";
import { badRequest, isProblem, problem } from "../problem.ts";
import { answerWhenFresh } from "../reads.ts";
import { byteField, byteFieldInTurns, LONG_VALUE_BYTES } from "../record_json.ts";
import { REDIRECT } from "../redirect.ts";
import type { HttpContext, Route, RouteCall } from "../route.ts";
import { bytesProperties, REVISION_SCHEMA } from "../schemas.ts";
import { COMPACTED, refuseRevision } from "./key_history.ts";

/** Keys that may have changed since then: so many of them can be looked at in one turn. */
export const CHANGED_KEYS_MAX = 10_000;
/** A page ends behind the key with which its keys and values reach so many bytes. */
export const HISTORY_PAGE_BYTES_TARGET = 1_048_576;

const OK = 200;
const TOO_LARGE = 413;

/** The operation, for the table of routes. */
export const HISTORY_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/history",
    id: "comparePast",
    isForUsers: true,
    tag: "Keys",
    summary:
      "The keys of a prefix that are something else than at a revision, with what they were, in the order of their bytes.",
    query: [
      { name: "prefix", description: "Only keys that begin so; every key when left out.", schema: { type: "string" } },
      { name: "since", description: "The revision.", schema: { type: "integer", minimum: 0 }, required: true },
      {
        name: "after",
        description: "Only keys behind this one: the last of the page before.",
        schema: { type: "string" },
      },
      LEVEL,
      MIN_REVISION,
      REDIRECT,
    ],
    headers: [],
    responses: {
      [OK]: {
        description:
          "`more` is false on the last page; `before` is null for a key that was not there, or whose deadline has passed.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: {
            items: {
              type: "array",
              items: {
                type: "object",
                properties: {
                  ...bytesProperties("key"),
                  mod_revision: { ...REVISION_SCHEMA, description: "Of the key now; 0 where it is not there." },
                  before: {
                    type: ["object", "null"],
                    properties: { ...bytesProperties("value"), expires_at: { type: ["integer", "null"] } },
                    required: ["expires_at"],
                  },
                },
                required: ["mod_revision", "before"],
              },
            },
            more: { type: "boolean" },
            revision: REVISION_SCHEMA,
          },
          required: ["items", "more", "revision"],
        },
      },
      410: COMPACTED,
    },
    handle: comparePast,
  },
];

/** What is asked for. */
interface PastRequest {
  readonly prefix: string;
  readonly since: number;
  /** Undefined for the first page. */
  readonly after: string | undefined;
}

function comparePast(call: RouteCall): HttpReply | Promise<HttpReply> {
  const { context, query } = call;
  const since = readCount(query.get("since") ?? "");
  if (since === undefined) return badRequest("since must be a revision, a number from 0 on");
  const freshness = readFreshness(call);
  if (isProblem(freshness)) return freshness;
  const wanted = { prefix: query.get("prefix") ?? "", since, after: query.get("after") };
  return answerWhenFresh(freshness, { context, answer: () => showPast(context, wanted) });
}

/** A key that is something else now. */
interface Difference {
  readonly key: string;
  readonly revision: number;
  readonly before: KeyRecord | undefined;
}

function showPast(
  { node: { state, changes }, clock }: HttpContext,
  { prefix, since, after }: PastRequest,
): HttpReply | Promise<HttpReply> {
  // Judges the right to read every key with the prefix, also of those that are not there.
  state.peek(prefix);
  const refusal = refuseRevision(changes, since);
  if (refusal !== undefined) return refusal;
  const { keys, recordOf } = changes.pastOf(since, { prefix, countMax: CHANGED_KEYS_MAX });
  if (keys.length > CHANGED_KEYS_MAX) {
    const detail = `More than ${CHANGED_KEYS_MAX} keys were changed since then; give a longer prefix`;
    return problem({ status: TOO_LARGE, code: "too_large", detail });
  }
  const nowMs = state.readTimeMs;
  const found: Difference[] = [];
  let [bytes, more] = [0, false];
  for (const key of keys.filter((key) => after === undefined || key > after).sort(inByteOrder)) {
    const current = state.peek(key);
    const then = recordOf(key);
    const before = isThere(then, nowMs) ? then : undefined;
    if (isSame(isThere(current, nowMs) ? current : undefined, before)) continue;
    more = bytes >= HISTORY_PAGE_BYTES_TARGET;
    if (more) break;
    found.push({ key, revision: state.get(key)?.revision ?? 0, before });
    bytes += key.length + (before?.value.length ?? 0);
  }
  const revision = changes.newest;
  return showAll(found, {
    more,
    revision,
    show: (value) =>
      value.length < LONG_VALUE_BYTES ? byteField("value", value) : byteFieldInTurns("value", value, clock),
  });
}

async function showAll(
  found: readonly Difference[],
  { more, revision, show }: {
    readonly more: boolean;
    readonly revision: number;
    show(value: string): string | Promise<string>;
  },
): Promise<HttpReply> {
  const items: string[] = [];
  for (const { key, revision: modified, before } of found) {
    const past = before === undefined
      ? "null"
      : `{${await show(before.value)},"expires_at":${before.expiresAt ?? null}}`;
    items.push(`{${byteField("key", key)},"mod_revision":${modified},"before":${past}}`);
  }
  const body = `{"items":[${items.join(",")}],"more":${more},"revision":${revision}}\n`;
  return { status: OK, headers: [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]], body };
}

function isThere(record: KeyRecord | undefined, nowMs: number): boolean {
  return record !== undefined && (record.expiresAt === undefined || record.expiresAt > nowMs);
}

function isSame(one: KeyRecord | undefined, other: KeyRecord | undefined): boolean {
  return one?.value === other?.value && one?.expiresAt === other?.expiresAt;
}

function inByteOrder(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
