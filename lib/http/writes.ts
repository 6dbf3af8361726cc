/** Writes of HTTP: submitted on any node, and their results or the problem in their place. */

import type { Command, SessionUse } from "../kv/commands.ts";
import type { CommandResult } from "../kv/results.ts";
import { forbidden, invalidCommand, isProblem, type ProblemReply, refusalProblem, writeProblem } from "./problem.ts";
import { readSessionUse } from "./parameters.ts";
import type { RouteCall } from "./route.ts";

/** What a write that was applied gave. */
export type Applied = Exclude<CommandResult, { readonly type: "Refused" | "Forbidden" | "Invalid" }>;

/** Does a command, in the session that the request names if it names one. */
export function submit(call: RouteCall, command: Command): Promise<Applied | ProblemReply> {
  const session = readSessionUse(call);
  if (session !== undefined && isProblem(session)) return Promise.resolve(session);
  return submitIn(call, { command, session });
}

function submitIn(
  { context: { node } }: RouteCall,
  { command, session }: { readonly command: Command; readonly session: SessionUse | undefined },
): Promise<Applied | ProblemReply> {
  return new Promise((resolve) => {
    node.submit(command, (outcome) => {
      if (outcome.type !== "Done") return resolve(writeProblem(outcome));
      const { result } = outcome;
      if (result.type === "Refused") return resolve(refusalProblem(result.reason));
      if (result.type === "Forbidden") return resolve(forbidden(result.missing));
      resolve(result.type === "Invalid" ? invalidCommand() : result);
    }, { session });
  });
}
