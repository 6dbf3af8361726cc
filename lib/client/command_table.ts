/** What the client must know of a command before it sends it. */

import type { Bytes } from "./words.ts";

/** How a command may be sent. */
export type Access =
  /** Changes nothing: repeatable on any server. */
  | "Read"
  /** Changes keys: numbered by the session, if there is one. */
  | "Write"
  /** Is about the server itself: no session knows it. */
  | "Server"
  /** Changes the connection, which is shared with other operations. */
  | "Forbidden";

function entries(access: Access, names: string): readonly (readonly [string, Access])[] {
  return names.split(" ").map((name) => [name, access] as const);
}

const ACCESS: ReadonlyMap<string, Access> = new Map<string, Access>([
  ...entries(
    "Read",
    "GET MGET STRLEN GETRANGE SUBSTR EXISTS TYPE TTL PTTL EXPIRETIME PEXPIRETIME KEYS SCAN RANGE PREFIX",
  ),
  ...entries("Read", "REVISION RANDOMKEY DBSIZE TOUCH PING ECHO INFO TIME ROLE COMMAND LASTSAVE MEMORY OBJECT CLUSTER"),
  ...entries("Server", "CONFIG SAVE BGSAVE WAIT SESSION ONCE SHUTDOWN DEBUG"),
  ...entries("Forbidden", "MULTI EXEC DISCARD WATCH UNWATCH HELLO AUTH SELECT CLIENT RESET QUIT MONITOR SYNC PSYNC"),
  ...entries(
    "Forbidden",
    "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE READONLY READWRITE ASKING",
  ),
]);

/** How the command of that name may be sent. An unknown one is taken for a write, which is safe. */
export function accessOf(name: Bytes): Access {
  const text = typeof name === "string" ? name : String.fromCharCode(...name.subarray(0, 32));
  return ACCESS.get(text.toUpperCase()) ?? "Write";
}
