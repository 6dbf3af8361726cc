/** What the client must know of a command before it sends it. */

import { COMMAND_ACCESS } from "./command_access.ts";
import { type Bytes, toBytes, type Word } from "./words.ts";

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

type CommandsByAccess = Readonly<Record<Exclude<Access, "Write">, string>>;

/** Commands that only other servers of the protocol have: what is said of ours stands in its row on the server. */
const ELSEWHERE: CommandsByAccess = {
  Read: "SUBSTR",
  Server: "SHUTDOWN DEBUG",
  Forbidden: "MONITOR SYNC PSYNC SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE",
};

const ACCESS: ReadonlyMap<string, Access> = new Map(
  (["Read", "Server", "Forbidden"] as const).flatMap((access) => {
    const names = `${COMMAND_ACCESS[access]} ${ELSEWHERE[access]}`.split(" ");
    return names.map((name) => [name, access] as const);
  }),
);

/** How the command of that name may be sent. An unknown one is taken for a write, which is safe. */
export function accessOf(name: Bytes): Access {
  const text = typeof name === "string" ? name : String.fromCharCode(...name.subarray(0, 32));
  return ACCESS.get(text.toUpperCase()) ?? "Write";
}

/** How a request may be sent: by its command, except that a transaction which only reads is a read. */
export function accessOfRequest(words: readonly Word[]): Access {
  const name = toBytes(words[0] ?? "");
  if (name.length === 0) return "Forbidden";
  const access = accessOf(name);
  return access === "Write" && readsOnly(words) ? "Read" : access;
}

/** Words of one comparison of a transaction. */
const COMPARISON_WORDS = 4;

/** Whether it is `TXN <compares> {four words} <then> {words, their number first} <else> {...}` without a command that writes. */
function readsOnly(words: readonly Word[]): boolean {
  const [name = ""] = words;
  if (typeof name !== "string" || name.toUpperCase() !== "TXN") return false;
  let at = 2 + COMPARISON_WORDS * countOf(words[1]);
  for (let list = 0; list < 2; list++) {
    let calls = countOf(words[at]);
    at += 1;
    for (; calls > 0; calls--) {
      const call = words[at + 1];
      if (call === undefined || accessOf(toBytes(call)) !== "Read") return false;
      at += 1 + countOf(words[at]);
    }
    if (calls !== 0) return false;
  }
  return at === words.length;
}

/** NaN, with which nothing compares, for anything that is no count. */
function countOf(word: Word | undefined): number {
  const isWritten = typeof word === "string" && /^\d{1,9}$/.test(word);
  const isCount = isWritten || (typeof word === "number" && Number.isSafeInteger(word) && word >= 0);
  return isCount ? Number(word) : NaN;
}
