/** Parameters that several operations take, and how each is read. */

import type { Call, SessionUse } from "../kv/commands.ts";
import { badRequest, problem, type ProblemReply } from "./problem.ts";
import type { HttpContext, Parameter, RouteCall } from "./route.ts";

/** `?level=`. */
export const LEVEL: Parameter = {
  name: "level",
  description:
    "`linearizable` (usual): as new as every write acknowledged before. `stale`: what this node has, at once; " +
    "`X-KV-Stale-Age-Ms` says how old that is at most.",
  schema: { type: "string", enum: ["linearizable", "stale"] },
};

/** `?min_revision=`. */
export const MIN_REVISION: Parameter = {
  name: "min_revision",
  description: "Waits until this node has applied that revision.",
  schema: { type: "integer", minimum: 0 },
};

/** `?ttl=` of a key. */
export const TTL: Parameter = {
  name: "ttl",
  description:
    "How long the key lives: a number with `ms`, `s`, `m`, `h` or `d`, or `keep` for as long as it would have " +
    "lived without this write. Without it the key does not expire.",
  schema: { type: "string", pattern: "^([0-9]{1,15}(ms|s|m|h|d)|keep)$", examples: ["10s"] },
};

/** The header that puts a write into a session. */
export const IDEMPOTENCY_KEY: Parameter = {
  name: "Idempotency-Key",
  description:
    "`<session>:<sequence>`: done at most once in that session (see POST /v1/sessions), and answered alike each time.",
  schema: { type: "string", pattern: "^[0-9]{1,16}:[0-9]{1,16}$", examples: ["7:1"] },
};

/** How new a reading must be. */
export interface Freshness {
  readonly stale: boolean;
  readonly minRevision: number;
}

/** Reads `?level=` and `?min_revision=`. */
export function readFreshness({ query }: RouteCall): Freshness | ProblemReply {
  const level = query.get("level") ?? "linearizable";
  if (level !== "linearizable" && level !== "stale") return badRequest("level must be linearizable or stale");
  const minRevision = readCount(query.get("min_revision") ?? "0");
  if (minRevision === undefined) return badRequest("min_revision must be a revision, a number from 0 on");
  return { stale: level === "stale", minRevision };
}

/** A decimal number from 0 to 2^53 - 1 without a sign; undefined for everything else. */
export function readCount(text: string): number | undefined {
  const number = COUNT.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

const COUNT = /^\d{1,16}$/;
const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** Milliseconds of a duration such as `10s`, at least one; undefined for everything else. */
export function readDuration(text: string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS_MS.get(unit) ?? NaN);
  return Number.isSafeInteger(ms) && ms > 0 ? ms : undefined;
}

/** Milliseconds of `?ttl=`; undefined when it is not there. */
export function readTtl({ query }: RouteCall): number | undefined | ProblemReply {
  const text = query.get("ttl");
  if (text === undefined) return undefined;
  return readDuration(text) ?? badRequest("ttl must be a number from 1 on with ms, s, m, h or d, such as 10s");
}

/** How long a key lives that is stored: milliseconds, as long as before, or for good. */
export type KeyTtl = number | "keep" | undefined;

/** Reads `?ttl=` of a key; undefined when it is not there. */
export function readKeyTtl(call: RouteCall): KeyTtl | ProblemReply {
  return call.query.get("ttl") === "keep" ? "keep" : readTtl(call);
}

/** The call that stores `value` under `key` for that long. */
export function setCall({ key, value }: { readonly key: string; readonly value: string }, ttlMs: KeyTtl): Call {
  if (ttlMs === "keep") return ["SET", key, value, "KEEPTTL"];
  return ttlMs === undefined ? ["SET", key, value] : ["SET", key, value, "PX", String(ttlMs)];
}

/** Reads `Idempotency-Key`; undefined when it is not there. */
export function readSessionUse({ request }: RouteCall): SessionUse | undefined | ProblemReply {
  const text = request.headers.get("idempotency-key");
  if (text === undefined) return undefined;
  const [first = "", second = "", ...rest] = text.split(":");
  const [id, sequence] = [readCount(first), readCount(second)];
  if (!id || !sequence || rest.length > 0) {
    return badRequest("Idempotency-Key must be <session>:<sequence>, two numbers from 1 on");
  }
  return { id, sequence };
}

/** The reply to a key beyond the limit. */
export function refuseLongKey(key: string, { keyBytesMax }: HttpContext): ProblemReply | undefined {
  if (key.length <= keyBytesMax) return undefined;
  const detail = `The key of ${key.length} bytes is too long (limit ${keyBytesMax})`;
  return problem({ status: 413, code: "too_large", detail });
}
