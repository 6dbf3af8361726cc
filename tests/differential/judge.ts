/** Says whether two replies to the same command are the same, as far as the command determines its reply. */

import type { Command } from "../support/resp/connection.ts";
import { findKnown, nameOf, type ReplyPair } from "./known.ts";
import { describeReply, type Reply } from "../support/resp/reply.ts";
import type { Step } from "./sequence.ts";

/** How far apart the two servers may be in time, for each command that tells a time: in its own unit. */
const TOLERANCES: ReadonlyMap<string, bigint> = new Map([
  ["TTL", 10n],
  ["EXPIRETIME", 10n],
  ["PTTL", 10_000n],
  ["PEXPIRETIME", 10_000n],
]);
/** Fields of HELLO whose values are the server's own. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["server", "version", "id", "mode", "role", "modules"]);

/** Judges the replies of one sequence, in their order. */
export class Judge {
  readonly #queued = new Map<number, Command[]>();
  readonly #before: Command[] = [];
  #hasParted = false;
  #random: { readonly client: number; readonly left: Reply; readonly right: Reply } | undefined;

  /** Whether a known difference has made the rest of the sequence meaningless. */
  get hasParted(): boolean {
    return this.#hasParted;
  }

  /** What is wrong with the two replies; undefined when they are the same, or differ as is known. */
  findFault(
    { client, command }: Step,
    { left, right }: { readonly left: Reply; readonly right: Reply },
  ): string | undefined {
    const fault = this.#find({ command, before: this.#before, left, right }, client);
    this.#before.push(command);
    return fault;
  }

  #find(pair: ReplyPair, client: number): string | undefined {
    const { command, left, right } = pair;
    const random = this.#random;
    this.#random = undefined;
    if (left.type === "Broken" || right.type === "Broken") return "no reply";
    if (isQueued(left) && isQueued(right)) {
      this.#queueOf(client).push(command);
      return undefined;
    }
    const queued = this.#endOfQueue(client, command);
    const isSame = queued === undefined ? isSameReply(pair) : this.#isSameExec(pair, queued);
    if (!isSame) return this.#isKnown(pair) ? undefined : "different replies";
    if (nameOf(command) === "RANDOMKEY") this.#random = { client, left, right };
    // A random key must be one of those that KEYS names at once after it.
    if (random?.client !== client || nameOf(command) !== "KEYS" || command[1] !== "*") return undefined;
    const isListed = isOneOf(random.left, left) && isOneOf(random.right, right);
    return isListed
      ? undefined
      : `RANDOMKEY before it gave ${describeReply(random.left)} and ${describeReply(random.right)}`;
  }

  #isKnown(pair: ReplyPair): boolean {
    const known = findKnown(pair);
    this.#hasParted ||= known?.parts === true;
    return known !== undefined;
  }

  #isSameExec(pair: ReplyPair, queued: readonly Command[]): boolean {
    const { left, right } = pair;
    if (left.type !== "Array" || right.type !== "Array") return describeReply(left) === describeReply(right);
    if (left.items.length !== queued.length || right.items.length !== queued.length) return false;
    return queued.every((command, at) => {
      const inner: ReplyPair = { command, before: pair.before, left: itemOf(left, at), right: itemOf(right, at) };
      return isSameReply(inner) || this.#isKnown(inner);
    });
  }

  #queueOf(client: number): Command[] {
    const queue = this.#queued.get(client) ?? [];
    this.#queued.set(client, queue);
    return queue;
  }

  /** The commands that EXEC replies to; undefined for other commands. */
  #endOfQueue(client: number, command: Command): readonly Command[] | undefined {
    const name = nameOf(command);
    // A wrong number of words ends a transaction where it is EXEC's, and means nothing to QUIT.
    const isEnd = name === "EXEC" || name === "QUIT" ||
      (command.length === 1 && (name === "DISCARD" || name === "RESET"));
    if (!isEnd) return undefined;
    const queue = this.#queueOf(client);
    this.#queued.delete(client);
    return name === "EXEC" ? queue : undefined;
  }
}

function isQueued(reply: Reply): boolean {
  return reply.type === "Status" && reply.text === "QUEUED";
}

/** Whether the replies are equal, or may differ because the command leaves it open. */
export function isSameReply({ command, left, right }: Omit<ReplyPair, "before">): boolean {
  if (describeReply(left) === describeReply(right)) return true;
  const name = nameOf(command);
  const tolerance = TOLERANCES.get(name);
  if (tolerance !== undefined) return isNear(left, right, tolerance);
  switch (name) {
    case "KEYS":
      return isSameSet(left, right);
    case "SCAN":
      return left.type === "Array" && right.type === "Array" && left.items.length === 2 && right.items.length === 2 &&
        describeReply(itemOf(left, 0)) === describeReply(itemOf(right, 0)) &&
        isSameSet(itemOf(left, 1), itemOf(right, 1));
    case "RANDOMKEY":
      return left.type === "Bulk" && right.type === "Bulk";
    case "HELLO":
      return left.type === right.type && describeHello(left) === describeHello(right);
    default:
      return false;
  }
}

function isNear(left: Reply, right: Reply, tolerance: bigint): boolean {
  if (left.type !== "Integer" || right.type !== "Integer") return false;
  const apart = left.value - right.value;
  return left.value > 0n && right.value > 0n && apart <= tolerance && -apart <= tolerance;
}

/** Equal but for their order; each as often. */
function isSameSet(left: Reply, right: Reply): boolean {
  if ((left.type !== "Array" && left.type !== "Set") || left.type !== right.type) return false;
  const sorted = (reply: typeof left) => reply.items.map(describeReply).sort().join();
  return left.items.length === right.items.length && sorted(left) === sorted(right);
}

function isOneOf(key: Reply, keys: Reply): boolean {
  if (keys.type !== "Array" && keys.type !== "Set") return false;
  if (key.type === "Null") return keys.items.length === 0;
  return keys.items.some((item) => describeReply(item) === describeReply(key));
}

/** The names of the fields in their order, and those values that all servers share. */
function describeHello(reply: Reply): string {
  if (reply.type !== "Array" && reply.type !== "Map") return describeReply(reply);
  return reply.items.map((item, at) => {
    const name = at % 2 === 1 ? itemOf(reply, at - 1) : item;
    const isOwn = at % 2 === 1 && name.type === "Bulk" && OWN_FIELDS.has(name.text);
    return isOwn ? item.type : describeReply(item);
  }).join();
}

function itemOf(reply: { readonly items: readonly Reply[] }, at: number): Reply {
  return reply.items[at] ?? { type: "Broken", text: "nothing there" };
}
