/** `/v1/kv/{key}?revision=` and `?history=`: a key as it was, and what changed it, from what the node remembers of changes. */

import type { Change } from "../../kv/change.ts";
import type { KeyRecord } from "../../kv/key_record.ts";
import type { Changes } from "../../node/changes/changes.ts";
import type { HttpReply } from "../http.ts";
import { JSON_TYPE } from "../json_reply.ts";
import { readCount } from "../parameters.ts";
import { badRequest, problem, PROBLEM_TYPE, type ProblemReply } from "../problem.ts";
import { byteField, LONG_VALUE_BYTES, recordFields, recordFieldsInTurns } from "../record_json.ts";
import type { HttpContext, JsonSchema, Parameter, ResponseDescription, RouteCall } from "../route.ts";
import { RECORD_SCHEMA, REVISION_SCHEMA } from "../schemas.ts";

/** Changes of a key that one reply shows at most. */
export const SHOWN_CHANGES_MAX = 1_000;
/** A reply ends behind the change with which its values reach so many bytes. */
export const SHOWN_CHANGES_BYTES_TARGET = 1_048_576;

const OK = 200;
const GONE = 410;

/** `?revision=` of a key. */
export const AT_REVISION: Parameter = {
  name: "revision",
  description:
    "The key as the entry of the log with that revision left it; see `oldest` of 410 for how far back that is known.",
  schema: { type: "integer", minimum: 0 },
};

/** `?history=` of a key. */
export const LAST_CHANGES: Parameter = {
  name: "history",
  description: "The last so many changes of the key, newest first, as JSON.",
  schema: { type: "integer", minimum: 1, maximum: SHOWN_CHANGES_MAX },
};

/** The reply to what is not remembered any more. */
export const COMPACTED: ResponseDescription = {
  description: "`compacted`: that revision is not remembered here; `oldest` is the oldest that is.",
  contentType: PROBLEM_TYPE,
};

/** What changed a key. */
export const KEY_CHANGES_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    changes: {
      type: "array",
      items: {
        type: "object",
        properties: {
          ...RECORD_SCHEMA["properties"] as JsonSchema,
          type: { type: "string", enum: ["put", "delete", "expire"] },
          previous_revision: { type: ["integer", "null"] },
        },
        required: ["type", "mod_revision", "previous_revision"],
      },
    },
    more: { type: "boolean", description: "Whether older ones are known." },
    oldest: { ...REVISION_SCHEMA, description: "All changes behind this revision are known here, and no others." },
    revision: REVISION_SCHEMA,
  },
  required: ["changes", "more", "oldest", "revision"],
};

/** What of the past is asked for. */
export type Past =
  | { readonly type: "Revision"; readonly revision: number }
  | { readonly type: "Changes"; readonly count: number };

/** Reads `?revision=` and `?history=`; undefined where neither is there. */
export function readPast({ query }: RouteCall): Past | undefined | ProblemReply {
  const [atRevision, lastChanges] = [query.get("revision"), query.get("history")];
  if (atRevision !== undefined && lastChanges !== undefined) return badRequest("Give revision or history, not both");
  if (atRevision !== undefined) {
    const revision = readCount(atRevision);
    if (revision === undefined) return badRequest("revision must be a number from 0 on");
    return { type: "Revision", revision };
  }
  if (lastChanges === undefined) return undefined;
  const count = readCount(lastChanges);
  if (count === undefined || count < 1 || count > SHOWN_CHANGES_MAX) {
    return badRequest(`history must be a number from 1 to ${SHOWN_CHANGES_MAX}`);
  }
  return { type: "Changes", count };
}

/** Refuses a revision that is not remembered, or that lies ahead of this node. */
export function refuseRevision({ oldest, newest }: Changes, revision: number): ProblemReply | undefined {
  if (revision > newest) return badRequest(`Revision ${revision} lies ahead of this node, which is at ${newest}`);
  if (revision >= oldest) return undefined;
  const detail = `Revision ${revision} is not remembered any more; the oldest that is known here is ${oldest}`;
  return problem({ status: GONE, code: "compacted", detail, more: { oldest, newest } });
}

/** A key at a revision, or why that cannot be told. Reads the state, so that the right to read the key is judged. */
export function recordThen(
  { node: { state, changes } }: HttpContext,
  { key, revision }: { readonly key: string; readonly revision: number },
): { readonly record: KeyRecord | undefined } | ProblemReply {
  const current = state.peek(key);
  return refuseRevision(changes, revision) ?? { record: changes.recordAt(key, { revision, current }) };
}

/** The last changes of a key. */
export async function showChanges(
  { node: { state, changes }, clock }: HttpContext,
  { key, count }: { readonly key: string; readonly count: number },
): Promise<HttpReply> {
  const { oldest, newest } = changes;
  const shown: { readonly change: Change; readonly revision: number }[] = [];
  let bytes = 0;
  let more = false;
  for (const each of changes.changesOf(key, state.peek(key))) {
    more = shown.length === count || bytes >= SHOWN_CHANGES_BYTES_TARGET;
    if (more) break;
    shown.push(each);
    bytes += each.change.record?.value.length ?? 0;
  }
  const items: string[] = [];
  for (const { change: { type, record, previousRevision }, revision } of shown) {
    const what = record === undefined
      ? `${byteField("key", key)},"mod_revision":${revision}`
      : record.value.length < LONG_VALUE_BYTES
      ? recordFields(key, record)
      : await recordFieldsInTurns(key, record, clock);
    items.push(`{"type":"${type.toLowerCase()}",${what},"previous_revision":${previousRevision ?? null}}`);
  }
  const body = `{"changes":[${items.join(",")}],"more":${more},"oldest":${oldest},"revision":${newest}}\n`;
  return { status: OK, headers: [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]], body };
}
