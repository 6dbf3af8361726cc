/** Planted bugs of the protocols, the client, sessions and expiry. */

import { type Mutation, slip } from "./mutation.ts";

const CONDITIONS = "lib/http/conditions.ts";
const PROBLEM = "lib/http/problem.ts";
const TRANSACTION = "lib/protocol/resp/transaction.ts";
const CLIENT_SESSION = "lib/client/session.ts";
const KEYSPACE = "lib/kv/keyspace.ts";
const INTEGERS = "lib/kv/integers.ts";

const HTTP: readonly Mutation[] = [
  slip("M140", "If-Match: * holds for a key that is not there", {
    file: CONDITIONS,
    find: "if (record === undefined) return false;",
    replace: 'if (record === undefined) return match === "Any";',
  }),
  slip("M141", "If-None-Match: * writes over a key that is there", {
    file: CONDITIONS,
    find: 'field: "EXISTS", operator: "=", operand: "0"',
    replace: 'field: "EXISTS", operator: ">", operand: "-1"',
  }),
  slip("M142", "A write whose outcome is unknown is answered as not done", {
    file: PROBLEM,
    find: 'return problem({ status: 504, code: "outcome_unknown", detail });',
    replace: 'return problem({ status: 503, code: "no_quorum", detail });',
  }),
  slip("M143", "A client that has what is there gets it again", {
    file: CONDITIONS,
    find: 'noneMatch !== undefined && (noneMatch === "Any" || noneMatch.includes(revision))',
    replace: 'noneMatch !== undefined && noneMatch === "Any" && revision > 0',
  }),
  slip("M144", "Another request under a used number is told as one that is too old", {
    file: PROBLEM,
    find: 'status: 422,\n        code: "sequence_reused"',
    replace: 'status: 409,\n        code: "stale_sequence"',
  }),
];

const TEXT: readonly Mutation[] = [
  slip("M145", "DELETE of a key that is not there is told as done", {
    file: "lib/protocol/text/outcomes.ts",
    find: "return result.existed ? `${show(key)} deleted successfully.` : keyMissing(show(key));",
    replace: 'return result.existed || key !== "" ? `${show(key)} deleted successfully.` : keyMissing(show(key));',
  }),
];

const REDIS: readonly Mutation[] = [
  slip("M146", "EXEC does not look at the watched keys", {
    file: TRANSACTION,
    find: "const compares = Array.from(this.#watched, ([key, operand])",
    replace: "const compares = Array.from(new Map<string, string>(), ([key, operand])",
  }),
  slip("M147", "A key that is watched again is watched from then on only", {
    file: TRANSACTION,
    find: "      if (this.#watched.has(key)) continue;\n",
    replace: "",
  }),
  slip("M148", "EXEC and DISCARD leave the keys watched", {
    file: TRANSACTION,
    find: "    this.#isSpoiled = false;\n    this.unwatch();",
    replace: "    this.#isSpoiled = false;",
  }),
  slip("M149", "EXEC does what was queued although a command was refused", {
    file: TRANSACTION,
    find: "if (isSpoiled) return refuse(",
    replace: "if (isSpoiled && queue.length === 0) return refuse(",
  }),
  slip("M150", "EXEC gives a list although a watched key was changed", {
    file: TRANSACTION,
    find: "return result.succeeded ? gather(result.replies) : NO_LIST;",
    replace: "return result.succeeded || result.replies.length === 0 ? gather(result.replies) : NO_LIST;",
  }),
];

const CLIENT: readonly Mutation[] = [
  slip("M151", "A write whose outcome is unknown is sent again to another server", {
    file: "lib/client/verdict.ts",
    find: '["TIMEOUT", "Unknown"],',
    replace: '["TIMEOUT", "Elsewhere"],',
  }),
  slip("M152", "A write that may have been done in an expired session is repeated in another one", {
    file: CLIENT_SESSION,
    find: 'refusal.code === "SEQREUSED" || !maybeDoneBefore;',
    replace: 'refusal.code === "SEQREUSED" || !maybeDoneBefore || refusal.code === "NOSESSION";',
  }),
  slip("M153", "More writes are under way than the servers keep answers of", {
    file: CLIENT_SESSION,
    find: "        session.unfinished.add(sequence);\n",
    replace: "",
  }),
  slip("M154", "A session that the servers have let expire is used on", {
    file: CLIENT_SESSION,
    find: "      this.#expire(session);\n",
    replace: "      if (session.next < 0) this.#expire(session);\n",
  }),
  slip("M155", "The client stays with a server that cannot help", {
    file: "lib/client/router.ts",
    find: "servers[(servers.indexOf(this.#preferred) + 1) % servers.length]",
    replace: "servers[servers.indexOf(this.#preferred) % servers.length]",
  }),
];

const KEYS: readonly Mutation[] = [
  slip("M156", "A key that is made anew keeps the deadline of the one that expired", {
    file: KEYSPACE,
    find: "const kept = isThere ? this.#view.deadline : 0;",
    replace: "const kept = isKnown ? this.#view.deadline : 0;",
  }),
  slip("M157", "A key that is made anew goes on with the versions of the one that expired", {
    file: KEYSPACE,
    find: "    if (isKnown && !isThere) this.#store.remove(this.#view);\n",
    replace: "",
  }),
  slip("M158", "A key that has expired and is not swept yet is told as there before", {
    file: KEYSPACE,
    find: "    const existed = !this.#isDue(this.#view);\n",
    replace: "    const existed = this.#view.version > 0;\n",
  }),
  slip("M159", "Keys are swept one entry after their deadline", {
    file: KEYSPACE,
    find: "this.#store.nextDue(this.#timeMs, due)",
    replace: "this.#store.nextDue(this.#timeMs - 1, due)",
  }),
  slip("M160", "The deadline of a key that was removed stays", {
    file: "lib/store/store.ts",
    find: "    if (deadline !== 0) this.#deadlines.remove({ key, at: deadline });\n    this.#records",
    replace: "    if (deadline < 0) this.#deadlines.remove({ key, at: deadline });\n    this.#records",
  }),
  slip("M161", "INCR goes beyond 64 bits", {
    file: INTEGERS,
    find: "return isInteger64(sum) ? narrow(sum) : undefined;",
    replace: "return narrow(sum);",
  }),
  slip("M162", "A number with leading zeros is an integer", {
    file: INTEGERS,
    find: 'return text === "0" ? 0 : undefined;',
    replace: "return text.length < 3 ? Number(text) : undefined;",
  }),
  slip("M163", "A deadline is moved on by a plain change of the value", {
    file: KEYSPACE,
    find: 'write.deadline = expiresAt === "Keep" ? kept : expiresAt ?? 0;',
    replace: 'write.deadline = expiresAt === "Keep" ? 0 : expiresAt ?? kept;',
  }),
];

/** In the order of their numbers. */
export const INTERFACE_SLIPS: readonly Mutation[] = [...HTTP, ...TEXT, ...REDIS, ...CLIENT, ...KEYS];
