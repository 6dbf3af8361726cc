/** `POST /v1/txn`: compares, and does one of two lists of operations, in one entry of the log. */

import { isText, textToByteString } from "../../base/bytes.ts";
import { checkCall, keysOf } from "../../kv/calls.ts";
import { type Clock, nextTurn } from "../../base/clock.ts";
import {
  type Call,
  type Compare,
  type CompareField,
  type CompareOperator,
  TRANSACTION_PARTS_MAX,
} from "../../kv/commands.ts";
import { type ErrorReply, isErrorReply, type Reply } from "../../kv/replies.ts";
import type { HttpReply } from "../http.ts";
import { JsonValue } from "../json_body.ts";
import { IDEMPOTENCY_KEY, readDuration, refuseLongKey, setCall } from "../parameters.ts";
import { badRequest, isProblem, problem, type ProblemReply, refusalProblem } from "../problem.ts";
import { byteField, byteFieldInTurns, bytesInTurns, LONG_VALUE_BYTES } from "../record_json.ts";
import { REDIRECT } from "../redirect.ts";
import type { Route, RouteCall } from "../route.ts";
import { LONG_BODY_BYTES } from "../server/limits.ts";
import { TXN_REQUEST_SCHEMA, TXN_RESULT_SCHEMA } from "../txn_schemas.ts";
import { submit } from "../writes.ts";

/** Longest body in bytes: twice a longest command, which base64 and escapes make longer. */
export const TXN_BODY_BYTES_MAX = 17_301_504;

/** JSON of all results together: of bytes that it escapes it has six for each, and no string holds that of the longest reply. */
export const TXN_RESULT_BYTES_MAX = 67_108_864;
/** In the place of a result that finds no room. What the operation was to change is changed. */
const RESULT_TOO_LONG: ErrorReply = {
  error: `ERR the result is too long: all of them have ${TXN_RESULT_BYTES_MAX} bytes of JSON`,
};

const OK = 200;
const JSON_TYPE = "application/json";

/** The operation, for the table of routes. */
export const TXN_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/txn",
    id: "transact",
    isForUsers: true,
    tag: "Keys",
    summary: "Does `then` if every comparison holds, else `else`: all at once, and nothing comes between.",
    query: [REDIRECT],
    headers: [IDEMPOTENCY_KEY],
    body: {
      description: "Comparisons and two lists of operations.",
      contentType: JSON_TYPE,
      schema: TXN_REQUEST_SCHEMA,
      bytesMax: () => TXN_BODY_BYTES_MAX,
    },
    responses: {
      [OK]: {
        description: "What was done: `succeeded` tells which list, `results` has one item for each of its operations.",
        contentType: JSON_TYPE,
        schema: TXN_RESULT_SCHEMA,
      },
    },
    handle: transact,
  },
];

/** What an operation is, for the form of its result. */
type Kind = "put" | "get" | "delete" | "command";

interface Operation {
  readonly kind: Kind;
  readonly call: Call;
}

const FIELDS: ReadonlyMap<string, CompareField> = new Map([
  ["value", "VALUE"],
  ["version", "VERSION"],
  ["create_revision", "CREATE"],
  ["mod_revision", "MOD"],
  ["exists", "EXISTS"],
]);
const OPERATORS: readonly CompareOperator[] = ["=", "!=", "<", ">"];
const KINDS: readonly Kind[] = ["put", "get", "delete", "command"];

async function transact(call: RouteCall): Promise<HttpReply> {
  const { context: { clock }, request: { body: requestBody } } = call;
  const root = await JsonValue.readInTurns(requestBody, clock);
  root.only(["compare", "then", "else"]);
  const compares = (root.optional("compare")?.items() ?? []).map(readCompare);
  const then = (root.optional("then")?.items() ?? []).map(readOperation);
  const otherwise = (root.optional("else")?.items() ?? []).map(readOperation);
  const { complaint } = root;
  if (complaint !== undefined) return badRequest(complaint, "invalid_body");
  const refusal = refuse(call, { compares, calls: [...then, ...otherwise].map((operation) => operation.call) });
  if (refusal !== undefined) return refusal;
  const calls = {
    then: then.map((operation) => operation.call),
    otherwise: otherwise.map((operation) => operation.call),
  };
  if (requestBody.length >= LONG_BODY_BYTES) await nextTurn(clock);
  const result = await submit(call, { type: "Transaction", compares, ...calls });
  if (isProblem(result)) return result;
  if (result.type !== "Transaction") return refusalProblem("SequenceReused");
  const { succeeded, revision, replies } = result;
  const kinds = succeeded ? then : otherwise;
  const results = new JsonItems();
  for (const [at, reply] of replies.entries()) {
    const kind = kinds[at]?.kind ?? "command";
    const bytes = typeof reply === "string" ? reply.length : 0;
    const shown = !results.hasRoomFor(bytes)
      ? undefined
      : typeof reply === "string" && bytes >= LONG_VALUE_BYTES
      ? await showLong(kind, reply, clock)
      : showResult(kind, reply);
    if (shown === undefined || !results.add(shown)) results.addError();
  }
  const body = `{"succeeded":${succeeded},"revision":${revision},"results":${results.list}}\n`;
  return { status: OK, headers: [["Content-Type", JSON_TYPE], ["X-KV-Revision", String(revision)]], body };
}

function refuse(
  { context }: RouteCall,
  { compares, calls }: { readonly compares: readonly Compare[]; readonly calls: readonly Call[] },
): ProblemReply | undefined {
  if (compares.length + calls.length > TRANSACTION_PARTS_MAX) {
    const detail = `A transaction has at most ${TRANSACTION_PARTS_MAX} comparisons and operations`;
    return problem({ status: 413, code: "too_large", detail });
  }
  const keys = [...compares.map(({ key }) => key), ...calls.flatMap(keysOf)];
  for (const key of keys) {
    const refusal = refuseLongKey(key, context);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function readCompare(item: JsonValue): Compare {
  item.only(["key", "key_base64", "field", "op", "value", "value_base64"]);
  const key = item.bytes("key");
  const fieldName = item.optional("field")?.text() ?? "value";
  const field = FIELDS.get(fieldName);
  if (field === undefined) item.field("field").complain(`must be one of ${Array.from(FIELDS.keys()).join(", ")}`);
  const operatorName = item.optional("op")?.text() ?? "=";
  const operator = OPERATORS.find((known) => known === operatorName);
  if (operator === undefined) item.field("op").complain(`must be one of ${OPERATORS.join(" ")}`);
  const operand = field === "VALUE" ? item.bytes("value") : readNumber(item.field("value"));
  return { key, field: field ?? "VALUE", operator: operator ?? "=", operand };
}

function readNumber(value: JsonValue): string {
  const text = value.textOrInteger();
  if (!/^\d{1,16}$/.test(text)) value.complain("must be a number from 0 on");
  return text;
}

function readOperation(item: JsonValue): Operation {
  item.only(KINDS);
  const [name, ...others] = item.names();
  const kind = KINDS.find((known) => known === name) ?? "command";
  if (name === undefined || others.length > 0) item.complain(`must have exactly one field of ${KINDS.join(", ")}`);
  const call = readCall(kind, item.field(kind));
  return { kind, call };
}

function readCall(kind: Kind, value: JsonValue): Call {
  if (kind === "command") return readCommand(value);
  if (kind !== "put") {
    value.only(["key", "key_base64"]);
    return [kind === "get" ? "GET" : "DEL", value.bytes("key")];
  }
  value.only(["key", "key_base64", "value", "value_base64", "ttl"]);
  const ttl = value.optional("ttl");
  const ttlMs = ttl === undefined ? undefined : readDuration(ttl.text());
  if (ttl !== undefined && ttlMs === undefined) ttl.complain("must be a number with ms, s, m, h or d, such as 10s");
  return setCall({ key: value.bytes("key"), value: value.bytes("value") }, ttlMs);
}

/** The words of a command of Redis; a word that is no text is an object with `base64`. */
function readCommand(value: JsonValue): Call {
  const [name = "", ...words] = value.items().map((word) => word.word());
  const call = [name.toUpperCase(), ...words];
  const error = checkCall(call);
  if (error !== undefined) value.complain(`is refused: ${error.error}`);
  return call;
}

function showResult(kind: Kind, reply: Reply): string {
  if (isErrorReply(reply)) return showError(reply);
  switch (kind) {
    case "put":
      return `{"put":true}`;
    case "get":
      return typeof reply === "string" ? `{"found":true,${byteField("value", reply)}}` : `{"found":false}`;
    case "delete":
      return `{"deleted":${reply === 1}}`;
    default:
      return `{"reply":${showReply(reply)}}`;
  }
}

/** The result of a get or of another command that gave a long byte string. */
async function showLong(kind: Kind, bytes: string, clock: Clock): Promise<string> {
  if (kind === "get") return `{"found":true,${await byteFieldInTurns("value", bytes, clock)}}`;
  return `{"reply":${await bytesInTurns(bytes, clock)}}`;
}

/** A reply in JSON: errors as objects with `error`, bytes that are no text as objects with `base64`. */
function showReply(reply: Reply): string {
  if (reply === null || typeof reply === "number") return String(reply);
  // Numbers of JSON are exact up to 2^53 where they are read.
  if (typeof reply === "bigint") return `"${reply}"`;
  if (typeof reply === "string") return isText(reply) ? JSON.stringify(reply) : `{"base64":"${btoa(reply)}"}`;
  if ("status" in reply) return JSON.stringify(textToByteString(reply.status));
  if ("error" in reply) return showError(reply);
  const items = new JsonItems();
  for (const item of reply) if (!items.add(showReply(item))) return showError(RESULT_TOO_LONG);
  return items.list;
}

function showError({ error }: ErrorReply): string {
  return `{"error":${JSON.stringify(error)}}`;
}

/** A list in JSON that does not become too long. */
class JsonItems {
  readonly #items: string[] = [];
  #room = TXN_RESULT_BYTES_MAX;

  get list(): string {
    return `[${this.#items.join(",")}]`;
  }

  hasRoomFor(bytes: number): boolean {
    return bytes <= this.#room;
  }

  /** False when there is no room for it. */
  add(item: string): boolean {
    if (!this.hasRoomFor(item.length)) return false;
    this.#room -= item.length;
    this.#items.push(item);
    return true;
  }

  /** What stands in the place of one that finds no room. */
  addError(): void {
    this.#items.push(showError(RESULT_TOO_LONG));
  }
}
