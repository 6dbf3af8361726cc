/** What the judge takes for the same, and what it does not. */

import { assertEquals } from "@std/assert";
import type { Command } from "../support/resp/connection.ts";
import { Judge } from "./judge.ts";
import { readReply, type Reply } from "../support/resp/reply.ts";
import { plain } from "./sequence.ts";

/** A reply from its bytes, with `;` for the line breaks. */
function reply(bytes: string): Reply {
  return readReply(bytes.replaceAll(";", "\r\n"))?.reply ?? { type: "Broken", text: bytes };
}

function isSame(command: string, left: string, right: string): boolean {
  return new Judge().findFault(plain(0, ...command.split(" ")), { left: reply(left), right: reply(right) }) ===
    undefined;
}

const CASES: readonly (readonly [command: string, left: string, right: string, isSame: boolean])[] = [
  ["GET k", "$1;a;", "$1;a;", true],
  ["GET k", "$1;a;", "$1;b;", false],
  ["GET k", "$1;a;", "+a;", false],
  ["GET k", "$-1;", "*-1;", false],
  ["GET k", "_;", "$-1;", false],
  ["GET k", ":1;", "$1;1;", false],
  ["INCR k", ":1;", ":2;", false],
  ["GET k", "", "", false],
  ["TTL k", ":100;", ":99;", true],
  ["ttl k", ":100;", ":200;", false],
  ["TTL k", ":1;", ":-1;", false],
  ["TTL k", ":-2;", ":-1;", false],
  ["PTTL k", ":100000;", ":99000;", true],
  ["PTTL k", ":100000;", ":80000;", false],
  ["EXPIRETIME k", ":1700000000;", ":1700000001;", true],
  ["STRLEN k", ":100;", ":99;", false],
  ["KEYS *", "*2;$1;a;$1;b;", "*2;$1;b;$1;a;", true],
  ["KEYS *", "*2;$1;a;$1;b;", "*2;$1;a;$1;a;", false],
  ["KEYS *", "*1;$1;a;", "*0;", false],
  ["KEYS *", "~1;$1;a;", "*1;$1;a;", false],
  ["MGET a b", "*2;$1;a;$1;b;", "*2;$1;b;$1;a;", false],
  ["SCAN 0", "*2;$1;0;*2;$1;a;$1;b;", "*2;$1;0;*2;$1;b;$1;a;", true],
  ["SCAN 0", "*2;$1;5;*2;$1;a;$1;b;", "*2;$1;0;*2;$1;b;$1;a;", false],
  ["RANDOMKEY", "$1;a;", "$1;b;", true],
  ["RANDOMKEY", "$1;a;", "$-1;", false],
  ["HELLO 3", "%2;$7;version;$1;7;$5;proto;:3;", "%2;$7;version;$1;8;$5;proto;:3;", true],
  ["HELLO 3", "%2;$7;version;$1;7;$5;proto;:3;", "%2;$7;version;$1;8;$5;proto;:2;", false],
  ["HELLO 3", "%1;$5;proto;:3;", "*2;$5;proto;:3;", false],
  ["HELLO 3", "*2;$4;mode;$1;a;", "*2;$4;role;$1;a;", false],
];

Deno.test("Replies are compared to the letter, except for what a command leaves open", () => {
  for (const [command, left, right, wanted] of CASES) {
    assertEquals(isSame(command, left, right), wanted, `${command}: ${left} and ${right}`);
  }
});

/** The faults of a client's commands one after the other, each with its two replies. */
function faults(
  ...exchanges: readonly (readonly [command: string, left: string, right: string])[]
): readonly boolean[] {
  const judge = new Judge();
  return exchanges.map(([command, left, right]) => {
    const words: Command = command.split(" ");
    return judge.findFault(plain(0, ...words), { left: reply(left), right: reply(right) }) !== undefined;
  });
}

Deno.test("The replies within EXEC are compared as those of the commands that were queued", () => {
  const begin = [["MULTI", "+OK;", "+OK;"], ["TTL k", "+QUEUED;", "+QUEUED;"], [
    "GET k",
    "+QUEUED;",
    "+QUEUED;",
  ]] as const;
  assertEquals(faults(...begin, ["EXEC", "*2;:100;$1;a;", "*2;:99;$1;a;"]), [false, false, false, false]);
  assertEquals(faults(...begin, ["EXEC", "*2;:100;$1;a;", "*2;:99;$1;b;"]).at(-1), true);
  assertEquals(faults(...begin, ["EXEC", "*1;:100;", "*1;:99;"]).at(-1), true);
  assertEquals(faults(...begin, ["EXEC", "*-1;", "*2;:99;$1;a;"]).at(-1), true);
  // Nothing is queued any more.
  const again = [["MULTI", "+OK;", "+OK;"], ["GET k", "+QUEUED;", "+QUEUED;"]] as const;
  for (const end of ["DISCARD", "RESET", "QUIT"]) {
    assertEquals(faults(...begin, [end, "+OK;", "+OK;"], ...again, ["EXEC", "*1;:1;", "*1;:1;"]).at(-1), false);
  }
  assertEquals(faults(...begin, ["EXEC x", "-ERR;", "-ERR;"], ...again, ["EXEC", "*1;:1;", "*1;:1;"]).at(-1), false);
  assertEquals(faults(...begin, ["RESET x", "-ERR;", "-ERR;"], ["EXEC", "*2;:9;:1;", "*2;:9;:1;"]).at(-1), false);
});

Deno.test("A random key must be one of those that KEYS names right after it", () => {
  const keys = ["KEYS *", "*2;$1;a;$1;b;", "*2;$1;b;$1;a;"] as const;
  assertEquals(faults(["RANDOMKEY", "$1;a;", "$1;b;"], keys), [false, false]);
  assertEquals(faults(["RANDOMKEY", "$1;c;", "$1;b;"], keys), [false, true]);
  assertEquals(faults(["RANDOMKEY", "$-1;", "$-1;"], ["KEYS *", "*0;", "*0;"]), [false, false]);
  assertEquals(faults(["RANDOMKEY", "$-1;", "$-1;"], keys), [false, true]);
});

Deno.test("After a known difference that parts the servers nothing more is asked", () => {
  const judge = new Judge();
  const steps = [["WATCH k", "+OK;", "+OK;"], ["DEL k", ":0;", ":0;"], ["GET k", "$1;a;", "$1;a;"]] as const;
  for (const [command, left, right] of steps) {
    judge.findFault(plain(0, ...command.split(" ")), { left: reply(left), right: reply(right) });
  }
  assertEquals(judge.hasParted, false);
  assertEquals(judge.findFault(plain(0, "EXEC"), { left: reply("*0;"), right: reply("*-1;") }), undefined);
  assertEquals(judge.hasParted, true);
  // The other way round it is a mistake, and so it is when no watched key was removed.
  assertEquals(isSame("EXEC", "*-1;", "*0;"), false);
  assertEquals(isSame("EXEC", "*0;", "*-1;"), false);
});

Deno.test("A hexadecimal number that a write in place has made is a known difference, and without one it is a mistake", () => {
  for (
    const [before, isKnown] of [["SETRANGE k 2 x", true], ["APPEND k x10", true], ["APPEND k 10", false], [
      "APPEND other x10",
      false,
    ]] as const
  ) {
    const judge = new Judge();
    judge.findFault(plain(0, ...before.split(" ")), { left: reply(":5;"), right: reply(":5;") });
    const left = reply("-ERR value is not a valid float;");
    const right = reply("-ERR increment would produce NaN or Infinity;");
    assertEquals(judge.findFault(plain(0, "INCRBYFLOAT", "k", "inf"), { left, right }) === undefined, isKnown, before);
    assertEquals(judge.hasParted, isKnown);
  }
});
