/** How a connection begins, and what a server says of who leads. */

import { bytesToString } from "../base/bytes.ts";
import type { Attempt, Connection } from "./connection.ts";
import { NotDoneError, ServerError } from "./errors.ts";
import { ATTEMPT_TIMEOUT_MS } from "./limits.ts";
import type { Timers } from "./timers.ts";
import type { Word } from "./words.ts";

/** Who the client is to the servers. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Codes of answers after which another greeting makes no sense before the server has changed. */
const LATER: readonly string[] = ["LOADING", "BUSY", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN"];
/** Codes of answers that say who may not come in. */
const REFUSED: readonly string[] = ["NOAUTH", "WRONGPASS", "NOPERM", "DENIED"];

/**
 * Greets the server in RESP3, and in RESP2 when it does not know that. Throws `ServerError` when it does not let the client
 * in, and `NotDoneError` when another attempt may succeed.
 */
export async function greet(connection: Connection, credentials: Credentials | undefined): Promise<void> {
  const proof: readonly Word[] = credentials === undefined ? [] : [credentials.username, credentials.password];
  const hello = credentials === undefined ? ["HELLO", 3] : ["HELLO", 3, "AUTH", ...proof];
  const refusal = refusalOf(await connection.ask(hello));
  if (refusal === undefined) return;
  throwIfFinal(refusal);
  if (credentials === undefined) return; // RESP2 it is.
  const older = refusalOf(await connection.ask(["AUTH", ...proof]));
  if (older !== undefined) throw older;
}

function refusalOf(attempt: Attempt): ServerError | undefined {
  if (attempt.type === "Reply") return attempt.reply instanceof ServerError ? attempt.reply : undefined;
  throw new NotDoneError("UNREACHABLE", { message: "The server did not answer the greeting", cause: attempt.cause });
}

function throwIfFinal(refusal: ServerError): void {
  if (REFUSED.includes(refusal.code)) throw refusal;
  if (LATER.includes(refusal.code)) {
    throw new NotDoneError(refusal.code, { message: refusal.message, cause: refusal });
  }
}

/**
 * The address of the leader, by what a server knows; undefined when it knows none, is no server of a cluster, or does not
 * answer in time.
 */
export async function askForLeader(connection: Connection, timers: Timers): Promise<string | undefined> {
  const attempt = await new Promise<Attempt | undefined>((resolve) => {
    const timer = timers.add(ATTEMPT_TIMEOUT_MS, () => resolve(undefined));
    connection.send(["INFO", "raft"], (attempt) => {
      timers.remove(timer);
      resolve(attempt);
    });
  });
  if (attempt?.type !== "Reply" || !(attempt.reply instanceof Uint8Array)) return undefined;
  return /^raft_leader_address:(\S+)\r?$/m.exec(bytesToString(attempt.reply))?.[1];
}
