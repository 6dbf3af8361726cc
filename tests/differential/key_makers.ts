/** Makes the commands on keys, on connections, and those on the whole keyspace. */

import type { Draw } from "./draw.ts";
import type { Maker } from "./string_makers.ts";

const EXPIRE_COMMANDS = [
  ["EXPIRE", { unit: "s", isAbsolute: false, isPositive: false }],
  ["PEXPIRE", { unit: "ms", isAbsolute: false, isPositive: false }],
  ["EXPIREAT", { unit: "s", isAbsolute: true, isPositive: false }],
  ["PEXPIREAT", { unit: "ms", isAbsolute: true, isPositive: false }],
] as const;
const EXPIRE_FLAGS: readonly string[] = ["NX", "XX", "GT", "LT", "NX", "XX", "GT", "LT", "ZZ", ""];

function expire(draw: Draw): readonly string[] {
  const [name, kind] = draw.pick(EXPIRE_COMMANDS);
  const flags: string[] = [];
  if (draw.chance(0.45)) flags.push(draw.anyCase(draw.pick(EXPIRE_FLAGS)));
  if (flags.length > 0 && draw.chance(0.25)) flags.push(draw.anyCase(draw.pick(EXPIRE_FLAGS)));
  return [name, draw.key(), draw.time(kind), ...flags];
}

/** A deadline far in the future, on a condition most of the time. */
function usualExpire(draw: Draw): readonly string[] {
  const [name, kind] = draw.pick(EXPIRE_COMMANDS);
  const flag = draw.pick(["NX", "XX", "GT", "LT", "GT", "LT", ""]);
  return [name, draw.key(), draw.usualTime(kind), ...(flag === "" ? [] : [flag])];
}

function copyOptions(draw: Draw): readonly string[] {
  const options: string[] = [];
  while (draw.chance(0.4)) options.push(...copyOption(draw));
  return options;
}

function copyOption(draw: Draw): readonly string[] {
  switch (draw.below(8)) {
    case 0:
      return [draw.pick(["bad", "DB", "NX"])];
    case 1:
    case 2:
      // Other databases than 0 exist in Redis only.
      return [draw.anyCase("DB"), draw.pick(["0", "0", "99", "-1", "abc", ""])];
    default:
      return [draw.anyCase("REPLACE")];
  }
}

/** The makers of commands on keys. */
export const KEY_MAKERS: readonly Maker[] = [
  { weight: 6, make: (draw) => ["DEL", ...draw.several(1, 3)] },
  { weight: 3, make: (draw) => ["UNLINK", ...draw.several(1, 2)] },
  { weight: 4, make: (draw) => ["EXISTS", ...draw.several(1, 4)] },
  { weight: 2, make: (draw) => ["TOUCH", ...draw.several(1, 3)] },
  { weight: 2, make: (draw) => ["TYPE", draw.key()] },
  { weight: 14, make: expire },
  { weight: 4, make: (draw) => ["TTL", draw.key()] },
  { weight: 4, make: (draw) => ["PTTL", draw.key()] },
  { weight: 3, make: (draw) => ["EXPIRETIME", draw.key()] },
  { weight: 3, make: (draw) => ["PEXPIRETIME", draw.key()] },
  { weight: 4, make: (draw) => ["PERSIST", draw.key()] },
  { weight: 5, make: (draw) => ["RENAME", draw.key(), draw.key()] },
  { weight: 4, make: (draw) => ["RENAMENX", draw.key(), draw.key()] },
  { weight: 6, make: (draw) => ["COPY", draw.key(), draw.key(), ...copyOptions(draw)] },
  { weight: 2, make: (draw) => ["KEYS", draw.pattern()] },
  { weight: 2, make: (draw) => ["OBJECT", draw.anyCase("ENCODING"), draw.key()] },
  { weight: 1, make: (draw) => ["OBJECT", "NOSUCH", draw.key()] },
  { weight: 1, make: (draw) => ["SCAN", draw.pick(["x", "1.5", " 0", "0x", "18446744073709551616"])] },
  {
    weight: 1,
    make: (draw) =>
      ["SCAN", "0", draw.pick(["COUNT", "MATCH", "TYPE", "COUNT 0", "bad", "COUNT -1", "COUNT x"])].flatMap(
        (word) => word.split(" "),
      ),
  },
];

/** The makers of what sets, keeps, moves and tells deadlines, without the edges. */
export const DEADLINE_MAKERS: readonly Maker[] = [
  { weight: 8, make: usualExpire },
  {
    weight: 3,
    make: (draw) => [
      ...["SET", draw.key(), draw.value(), "EX"],
      draw.usualTime({ unit: "s", isAbsolute: false, isPositive: true }),
    ],
  },
  { weight: 2, make: (draw) => ["SET", draw.key(), draw.value(), "KEEPTTL"] },
  { weight: 2, make: (draw) => [draw.pick(["TTL", "EXPIRETIME"]), draw.key()] },
  { weight: 4, make: (draw) => [draw.pick(["PTTL", "PEXPIRETIME"]), draw.key()] },
  { weight: 1, make: (draw) => ["PERSIST", draw.key()] },
  { weight: 1, make: (draw) => ["GETEX", draw.key(), ...draw.pick([[], ["PERSIST"]])] },
  { weight: 2, make: (draw) => [draw.pick(["RENAME", "RENAMENX"]), draw.key(), draw.key()] },
  { weight: 2, make: (draw) => ["COPY", draw.key(), draw.key(), ...draw.pick([[], ["REPLACE"]])] },
  { weight: 3, make: (draw) => [draw.pick(["APPEND", "GETSET", "SETNX"]), draw.key(), draw.value()] },
  { weight: 2, make: (draw) => [draw.pick(["INCR", "DECR"]), draw.key()] },
  { weight: 1, make: (draw) => ["SETRANGE", draw.key(), "3", draw.value()] },
  { weight: 1, make: (draw) => ["INCRBYFLOAT", draw.key(), "0.5"] },
];

/** The makers of commands whose reply says something of the connection. */
export const CONNECTION_MAKERS: readonly Maker[] = [
  { weight: 2, make: () => ["PING"] },
  { weight: 2, make: (draw) => ["PING", draw.value()] },
  { weight: 2, make: (draw) => ["ECHO", draw.value()] },
  { weight: 2, make: () => ["SELECT", "0"] },
  { weight: 1, make: (draw) => ["SELECT", draw.pick(["99", "-1", "abc", "", "9223372036854775808", "1.5"])] },
  { weight: 1, make: (draw) => ["CLIENT", "SETNAME", draw.pick(["worker-1", "", "a b", "a\nb"])] },
  { weight: 1, make: () => ["CLIENT", "GETNAME"] },
  { weight: 1, make: (draw) => ["NOSUCHCOMMAND", ...draw.several(0, 2)] },
  { weight: 1, make: () => ["RESET"] },
  { weight: 1, make: () => ["DISCARD"] },
  { weight: 1, make: () => ["EXEC"] },
  { weight: 1, make: () => ["UNWATCH"] },
  { weight: 1, make: (draw) => ["WATCH", ...draw.several(1, 2)] },
];

/** The makers of HELLO, which is not sent within a transaction: the protocol would change in the middle of a reply. */
export const HELLO_MAKERS: readonly Maker[] = [
  { weight: 2, make: () => ["HELLO", "3"] },
  { weight: 2, make: () => ["HELLO", "2"] },
  { weight: 1, make: () => ["HELLO"] },
  { weight: 1, make: (draw) => ["HELLO", draw.pick(["4", "1", "x", "", "-3"])] },
  { weight: 1, make: () => ["HELLO", "3", "SETNAME", "greeter"] },
  { weight: 1, make: () => ["HELLO", "3", "BAD"] },
];

/** The makers of commands that see or clear every key; only sequences that run alone use them. */
export const KEYSPACE_MAKERS: readonly Maker[] = [
  { weight: 6, make: () => ["DBSIZE"] },
  { weight: 5, make: () => ["KEYS", "*"] },
  { weight: 4, make: (draw) => ["KEYS", draw.pattern()] },
  { weight: 3, make: () => ["SCAN", "0", "COUNT", "1000"] },
  { weight: 2, make: (draw) => ["SCAN", "0", "MATCH", draw.pattern(), "COUNT", "1000"] },
  {
    weight: 2,
    make: (draw) => ["SCAN", "0", "COUNT", "1000", "TYPE", draw.pick(["string", "STRING", "list", "nosuch"])],
  },
  {
    weight: 2,
    make: (draw) => [draw.pick(["FLUSHDB", "FLUSHALL"]), ...draw.pick([[], ["ASYNC"], ["SYNC"], ["sync"]])],
  },
  { weight: 1, make: (draw) => [draw.pick(["FLUSHDB", "FLUSHALL"]), "bad"] },
];

/** The options of a loop of SCAN. A loop over the keys of others too goes in longer steps. */
export function scanOptions(draw: Draw): readonly string[] {
  const options: string[] = [];
  if (!draw.isExclusive || draw.chance(0.5)) options.push(draw.anyCase("MATCH"), draw.pattern());
  if (!draw.isExclusive) options.push("COUNT", "500");
  else if (draw.chance(0.6)) options.push(draw.anyCase("COUNT"), draw.pick(["1", "2", "3", "10"]));
  if (draw.chance(0.2)) options.push(draw.anyCase("TYPE"), draw.pick(["string", "list"]));
  return options;
}
