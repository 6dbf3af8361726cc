/** Planted bugs of the protocols, the client, sessions and expiry. */

import type { Mutation } from "./mutation.ts";

const CONDITIONS = "lib/protocol/http/conditions.ts";
const PROBLEM = "lib/protocol/http/problem.ts";
const TRANSACTION = "lib/protocol/resp/transaction.ts";
const CLIENT_SESSION = "lib/client/session.ts";
const KEYSPACE = "lib/kv/keyspace.ts";
const INTEGERS = "lib/kv/integers.ts";

/** Id, what is wrong, file, what is found there and what takes its place. */
type Row = readonly [id: string, what: string, file: string, find: string, replace: string];

const HTTP: readonly Row[] = [
  [
    "M140",
    "If-Match: * holds for a key that is not there",
    CONDITIONS,
    "if (record === undefined) return false;",
    'if (record === undefined) return match === "Any";',
  ],
  [
    "M141",
    "If-None-Match: * writes over a key that is there",
    CONDITIONS,
    'field: "EXISTS", operator: "=", operand: "0"',
    'field: "EXISTS", operator: ">", operand: "-1"',
  ],
  [
    "M142",
    "A write whose outcome is unknown is answered as not done",
    PROBLEM,
    'return problem({ status: 504, code: "outcome_unknown", detail });',
    'return problem({ status: 503, code: "no_quorum", detail });',
  ],
  [
    "M143",
    "A client that has what is there gets it again",
    CONDITIONS,
    'noneMatch !== undefined && (noneMatch === "Any" || noneMatch.includes(revision))',
    'noneMatch !== undefined && noneMatch === "Any" && revision > 0',
  ],
  [
    "M144",
    "Another request under a used number is told as one that is too old",
    PROBLEM,
    'status: 422,\n        code: "sequence_reused"',
    'status: 409,\n        code: "stale_sequence"',
  ],
];

const TEXT: readonly Row[] = [
  [
    "M145",
    "DELETE of a key that is not there is told as done",
    "lib/protocol/text/outcomes.ts",
    "return result.existed ? `${show(key)} deleted successfully.` : keyMissing(key);",
    'return result.existed || key !== "" ? `${show(key)} deleted successfully.` : keyMissing(key);',
  ],
];

const REDIS: readonly Row[] = [
  [
    "M146",
    "EXEC does not look at the watched keys",
    TRANSACTION,
    "const compares = Array.from(this.#watched, ([key, operand])",
    "const compares = Array.from(new Map<string, string>(), ([key, operand])",
  ],
  [
    "M147",
    "A key that is watched again is watched from then on only",
    TRANSACTION,
    "      if (this.#watched.has(key)) continue;\n",
    "",
  ],
  [
    "M148",
    "EXEC and DISCARD leave the keys watched",
    TRANSACTION,
    "    this.#isSpoiled = false;\n    this.unwatch();",
    "    this.#isSpoiled = false;",
  ],
  [
    "M149",
    "EXEC does what was queued although a command was refused",
    TRANSACTION,
    "if (isSpoiled) return refuse(",
    "if (isSpoiled && queue.length === 0) return refuse(",
  ],
  [
    "M150",
    "EXEC gives a list although a watched key was changed",
    TRANSACTION,
    "return result.succeeded ? gather(result.replies) : NO_LIST;",
    "return result.succeeded || result.replies.length === 0 ? gather(result.replies) : NO_LIST;",
  ],
];

const CLIENT: readonly Row[] = [
  [
    "M151",
    "A write whose outcome is unknown is sent again to another server",
    "lib/client/verdict.ts",
    '["TIMEOUT", "Unknown"],',
    '["TIMEOUT", "Elsewhere"],',
  ],
  [
    "M152",
    "A write that may have been done in an expired session is repeated in another one",
    CLIENT_SESSION,
    'refusal.code === "SEQREUSED" || !maybeDoneBefore;',
    'refusal.code === "SEQREUSED" || !maybeDoneBefore || refusal.code === "NOSESSION";',
  ],
  [
    "M153",
    "More writes are under way than the servers keep answers of",
    CLIENT_SESSION,
    "        session.unfinished.add(sequence);\n",
    "",
  ],
  [
    "M154",
    "A session that the servers have let expire is used on",
    CLIENT_SESSION,
    "      this.#expire(session);\n",
    "      if (session.next < 0) this.#expire(session);\n",
  ],
  [
    "M155",
    "The client stays with a server that cannot help",
    "lib/client/router.ts",
    "servers[(servers.indexOf(this.#preferred) + 1) % servers.length]",
    "servers[servers.indexOf(this.#preferred) % servers.length]",
  ],
];

const KEYS: readonly Row[] = [
  [
    "M156",
    "A key that is made anew keeps the deadline of the one that expired",
    KEYSPACE,
    'if (created || options.expiresAt !== "Keep")',
    'if (options.expiresAt !== "Keep")',
  ],
  [
    "M157",
    "A key that is made anew goes on with the versions of the one that expired",
    KEYSPACE,
    "cell.version = created ? 1 : cell.version + 1;",
    "cell.version += 1;",
  ],
  [
    "M158",
    "A key that has expired and is not swept yet is told as there before",
    KEYSPACE,
    "    const existed = !this.#isDue(cell);\n",
    "    const existed = cell.version > 0;\n",
  ],
  [
    "M159",
    "Keys are swept one entry after their deadline",
    KEYSPACE,
    "if (first === undefined || first.at > this.#timeMs) break;",
    "if (first === undefined || first.at >= this.#timeMs) break;",
  ],
  [
    "M160",
    "The deadline of a key that was removed stays",
    KEYSPACE,
    "    if (cell.deadline !== undefined) this.#deadlines.remove(cell.deadline);\n    this.#cells.delete(key);",
    "    this.#cells.delete(key);",
  ],
  [
    "M161",
    "INCR goes beyond 64 bits",
    INTEGERS,
    "return isInteger64(sum) ? narrow(sum) : undefined;",
    "return narrow(sum);",
  ],
  [
    "M162",
    "A number with leading zeros is an integer",
    INTEGERS,
    'return text === "0" ? 0 : undefined;',
    "return text.length < 3 ? Number(text) : undefined;",
  ],
  [
    "M163",
    "A deadline is moved on by a plain change of the value",
    KEYSPACE,
    'if (created || options.expiresAt !== "Keep")',
    'if (created || options.expiresAt === "Keep")',
  ],
];

/** In the order of their numbers. */
export const INTERFACE_SLIPS: readonly Mutation[] = [...HTTP, ...TEXT, ...REDIS, ...CLIENT, ...KEYS].map(
  ([id, what, file, find, replace]) => ({ id, what, patches: [{ file, find, replace }] }),
);
