/** Runs one sequence on both servers at once and stops at the first difference. */

import { type Command, Connection } from "../support/resp/connection.ts";
import { Judge } from "./judge.ts";
import { nameOf } from "./known.ts";
import { describeReply, type Reply } from "../support/resp/reply.ts";
import { closingSteps, openingSteps, type Sequence, type Step } from "./sequence.ts";

/** More rounds than a loop of SCAN over the keys of a run can take. */
const SCAN_ROUNDS_MAX = 10_000;

/** Where the two replies part. */
export interface Difference {
  readonly sequence: Sequence;
  readonly step: Step;
  /** Place among the sequence's own steps; undefined for what is sent before and after them. */
  readonly at: number | undefined;
  readonly fault: string;
  readonly left: Reply;
  readonly right: Reply;
}

/** The two servers, each with the addresses of its nodes. */
export interface Sides {
  readonly left: readonly string[];
  readonly right: readonly string[];
}

/** The connections of one worker to both servers, opened when they are needed and kept from sequence to sequence. */
export class ConnectionPairs implements Disposable {
  readonly #sides: Sides;
  readonly #worker: number;
  readonly #left = new Map<number, Connection>();
  readonly #right = new Map<number, Connection>();

  constructor(sides: Sides, worker: number) {
    this.#sides = sides;
    this.#worker = worker;
  }

  /** The connections of a client, as good as new after QUIT. Rejects when a server cannot be reached. */
  async open(client: number): Promise<{ readonly left: Connection; readonly right: Connection }> {
    const [left, right] = await Promise.all([
      this.#openOne(client, { open: this.#left, addresses: this.#sides.left }),
      this.#openOne(client, { open: this.#right, addresses: this.#sides.right }),
    ]);
    return { left, right };
  }

  async #openOne(
    client: number,
    { open, addresses }: { readonly open: Map<number, Connection>; readonly addresses: readonly string[] },
  ): Promise<Connection> {
    const known = open.get(client);
    if (known !== undefined && known.broken === undefined) return known;
    // Clients of one sequence talk to different nodes.
    const connection = await Connection.open(addresses[(this.#worker + client) % addresses.length] ?? "");
    open.set(client, connection);
    return connection;
  }

  [Symbol.dispose](): void {
    for (const connection of [...this.#left.values(), ...this.#right.values()]) connection[Symbol.dispose]();
    this.#left.clear();
    this.#right.clear();
  }
}

/** How to run a sequence. */
export interface ExecuteOptions {
  /** Nothing else runs, so the keyspace is cleared first whatever the sequence. */
  readonly isAlone: boolean;
}

/** The first difference; undefined when there is none. After a difference the connections are new. */
export async function execute(
  pairs: ConnectionPairs,
  sequence: Sequence,
  { isAlone }: ExecuteOptions,
): Promise<Difference | undefined> {
  const opening = openingSteps(sequence, isAlone);
  const steps = [...opening, ...sequence.steps, ...closingSteps(sequence)];
  const judge = new Judge();
  for (let start = 0; start < steps.length;) {
    const end = endOfGroup(steps, { start, isPipelined: sequence.isPipelined });
    const group = steps.slice(start, end);
    const replies = await runGroup(pairs, group);
    for (const [at, step] of group.entries()) {
      const left = replies.left[at] ?? { type: "Broken", text: "nothing came" };
      const right = replies.right[at] ?? { type: "Broken", text: "nothing came" };
      const fault = judge.findFault(step, { left, right });
      if (fault === undefined && !judge.hasParted) continue;
      pairs[Symbol.dispose]();
      if (fault === undefined) return undefined;
      const place = start + at - opening.length;
      const isOwn = place >= 0 && place < sequence.steps.length;
      return { sequence, step, at: isOwn ? place : undefined, fault, left, right };
    }
    start = end;
  }
  return undefined;
}

/** The end of what is sent in one go: steps of one client, as long as none needs a reply first. */
function endOfGroup(
  steps: readonly Step[],
  { start, isPipelined }: { readonly start: number; readonly isPipelined: boolean },
): number {
  const first = steps[start];
  if (first === undefined || !isPipelined || isApart(first)) return start + 1;
  let end = start + 1;
  for (let next = steps[end]; next !== undefined && next.client === first.client && !isApart(next); next = steps[end]) {
    end += 1;
  }
  return end;
}

function isApart(step: Step): boolean {
  return step.isScan || isQuit(step);
}

function isQuit({ command }: Step): boolean {
  return nameOf(command) === "QUIT";
}

interface GroupReplies {
  readonly left: readonly Reply[];
  readonly right: readonly Reply[];
}

async function runGroup(pairs: ConnectionPairs, group: readonly Step[]): Promise<GroupReplies> {
  const [first] = group;
  if (first === undefined) return { left: [], right: [] };
  const connections = await pairs.open(first.client);
  const runOn = (connection: Connection): Promise<readonly Reply[]> => {
    if (first.isScan) return scan(connection, first.command);
    if (isQuit(first)) return quit(connection, first.command);
    return connection.exchange(group.map((step) => step.command));
  };
  const [left, right] = await Promise.all([runOn(connections.left), runOn(connections.right)]);
  return { left, right };
}

/** QUIT, and whether the server then ends the connection. */
async function quit(connection: Connection, command: Command): Promise<readonly Reply[]> {
  const replies = await connection.exchange([command]);
  const hasEnded = await connection.endsNow();
  return hasEnded ? replies : [{ type: "Broken", text: "the connection stays open after QUIT" }];
}

/** A whole loop of SCAN as one reply: cursor 0 and each key once. What is no page of keys is the reply itself. */
async function scan(connection: Connection, command: Command): Promise<readonly Reply[]> {
  const [name = "SCAN", ...options] = command;
  const found = new Map<string, Reply>();
  let cursor = "0";
  for (let round = 0; round < SCAN_ROUNDS_MAX; round++) {
    const [page] = await connection.exchange([[name, cursor, ...options]]);
    if (page === undefined) break;
    const [next, keys] = page.type === "Array" ? page.items : [];
    if (next?.type !== "Bulk" || keys?.type !== "Array") return [page];
    for (const key of keys.items) found.set(describeReply(key), key);
    cursor = next.text;
    if (cursor === "0") return [{ type: "Array", items: [next, { type: "Array", items: [...found.values()] }] }];
  }
  return [{ type: "Broken", text: `SCAN does not end: cursor ${cursor} after ${SCAN_ROUNDS_MAX} rounds` }];
}
