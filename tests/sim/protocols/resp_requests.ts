/** Requests of the Redis protocol as simulated clients send them: several at once, and what each comes to. */

import type { Call, Command, SessionUse } from "../../../lib/kv/commands.ts";
import { error, OK, status } from "../../support/resp/encode.ts";
import { FAMILY, type Words } from "../call_maker.ts";
import { COUNTED } from "../operations.ts";

/** One request. */
export type RespRequest =
  /** Its reply depends on nothing but the connection. */
  | { readonly type: "Known"; readonly words: Call; readonly reply: string }
  /** Says who asks from now on. */
  | { readonly type: "Login"; readonly words: Call }
  /** One command of the log. */
  | { readonly type: "Write"; readonly words: Call; readonly command: Command; readonly session?: SessionUse }
  /** Answered from the state. */
  | { readonly type: "Read"; readonly words: Call }
  /** Remembers the revisions of its keys. */
  | { readonly type: "Watch"; readonly words: Call }
  /** What was queued, unless a watched key has changed: one command of the log, or answered from the state if it only reads. */
  | { readonly type: "Exec"; readonly words: Call; readonly calls: readonly Call[] };

const TOGETHER_MAX = 3;
const NOT_OFFERED =
  "ERR unknown command 'NOSUCH', with args beginning with: (KVStore does not offer it; COMMAND LIST and docs/redis.md show which commands it does)";
const SPOILT = "EXECABORT Transaction discarded because of previous errors.";
const WATCHED_CHANGES = 0.3;
const READS_ONLY = 0.25;

const SINGLE = {
  SET: (words: Words): RespRequest => write(["SET", words.key(""), words.value()]),
  GET: (words: Words): RespRequest => ({ type: "Read", words: ["GET", words.key("")] }),
  DEL: (words: Words): RespRequest => write(["DEL", words.key("")]),
  INCR: (words: Words): RespRequest => write(["INCR", words.key(COUNTED)]),
  MSET: (words: Words): RespRequest => write(["MSET", shared(words), words.value(), shared(words), words.value()]),
  MGET: (words: Words): RespRequest => ({ type: "Read", words: ["MGET", shared(words), shared(words)] }),
  "SET PX": (words: Words): RespRequest =>
    write(["SET", shared(words), words.value(), "PX", `${words.random.between(1, 3_000)}`]),
  APPEND: (words: Words): RespRequest => write(["APPEND", shared(words), "x"]),
};

/** What a client sends at once. The last of them asks the node for something. */
export function makePipeline(words: Words): readonly RespRequest[] {
  const { random } = words;
  // As many reads as writes, about: each write is an entry, and costs every node something.
  const makers = [...Object.values(SINGLE), SINGLE.GET, SINGLE.GET, SINGLE.MGET, SINGLE.MGET];
  const some = Array.from({ length: random.between(1, TOGETHER_MAX) }, () => random.pick(makers)(words));
  if (random.chance(0.2)) some.unshift({ type: "Known", words: ["PING"], reply: status("PONG") });
  if (random.chance(0.3)) some.unshift(...random.pick([discarded, spoilt])(words));
  return random.chance(0.3) ? [...some, ...transaction(words)] : some;
}

/** One command of a session, as ONCE sends it. */
export function makeOnce(call: Call, session: SessionUse): RespRequest {
  return { ...write(call), words: ["ONCE", `${session.id}`, `${session.sequence}`, ...call], session };
}

/** Opens a session. */
export function openSession(ttlMs: number): RespRequest {
  return { type: "Write", words: ["SESSION", "OPEN", `${ttlMs}`], command: { type: "OpenSession", ttlMs } };
}

/** Lets the time of a session begin anew, or ends it. */
export function useSession(word: "KEEPALIVE" | "CLOSE", session: number): RespRequest {
  const type = word === "CLOSE" ? "CloseSession" : "KeepAlive";
  return { type: "Write", words: ["SESSION", word, `${session}`], command: { type, session } };
}

/** Whether EXEC does more than to read. */
export function changes({ calls }: RespRequest & { readonly type: "Exec" }): boolean {
  return calls.some(([name]) => name !== "GET");
}

/** A call that changes something, in the form in which the log has it. */
export function write(call: Call): RespRequest & { readonly type: "Write" } {
  return { type: "Write", words: call, command: commandOf(call) };
}

function commandOf(call: Call): Command {
  const [name, key = "", value = ""] = call;
  if (name === "SET" && call.length === 3) return { type: "Put", key, value };
  return name === "DEL" && call.length === 2 ? { type: "Delete", key } : { type: "Call", call };
}

/** Watches keys, or not, and does some calls at once; rarely a watched key is changed in between, by the client itself. */
function transaction(words: Words): readonly RespRequest[] {
  const { random } = words;
  const watched = Array.from({ length: random.below(3) }, () => shared(words));
  const watch: RespRequest[] = watched.length > 0 ? [{ type: "Watch", words: ["WATCH", ...watched] }] : [];
  const changes = watched.length > 0 && random.chance(WATCHED_CHANGES);
  const between = changes ? [write(["APPEND", random.pick(watched), "x"])] : [];
  // A value of its own tells the entry from every other.
  const calls: Call[] = [["SET", shared(words), words.value()], ["INCR", shared(words)], ["GET", shared(words)]];
  const chosen = random.chance(READS_ONLY) ? calls.slice(2) : calls.slice(0, random.between(1, calls.length));
  return [...watch, ...between, ...queued(chosen), { type: "Exec", words: ["EXEC"], calls: chosen }];
}

function discarded(words: Words): readonly RespRequest[] {
  return [...queued([["SET", shared(words), words.value()]]), { type: "Known", words: ["DISCARD"], reply: OK }];
}

function spoilt(words: Words): readonly RespRequest[] {
  return [
    ...queued([["SET", shared(words), words.value()]]),
    { type: "Known", words: ["NOSUCH"], reply: error(NOT_OFFERED) },
    { type: "Known", words: ["EXEC"], reply: error(SPOILT) },
  ];
}

function queued(calls: readonly Call[]): readonly RespRequest[] {
  const queue = calls.map((words): RespRequest => ({ type: "Known", words, reply: status("QUEUED") }));
  return [{ type: "Known", words: ["MULTI"], reply: OK }, ...queue];
}

function shared(words: Words): string {
  return words.key(FAMILY.shared);
}
