/** Requests of HTTP as simulated clients send them: as they go out, and what of the log they come to. */

import type { Call, Command, Compare } from "../../../lib/kv/commands.ts";
import type { HttpRequest } from "../../../lib/http/http.ts";
import { FAMILY, type Words } from "../call_maker.ts";

/** What one item of a transaction does. */
export type HttpPart =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "get" | "delete" | "incr"; readonly key: string };

/** What a client wants. */
export type HttpWish =
  | { readonly type: "Get" | "Delete"; readonly key: string }
  | { readonly type: "Put"; readonly key: string; readonly value: string; readonly ifAbsent: boolean }
  | {
    readonly type: "Transaction";
    readonly compares: readonly Compare[];
    readonly then: readonly HttpPart[];
    readonly otherwise: readonly HttpPart[];
  };

/** The names of what is done, as it is counted. */
export const HTTP_NAMES = ["get", "put", "put if absent", "delete", "transaction", "compare failed", "cut"] as const;

/** Draws a wish. Keys that are in histories are only put, got and deleted. */
export function makeWish(words: Words): HttpWish {
  const { random } = words;
  const type = random.pick(["Get", "Put", "Put", "PutIfAbsent", "Delete", "Transaction", "Transaction"] as const);
  switch (type) {
    case "Get":
    case "Delete":
      return { type, key: words.key("") };
    case "Put":
      return { type, key: words.key(""), value: words.value(), ifAbsent: false };
    case "PutIfAbsent":
      return { type: "Put", key: words.key(FAMILY.shared), value: words.value(), ifAbsent: true };
    default:
      return makeTransaction(words);
  }
}

/** The name under which a wish is counted. */
export function nameOf(wish: HttpWish): string {
  return wish.type === "Put" && wish.ifAbsent ? "put if absent" : wish.type.toLowerCase();
}

/** The request as it has been read from a connection. */
export function requestOf(wish: HttpWish, id: string): HttpRequest {
  const base = { query: "", headers: new Map([["host", "127.0.0.1"]]), body: "", remote: "simulated", id };
  if (wish.type === "Transaction") {
    return { ...base, method: "POST", path: "/v1/txn", body: bodyOf(wish) };
  }
  const at = { ...base, method: wish.type.toUpperCase(), path: `/v1/kv/${percentEncode(wish.key)}` };
  if (wish.type !== "Put") return at;
  const headers = wish.ifAbsent ? new Map([...base.headers, ["if-none-match", "*"]]) : base.headers;
  return { ...at, headers, body: wish.value };
}

/** The command of the log; undefined for what only reads. */
export function commandOf(wish: HttpWish): Command | undefined {
  switch (wish.type) {
    case "Get":
      return undefined;
    case "Delete":
      return { type: "Delete", key: wish.key };
    case "Put": {
      const { key, value } = wish;
      if (!wish.ifAbsent) return { type: "Put", key, value };
      const compares = [{ key, field: "EXISTS", operator: "=", operand: "0" }] as const;
      return { type: "Transaction", compares, then: [["EXISTS", key], ["SET", key, value]], otherwise: [] };
    }
    default: {
      const { compares } = wish;
      return { type: "Transaction", compares, then: wish.then.map(callOf), otherwise: wish.otherwise.map(callOf) };
    }
  }
}

function makeTransaction(words: Words): HttpWish {
  const { random } = words;
  const key = () => words.key(FAMILY.shared);
  const exists = (): Compare => ({ key: key(), field: "EXISTS", operator: "=", operand: `${random.below(2)}` });
  const part = (): HttpPart => ({ kind: random.pick(["get", "delete", "incr"] as const), key: key() });
  const some = (make: () => HttpPart) => Array.from({ length: random.below(3) }, make);
  // A value of its own tells the entry from every other.
  const own: HttpPart = { kind: "put", key: key(), value: words.value() };
  const compares = Array.from({ length: random.below(3) }, exists);
  return { type: "Transaction", compares, then: [own, ...some(part)], otherwise: some(part) };
}

function callOf(part: HttpPart): Call {
  switch (part.kind) {
    case "put":
      return ["SET", part.key, part.value];
    case "get":
      return ["GET", part.key];
    case "delete":
      return ["DEL", part.key];
    default:
      return ["INCR", part.key];
  }
}

function bodyOf(wish: HttpWish & { readonly type: "Transaction" }): string {
  const compare = wish.compares.map(({ key, operand }) => ({ key_base64: btoa(key), field: "exists", value: operand }));
  return JSON.stringify({ compare, then: wish.then.map(itemOf), else: wish.otherwise.map(itemOf) });
}

function itemOf(part: HttpPart): Readonly<Record<string, unknown>> {
  const key = { "key_base64": btoa(part.key) };
  if (part.kind === "put") return { put: { ...key, value_base64: btoa(part.value) } };
  return part.kind === "incr" ? { command: ["incr", { base64: btoa(part.key) }] } : { [part.kind]: key };
}

/** Each byte that is no letter or digit as an escape. */
function percentEncode(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
