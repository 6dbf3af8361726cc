/** What the workload of many seeds must have done. */

import { CALLS } from "../../lib/kv/calls.ts";
import { TEXT_COMMANDS } from "../../lib/protocol/text/commands.ts";
import { HTTP_NAMES } from "./protocols/http_requests.ts";
import { LOGIN_NAMES } from "./logins/login_work.ts";
import { LOWERED_LIMITS } from "./settings.ts";
import { nameOfPeaceWrite, PROTOCOLS } from "./probes.ts";
import { USER_NAMES } from "./user_work.ts";
import { GRANT_NAMES } from "./grant_work.ts";
import { COMMANDS_IN_WORKLOAD } from "./command_maker.ts";

/**
 * Every command and call of the state machine, every command of the text protocol, and what else has a name of its own;
 * what clients of the Redis protocol and of HTTP do, a write in peace in each protocol,
 * and every limit that can be lowered is met.
 */
export const WANTED_OPERATIONS: readonly string[] = [
  ...["get", ...COMMANDS_IN_WORKLOAD],
  ...[...CALLS.keys()].map((name) => name.toLowerCase()),
  ...["session", "session retry", "session reuse", "scan on", "put if absent"],
  ...TEXT_COMMANDS.map(({ name }) => `text ${name}`),
  ...["set", "get", "del", "incr", "mset", "mget", "exec", "exec aborted", "watch", "session", "once", "cut"].map(
    (name) => `resp ${name}`,
  ),
  ...HTTP_NAMES.map((name) => `http ${name}`),
  ...USER_NAMES,
  ...GRANT_NAMES,
  ...LOGIN_NAMES,
  ...PROTOCOLS.map(nameOfPeaceWrite),
  ...LOWERED_LIMITS.map((name) => `overloaded by ${name}`),
];
