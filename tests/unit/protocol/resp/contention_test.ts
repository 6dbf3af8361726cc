/** Many clients count the same key up, each by what it read: on nodes that crash, are cut off and hand over, no step is lost or doubled. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { unreachable } from "../../../../lib/base/assert.ts";
import { stringToBytes } from "../../../../lib/base/bytes.ts";
import { Random } from "../../../../lib/base/random.ts";
import { ServerError } from "../../../../lib/client/errors.ts";
import type { Reply } from "../../../../lib/client/replies.ts";
import { ReplyParser } from "../../../../lib/client/reply_parser.ts";
import type { Node } from "../../../../lib/node/node.ts";
import type { ProtocolSession } from "../../../../lib/net/session.ts";
import type { RespContext } from "../../../../lib/protocol/resp/context.ts";
import { startRespConversation } from "../../../../lib/protocol/resp/interpreter.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";
import { RecordingLink } from "../text/session_support.ts";
import { respContext } from "./session_support.ts";

const COUNTER = "counter";
const CLIENTS_PER_NODE = 2;
const REQUEST_TIMEOUT_MS = 800;
/** A client that is not answered for so long gives up its connection. */
const PATIENCE_MS = 2_000;
const STEP_MS = 5;
/** From one fault to the next, and for most of them to their end. */
const STEPS_PER_FAULT = 30;
/** While a leader does not hear what followers have: longer than a request may take. */
const STEPS_DEAF = 200;
/** Until the others have a leader, at most. */
const STEPS_TO_LEADER_MAX = 4_000;
const FAULTS = ["crash", "cut off", "hand over", "lost results", "lost acknowledgements"] as const;
const ROUNDS = 3;

type Fate = "Done" | "Refused" | "Unknown";

/** How a client reads the counter, and how it writes the next number beside a key of its own, which says who did it. */
interface Way {
  readonly read: readonly (readonly string[])[];
  write(read: number, own: string): readonly (readonly string[])[];
  /** What the reply to the last request of `write` says. */
  isDone(reply: Reply | undefined): boolean;
}

const WATCHED: Way = {
  read: [["WATCH", COUNTER], ["GET", COUNTER]],
  write: (read, own) => [
    ["MULTI"],
    ["SET", COUNTER, String(read + 1)],
    ["SET", own, String(read + 1)],
    ["EXEC"],
  ],
  isDone: (reply) => Array.isArray(reply),
};

const COMPARED: Way = {
  read: [["GET", COUNTER]],
  write: (read, own) => {
    const compare = read === 0 ? [COUNTER, "EXISTS", "=", "0"] : [COUNTER, "VALUE", "=", String(read)];
    const next = String(read + 1);
    return [["TXN", "1", ...compare, "2", "3", "SET", COUNTER, next, "3", "SET", own, next, "0"]];
  },
  isDone: (reply) => Array.isArray(reply) && reply[0] === 1,
};

/** A link whose replies are read as they come. */
class ReadLink extends RecordingLink {
  readonly replies: Reply[] = [];
  readonly #parser = new ReplyParser((reply) => this.replies.push(reply));

  override send(reply: string): void {
    this.#parser.feed(stringToBytes(reply));
  }
}

interface Attempt {
  readonly own: string;
  readonly next: number;
}

/** One client: reads, writes what follows, and notes what became of it, over and over. */
class CountingClient {
  readonly #name: string;
  readonly #way: Way;
  readonly #fates: Map<string, Fate>;
  #link = new ReadLink();
  #session: ProtocolSession | undefined;
  #expected = 0;
  #attempt: Attempt | undefined;
  #askedAt = 0;
  #count = 0;

  constructor(name: string, { way, fates }: { readonly way: Way; readonly fates: Map<string, Fate> }) {
    this.#name = name;
    this.#way = way;
    this.#fates = fates;
  }

  /** Goes on with what has come. `context` is that of its node; undefined while that does not run. */
  step(context: RespContext | undefined, { now, goesOn }: { readonly now: number; readonly goesOn: boolean }): void {
    if (context === undefined || (this.#expected > 0 && now - this.#askedAt > PATIENCE_MS)) return this.#hangUp();
    if (this.#session === undefined) {
      this.#link = new ReadLink();
      this.#session = startRespConversation(this.#link, context);
    }
    if (this.#link.replies.length < this.#expected) return;
    const replies = this.#link.replies.splice(0);
    if (this.#attempt !== undefined) this.#conclude(this.#attempt, replies);
    else if (this.#expected > 0 && this.#write(replies, now)) return;
    if (!goesOn) return this.#hangUp();
    this.#ask(this.#way.read, now);
  }

  get isBusy(): boolean {
    return this.#expected > 0;
  }

  #write(replies: readonly Reply[], now: number): boolean {
    const value = replies.at(-1);
    if (replies.some((reply) => reply instanceof ServerError)) return false;
    const read = value instanceof Uint8Array ? Number(new TextDecoder().decode(value)) : 0;
    this.#count += 1;
    this.#attempt = { own: `${this.#name}:${this.#count}`, next: read + 1 };
    this.#ask(this.#way.write(read, this.#attempt.own), now);
    return true;
  }

  #conclude({ own }: Attempt, replies: readonly Reply[]): void {
    const last = replies.at(-1);
    const isUnknown = last instanceof ServerError && last.code === "TIMEOUT";
    this.#fates.set(own, isUnknown ? "Unknown" : this.#way.isDone(last) ? "Done" : "Refused");
    this.#attempt = undefined;
  }

  #hangUp(): void {
    if (this.#attempt !== undefined) this.#fates.set(this.#attempt.own, "Unknown");
    this.#session?.closed();
    this.#session = undefined;
    this.#attempt = undefined;
    this.#expected = 0;
  }

  #ask(requests: readonly (readonly string[])[], now: number): void {
    this.#askedAt = now;
    this.#expected = requests.length;
    this.#session?.receive(requests.map((words) => encodeRequest(...words)).join(""));
  }
}

/** A cluster, its clients, and what disturbs them. */
class Contention {
  readonly cluster: MemoryCluster;
  readonly fates = new Map<string, Fate>();
  readonly #clients: (readonly [NodeId, CountingClient])[];
  readonly #random: Random;
  /** Of each life of a node. */
  readonly #contexts = new Map<Node, RespContext>();
  #goesOn = true;

  constructor(seed: number, way: Way) {
    this.cluster = new MemoryCluster(3, seed, { syncMs: () => 1, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    this.#random = new Random(seed);
    this.#clients = this.cluster.ids.flatMap((id) =>
      Array.from({ length: CLIENTS_PER_NODE }, (_, at): readonly [NodeId, CountingClient] => [
        id,
        new CountingClient(`client${id}-${at}`, { way, fates: this.fates }),
      ])
    );
  }

  /** Lets the clients work for that many steps. */
  async work(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      for (const [id, client] of this.#clients) {
        client.step(this.#contextOf(id), { now: this.cluster.clock.now(), goesOn: this.#goesOn });
      }
      await this.cluster.clock.advance(STEP_MS);
    }
  }

  /** Lets every client end what it has begun. */
  async finish(): Promise<void> {
    this.#goesOn = false;
    while (this.#clients.some(([, client]) => client.isBusy)) await this.work(1);
  }

  /** One fault while they work, and its end. */
  async disturb(fault: (typeof FAULTS)[number]): Promise<void> {
    const { cluster } = this;
    const victim = this.#random.chance(0.7) ? this.#leaderId() : this.#random.pick(cluster.ids);
    const others = cluster.ids.filter((id) => id !== victim);
    switch (fault) {
      case "crash":
        cluster.crash(victim);
        await this.work(STEPS_PER_FAULT);
        return await cluster.start([victim]);
      case "cut off":
        for (const other of others) cluster.network.cut(victim, other);
        // Another one leads, and writes over what only the victim has.
        for (let step = 0; !others.some((id) => cluster.node(id).status().raft.termCommitted); step++) {
          assert(step < STEPS_TO_LEADER_MAX, "another one leads");
          await this.work(1);
        }
        await this.work(STEPS_PER_FAULT);
        for (const other of others) cluster.network.heal(victim, other);
        return;
      case "hand over":
        return cluster.node(victim).driver.enqueue({ type: "TransferLeadership", target: undefined });
      case "lost results":
        cluster.network.drop((message) => message.type === "ForwardResult");
        await this.work(STEPS_PER_FAULT);
        return cluster.network.drop(undefined);
      case "lost acknowledgements":
        cluster.network.drop((message) => message.type === "AppendEntriesResult" && message.to === victim);
        await this.work(STEPS_DEAF);
        return cluster.network.drop(undefined);
      default:
        return unreachable(fault);
    }
  }

  #leaderId(): NodeId {
    return this.cluster.ids.find((id) => this.cluster.node(id).status().raft.role === "Leader") ?? 0;
  }

  #contextOf(id: NodeId): RespContext | undefined {
    const node = this.cluster.nodes.get(id);
    if (node === undefined) return undefined;
    const known = this.#contexts.get(node);
    const context = known ?? respContext({ node, clock: this.cluster.clock });
    if (known === undefined) this.#contexts.set(node, context);
    return context;
  }
}

async function assertCountsRightly(way: Way): Promise<void> {
  const contention = new Contention(71, way);
  const { cluster, fates } = contention;
  await cluster.start();
  await cluster.leader();
  for (const fault of new Array(ROUNDS).fill(FAULTS).flat()) {
    await contention.work(STEPS_PER_FAULT);
    await contention.disturb(fault);
  }
  await contention.finish();
  await cluster.leader();
  await cluster.converged();
  const counts: Record<Fate, number> = { Done: 0, Refused: 0, Unknown: 0 };
  for (const fate of fates.values()) counts[fate] += 1;
  assertGreater(counts.Done, 100);
  assertGreater(counts.Refused, 100);
  assertGreater(counts.Unknown, 5);
  assertExact(cluster, fates);
  await cluster.stop();
}

/** Each step has its number to itself, none is missing, and they are those that clients were told of. */
function assertExact(cluster: MemoryCluster, fates: ReadonlyMap<string, Fate>): void {
  const { state } = cluster.node(0);
  const final = Number(state.get(COUNTER)?.value);
  const steps: number[] = [];
  for (const [own, fate] of fates) {
    const value = state.get(own)?.value;
    if (value !== undefined) steps.push(Number(value));
    if (fate === "Done") assert(value !== undefined, `${own} was acknowledged`);
    if (fate === "Refused") assertEquals(value, undefined, `${own} was refused`);
  }
  assertEquals(steps.sort((left, right) => left - right), Array.from({ length: final }, (_, at) => at + 1));
  for (const id of cluster.ids) assertEquals(cluster.node(id).state.get(COUNTER)?.value, String(final));
}

Deno.test("a counter raised by WATCH and EXEC on failing nodes counts each acknowledged step once, and none that was refused", () =>
  assertCountsRightly(WATCHED));

Deno.test("a counter raised by TXN on failing nodes counts each acknowledged step once, and none that was refused", () =>
  assertCountsRightly(COMPARED));
