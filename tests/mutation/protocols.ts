/** Planted bugs that the simulator finds because it speaks every protocol, and waits for writes in each of them. */

import { type Mutation, type Patch, slip } from "./mutation.ts";

const TEXT = "lib/protocol/text/interpreter.ts";
const RESP = "lib/protocol/resp/interpreter.ts";
const TRANSACTION = "lib/protocol/resp/transaction.ts";
const HTTP_WRITES = "lib/http/writes.ts";
const HTTP_PROBLEM = "lib/http/problem.ts";
const HTTP_KEYS = "lib/http/routes/kv.ts";

/** In the order of their numbers. */
export const PROTOCOL_SLIPS: readonly Mutation[] = [
  counting("M380", "After 60 admission checks every write is refused as overload", {
    file: "lib/node/writes/proposals.ts",
    before: "export class Proposals {",
    find: "    const reason = this.#refusalOfWrite(write);\n    this.#refuseOlder();",
    replace: '    const reason = ++taken > 60 ? "Overloaded" : this.#refusalOfWrite(write);\n    this.#refuseOlder();',
  }),
  counting("M381", "After 60 writes of the text protocol there is no reply to any", {
    file: TEXT,
    before: "class TextInterpreter ",
    find: 'return node.write(request.command, this.#conversation.open(exchange, "Write").ended, loginId(this.#login));',
    replace: 'return ++taken > 60 ? void this.#conversation.open(exchange, "Write") : ' +
      'node.write(request.command, this.#conversation.open(exchange, "Write").ended, loginId(this.#login));',
  }),
  counting("M382", "After 60 admission checks every write of the Redis protocol is refused as overload", {
    file: RESP,
    before: "class RespInterpreter ",
    find: 'return node.submit(commandOfCall(plan.call), this.#open(exchange, "Write").ended, this.client.origin);',
    replace:
      'if (++taken > 60) return this.#open(exchange, "Write").ended({ type: "NotDone", reason: "Overloaded", leaderId: undefined });\n' +
      '        return node.submit(commandOfCall(plan.call), this.#open(exchange, "Write").ended, this.client.origin);',
  }),
  counting("M383", "After 60 writes of the Redis protocol there is no reply to any", {
    file: RESP,
    before: "class RespInterpreter ",
    find: 'return node.submit(commandOfCall(plan.call), this.#open(exchange, "Write").ended, this.client.origin);',
    replace: 'if (++taken > 60) return void this.#open(exchange, "Write");\n' +
      '        return node.submit(commandOfCall(plan.call), this.#open(exchange, "Write").ended, this.client.origin);',
  }),
  counting("M384", "After 60 writes over HTTP there is no reply to any", {
    file: HTTP_WRITES,
    before: "function submitIn(",
    find: "    node.submit(command, (outcome) => {",
    replace: "    if (++taken > 60) return;\n    node.submit(command, (outcome) => {",
  }),
  slip("M385", "EXEC answers OK where a watched key has changed", {
    file: TRANSACTION,
    find: "return result.succeeded ? gather(result.replies) : NO_LIST;",
    replace: 'return result.succeeded ? gather(result.replies) : { status: "OK" };',
  }),
  slip("M386", "WATCH remembers when the key was made, and not when it was changed", {
    file: TRANSACTION,
    find: "node.state.get(key)?.revision.toString() ?? ABSENT",
    replace: "node.state.get(key)?.createRevision.toString() ?? ABSENT",
  }),
  slip("M387", "A client of the Redis protocol hears of a write with an unknown outcome that it was not done", {
    file: RESP,
    find: "return OUTCOME_UNKNOWN;",
    replace: 'return OUTCOME_UNKNOWN && notDone({ type: "NotDone", reason: "Stopping", leaderId: undefined }, node);',
  }),
  slip("M388", "PUT over HTTP is answered before the write is committed", {
    file: HTTP_KEYS,
    find: '  const result = await submit(call, { type: "Put", ...entry });',
    replace: '  const submitted = submit(call, { type: "Put", ...entry });\n' +
      '  if (entry.key !== "") return { status: 204, headers: [], body: "" };\n  const result = await submitted;',
  }),
  slip("M389", "A client of HTTP hears of a write with an unknown outcome that it was not done", {
    file: HTTP_PROBLEM,
    find: '  if (outcome.type === "NotDone") return notDone(outcome);',
    replace:
      '  if (outcome.type === "NotDone" || outcome.type === "Unknown") return notDone({ reason: "Stopping", ...outcome });',
  }),
];

interface CountingPatch extends Patch {
  /** Stands exactly once in the file; the counter comes before it. */
  readonly before: string;
}

/** A planted bug that begins after a while: `taken` counts. */
function counting(id: string, what: string, { file, before, find, replace }: CountingPatch): Mutation {
  return { id, what, patches: [{ file, find: before, replace: `let taken = 0;\n${before}` }, { file, find, replace }] };
}
