/** What rights each call needs, for the table tests of all protocols: said once, and apart from the code that judges. */

import { ADMIN, NO_RIGHTS, type Rights } from "../../lib/kv/rights.ts";
import { rightsOf } from "./users.ts";

/** What each call needs of `p:a` and, where it has two keys, `p:b`: r and w, `e` for one of both, `R` and `W` for every key, "" for nothing. */
export const NEEDS: Readonly<Record<string, readonly (readonly [call: string, needs: string])[]>> = {
  GET: [["GET p:a", "r"]],
  STRLEN: [["STRLEN p:a", "r"]],
  APPEND: [["APPEND p:a v", "rw"]],
  GETRANGE: [["GETRANGE p:a 0 1", "r"]],
  SUBSTR: [["SUBSTR p:a 0 1", "r"]],
  SETRANGE: [["SETRANGE p:a 0 v", "rw"]],
  SET: [["SET p:a v", "w"], ["SET p:a v NX", "w"], ["SET p:a v EX 5", "w"], ["SET p:a v GET", "rw"], [
    "SET p:a v IFEQ x",
    "rw",
  ]],
  SETNX: [["SETNX p:a v", "w"]],
  SETEX: [["SETEX p:a 5 v", "w"]],
  PSETEX: [["PSETEX p:a 5 v", "w"]],
  GETSET: [["GETSET p:a v", "rw"]],
  GETDEL: [["GETDEL p:a", "rw"]],
  GETEX: [["GETEX p:a", "r"], ["GETEX p:a PERSIST", "rw"]],
  DELEX: [["DELEX p:a", "w"], ["DELEX p:a IFEQ x", "rw"]],
  INCR: [["INCR p:a", "rw"]],
  DECR: [["DECR p:a", "rw"]],
  INCRBY: [["INCRBY p:a 2", "rw"]],
  DECRBY: [["DECRBY p:a 2", "rw"]],
  INCRBYFLOAT: [["INCRBYFLOAT p:a 2", "rw"]],
  MGET: [["MGET p:a p:b", "r"]],
  MSET: [["MSET p:a v p:b v", "w"]],
  MSETNX: [["MSETNX p:a v p:b v", "w"]],
  DEL: [["DEL p:a p:b", "w"]],
  UNLINK: [["UNLINK p:a p:b", "w"]],
  EXISTS: [["EXISTS p:a p:b", "e"]],
  TOUCH: [["TOUCH p:a p:b", "e"]],
  FLUSHDB: [["FLUSHDB", "W"]],
  FLUSHALL: [["FLUSHALL", "W"]],
  TYPE: [["TYPE p:a", "r"]],
  RENAME: [["RENAME p:a p:b", "rw"]],
  RENAMENX: [["RENAMENX p:a p:b", "rw"]],
  COPY: [["COPY p:a p:b", "rw"]],
  OBJECT: [["OBJECT ENCODING p:a", "r"]],
  MEMORY: [["MEMORY USAGE p:a", "r"], ["MEMORY USAGE p:a SAMPLES 5", "r"]],
  REVISION: [["REVISION p:a", "r"]],
  DBSIZE: [["DBSIZE", "R"]],
  EXPIRE: [["EXPIRE p:a 5", "w"], ["EXPIRE p:a 5 GT", "rw"]],
  PEXPIRE: [["PEXPIRE p:a 5", "w"], ["PEXPIRE p:a 5 NX", "rw"]],
  EXPIREAT: [["EXPIREAT p:a 5", "w"], ["EXPIREAT p:a 5 XX", "rw"]],
  PEXPIREAT: [["PEXPIREAT p:a 5", "w"], ["PEXPIREAT p:a 5 LT", "rw"]],
  TTL: [["TTL p:a", "r"]],
  PTTL: [["PTTL p:a", "r"]],
  EXPIRETIME: [["EXPIRETIME p:a", "r"]],
  PEXPIRETIME: [["PEXPIRETIME p:a", "r"]],
  PERSIST: [["PERSIST p:a", "w"]],
  KEYS: [["KEYS *", ""]],
  SCAN: [["SCAN 0", ""]],
  RANGE: [["RANGE a z", ""]],
  PREFIX: [["PREFIX q", ""]],
  RANDOMKEY: [["RANDOMKEY", ""]],
  LCS: [["LCS p:a p:b", "r"]],
};

/** Roles that tables go through. */
export const ROLES: Readonly<Record<string, Rights>> = {
  none: NO_RIGHTS,
  reader: rightsOf("read:p:"),
  writer: rightsOf("write:p:"),
  both: rightsOf("both:p:"),
  everyReader: rightsOf("read:"),
  everyWriter: rightsOf("write:"),
  admin: ADMIN,
};

/** Whether a role has what is needed, said in another way than the judge says it. */
export function suffices(role: string, needs: string): boolean {
  const reads = ["reader", "both", "everyReader", "admin"].includes(role);
  const writes = ["writer", "both", "everyWriter", "admin"].includes(role);
  const isEvery = role.startsWith("every") || role === "admin";
  if (needs === "e") return reads || writes;
  return [...needs].every((need) => {
    const has = need.toLowerCase() === "r" ? reads : writes;
    return need === need.toUpperCase() ? has && isEvery : has;
  });
}
