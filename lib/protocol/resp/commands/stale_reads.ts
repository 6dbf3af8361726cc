/** KV.GET: what this node has, at once, and how old that is. */

import { FIRST_KEY, type GivenFacts, row } from "../../../kv/command_row.ts";
import { missingUse } from "../../../kv/rights.ts";
import { longKey, noPermission, NOT_LOGGED_IN, QUARANTINED } from "../errors.ts";
import { answer, type Caller, type Plan, type ProtocolCommand, refuse } from "../plan.ts";
import type { Words } from "../request_reader.ts";

const FACTS: GivenFacts = {
  access: "Read",
  group: "string",
  since: "7.0.0",
  keys: FIRST_KEY,
  timing: "Expiry",
  isBeyondRedis: true,
  flags: ["stale", "fast"],
};

/** The commands of this file. */
export const STALE_READ_COMMANDS: readonly ProtocolCommand[] = [
  {
    ...row("KV.GET <key> STALE", FACTS),
    // Planned when its turn has come, which is when it reads.
    inTransaction: "DoneByExec",
    summary:
      "Returns what this node has: the value, or nil, and how many ms old that is at most, or nil while unknown.",
    plan: readStale,
  },
];

function readStale(
  [, key = "", level = ""]: Words,
  { context: { node, gate, keyBytesMax }, client: { login } }: Caller,
): Plan {
  if (level.toUpperCase() !== "STALE") return refuse("ERR syntax error");
  const rights = gate.rightsOf(login);
  if (rights === undefined) return answer(NOT_LOGGED_IN);
  const missing = missingUse(rights, { right: "read", prefix: key });
  if (missing !== undefined) return answer(noPermission(missing));
  const refusal = longKey([key], keyBytesMax);
  if (node.isQuarantined) return answer(QUARANTINED);
  return answer(refusal ?? [node.state.get(key)?.value ?? null, node.ageMs() ?? null]);
}
