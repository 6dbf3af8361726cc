/** How commands may be sent, as their rows on the server tell. `deno task tables` writes this file. */

/** Names in capitals, with a blank between them, for each access but "Write". */
export const COMMAND_ACCESS = {
  Read: "GET STRLEN GETRANGE MGET EXISTS TOUCH TYPE OBJECT MEMORY REVISION DBSIZE TTL PTTL EXPIRETIME " +
    "PEXPIRETIME KEYS SCAN RANGE PREFIX RANDOMKEY PING ECHO INFO TIME ROLE LASTSAVE COMMAND CLUSTER " +
    "KV.GET KV.MEMBER ACL",
  Server: "WAIT SAVE BGSAVE CONFIG SLOWLOG LATENCY SESSION ONCE",
  Forbidden: "HELLO AUTH QUIT RESET SELECT READONLY READWRITE ASKING CLIENT MULTI EXEC DISCARD WATCH UNWATCH",
} as const;
