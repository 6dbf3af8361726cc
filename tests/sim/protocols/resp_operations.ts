/** Requests of the Redis protocol as commands of the log and as operations of a history. */

import { type Compare, encodeCommand } from "../../../lib/kv/commands.ts";
import { type Asked as AskedOperation, operationOf, operationOfCall } from "../operations.ts";
import { changes, type RespRequest } from "./resp_requests.ts";

/** Whose request it is, and the keys that its connection watches, with the revisions that they had. */
export interface EncodedFor {
  readonly login: number;
  readonly watched: ReadonlyMap<string, string>;
}

/** The command of the log that a request comes to; undefined for one that only reads. */
export function encode(request: RespRequest, { watched, login }: EncodedFor): string | undefined {
  if (request.type === "Write") return encodeCommand(request.command, request.session, login);
  if (request.type !== "Exec" || !changes(request)) return undefined;
  const compares = Array.from(watched, ([key, operand]): Compare => ({ key, field: "MOD", operator: "=", operand }));
  return encodeCommand({ type: "Transaction", compares, then: request.calls, otherwise: [] }, undefined, login);
}

/** Whether its command is like no other, so that it can be looked for in the log. */
export function isUnlike(request: RespRequest): boolean {
  return request.type === "Exec" || (request.type === "Write" && request.command.type === "Put");
}

/** What a request is in a history, or as it is counted; undefined for one that asks the node for nothing. */
export function asOperation(request: RespRequest): AskedOperation | undefined {
  const { words } = request;
  switch (request.type) {
    case "Known":
      return undefined;
    case "Login":
      return { operation: "resp login", key: "", argument: null };
    case "Write":
      if (request.session === undefined) return operationOf(request.command);
      return { operation: "resp once", key: words[4] ?? "", argument: null };
    case "Read":
      if (words[0] === "GET") return { operation: "get", key: words[1] ?? "", argument: null };
      return operationOfCall(words, "ask");
    case "Watch":
      return { operation: "resp watch", key: words[1] ?? "", argument: null };
    default:
      return { operation: "transaction", key: "", argument: null };
  }
}
