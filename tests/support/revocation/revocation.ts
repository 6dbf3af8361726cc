/** A right that is revoked, or a user who is removed, under load on every node, while the leader is killed. */

import { assert, assertEquals } from "@std/assert";
import { EventParser } from "../event_parser.ts";
import type { ClusterNode, ProcessCluster } from "../process_cluster.ts";
import { runProgram } from "../program.ts";
import { delay, waitFor } from "../wait.ts";
import { brokenPromises, type Deed, type Revocation, type Seen } from "./ledger.ts";
import { basicOf, KINDS, makeUserClient, type UserClient, type UserProtocol } from "./user_clients.ts";

/** How somebody loses what he may. */
export type Loss = "Right" | "User";

const PASSWORD = "battery-staple";
const ROOT = { user: "root", password: "correct-horse" };
/** What is taken from alice, and what she keeps where it is only a right. Bob has both, and loses nothing. */
const TAKEN = "app:";
const KEPT = "own:";
const SHARED = "app:shared";
const PROTOCOLS: readonly UserProtocol[] = ["resp", "text", "http"];

/** Pause of a client between two requests: some hundred requests a second in all. */
const PAUSE_MS = 25;
/** After a refusal: a password that is wrong costs a node work, and is waited with longer each time. */
const PAUSE_REFUSED_MS = 500;
/** So many requests of each client are done before the change and after it, and again once the node that was killed is back. */
const DEEDS_WANTED = 4;
/** Of somebody who cannot log in any more. */
const LOGINS_WANTED = 1;
/** The leader is killed within so many ms after the change is asked for. */
const KILL_WITHIN_MS = 20;

/** One client at work. */
interface Worker {
  readonly name: string;
  readonly user: string;
  readonly node: number;
  readonly protocol: UserProtocol;
  /** Beginning of its keys. */
  readonly prefix: string;
}

/** Makes the users of rounds: the first by way of one node, as an operator does. */
export async function addRoot({ ports }: ProcessCluster): Promise<void> {
  const list = ports.map((port) => `127.0.0.1:${port}`).join(",");
  const environment = { KVSTORE_NEW_PASSWORD: ROOT.password };
  const { code, stderr } = await runProgram(["user", "--connect", list, "add", ROOT.user], { environment });
  assertEquals(code, 0, stderr);
}

/** One round: makes its users, puts load on every node, takes something away while the leader dies, and judges. */
export async function loseUnderLoad(
  cluster: ProcessCluster,
  { loss, round }: { loss: Loss; round: number },
): Promise<void> {
  await using trial = new Trial(cluster, { loss, round });
  await trial.begin();
  const victim = await trial.leader();
  const lost = trial.lose();
  await delay(Math.random() * KILL_WITHIN_MS);
  await cluster.kill(victim);
  const revocation = await lost;
  await trial.untilBusy(revocation.acknowledgedAt, cluster.others(victim));
  await trial.untilStreamsEnd();
  await cluster.restart(victim);
  await trial.untilBusy(performance.now(), [victim]);
  await trial.stop();
  for (const keys of await trial.readAll()) {
    const broken = brokenPromises({ deeds: trial.deeds, seen: trial.seen, keys }, revocation);
    assertEquals(broken.slice(0, 10), [], `${broken.length} promises are broken`);
  }
}

class Trial implements AsyncDisposable {
  readonly deeds: Deed[] = [];
  readonly seen: Seen[] = [];
  readonly #cluster: ProcessCluster;
  readonly #loss: Loss;
  readonly #alice: string;
  readonly #bob: string;
  readonly #workers: readonly Worker[];
  readonly #streams: Promise<void>[] = [];
  readonly #streamsEnd = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #hasAsked = false;
  #isStopping = false;

  constructor(cluster: ProcessCluster, { loss, round }: { readonly loss: Loss; readonly round: number }) {
    this.#cluster = cluster;
    this.#loss = loss;
    this.#alice = `alice${round}`;
    this.#bob = `bob${round}`;
    const everywhere = (worker: Pick<Worker, "user" | "protocol" | "prefix">): readonly Worker[] => {
      return cluster.nodes.map(({ id }) => ({
        ...worker,
        node: id,
        name: `${worker.protocol} at node ${id}, round ${round}`,
      }));
    };
    this.#workers = [
      ...PROTOCOLS.flatMap((protocol) => everywhere({ user: this.#alice, protocol, prefix: TAKEN })),
      ...loss === "Right" ? everywhere({ user: this.#alice, protocol: "resp", prefix: KEPT }) : [],
      ...(["resp", "http"] as const).flatMap((protocol) => everywhere({ user: this.#bob, protocol, prefix: TAKEN })),
    ];
  }

  /** Users, clients and streams; resolves once all of them are at work. */
  async begin(): Promise<void> {
    for (const user of [this.#alice, this.#bob]) {
      const grants = [TAKEN, KEPT].map((prefix) => ({ prefix, read: true, write: true }));
      await this.#untilDone({ method: "PUT", user, body: { password: PASSWORD, rule: "create", grants } });
    }
    const bob = makeUserClient("http", this.#cluster.node(0), { user: this.#bob, password: PASSWORD });
    await waitFor(async () => (await bob.ask("write", SHARED)).type === "Done" || undefined, { what: "bob writes" });
    this.#running = Promise.all(this.#workers.map((worker) => this.#work(worker)));
    for (const node of this.#cluster.nodes) {
      const opened = Promise.withResolvers<void>();
      this.#streams.push(this.#watch(node, opened));
      await opened.promise;
    }
    await this.untilBusy(0, this.#cluster.nodes.map(({ id }) => id));
  }

  /** The leader, as far as a node knows it that answers. */
  async leader(): Promise<number> {
    return await waitFor(async () => {
      for (const { httpPort } of this.#cluster.nodes) {
        const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/${SHARED}`, { headers: basicOf(ROOT) });
        await reply.body?.cancel();
        const leader = reply.headers.get("x-kv-leader");
        if (leader !== null && leader !== "none") return Number(leader);
      }
      return undefined;
    }, { what: "a leader is known" });
  }

  /** Takes something away by way of every node at once, until one of them says that it is gone. */
  async lose(): Promise<Revocation> {
    const askedAt = performance.now();
    this.#hasAsked = true;
    const grants = [{ prefix: TAKEN, read: true, write: true }];
    await this.#untilDone(
      this.#loss === "User"
        ? { method: "DELETE", user: this.#alice }
        : { method: "POST", user: this.#alice, body: { revoke: { grants } } },
    );
    const prefix = this.#loss === "User" ? "" : TAKEN;
    return { user: this.#alice, prefix, askedAt, acknowledgedAt: performance.now() };
  }

  /** Waits until each client of these nodes was told something certain of some requests that began after `since`. */
  async untilBusy(since: number, nodes: readonly number[]): Promise<void> {
    const there = this.#workers.filter(({ node }) => nodes.includes(node));
    await waitFor(() => {
      const lacking = there.filter((worker) => this.#countOf(worker, since) < this.#wantedOf(worker));
      return lacking.length === 0 || undefined;
    }, { what: `clients of the nodes ${nodes.join()} go on` });
  }

  /** Waits until no stream of alice's is open. */
  async untilStreamsEnd(): Promise<void> {
    let open = this.#streams.length;
    for (const stream of this.#streams) void stream.then(() => open -= 1);
    await waitFor(() => open === 0 || undefined, { what: "the streams of who has lost the right end" });
  }

  /** Lets the clients end their requests. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Every key, as each node shows it. */
  async readAll(): Promise<readonly ReadonlySet<string>[]> {
    return await Promise.all(this.#cluster.nodes.map(async (node) => {
      const keys = new Set<string>();
      for (const prefix of [TAKEN, KEPT]) for (const key of await this.#list(node, prefix)) keys.add(key);
      assert(keys.size > 0, "nothing was written");
      return keys;
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#streamsEnd.abort();
    await this.stop();
    await Promise.all(this.#streams);
  }

  /** In the text protocol only the leader does anything, and with every answer that counts. */
  #countOf({ user, name, protocol, prefix }: Worker, since: number): number {
    return this.deeds.filter(({ key, call, told, ...deed }) => {
      const isIts = deed.user === user && deed.client === name && key.startsWith(prefix);
      return isIts && call > since && (protocol === "text" || told.type !== "Open");
    }).length;
  }

  #wantedOf({ user }: Worker): number {
    return this.#hasAsked && this.#loss === "User" && user === this.#alice ? LOGINS_WANTED : DEEDS_WANTED;
  }

  async #work({ name, user, node, protocol, prefix }: Worker): Promise<void> {
    const client: UserClient = makeUserClient(protocol, this.#cluster.node(node), { user, password: PASSWORD });
    for (let number = 0; !this.#isStopping; number++) {
      const kind = KINDS[number % KINDS.length] ?? "read";
      const own = `${prefix}${user}-${protocol}-${node}-${number}`;
      const key = kind === "list" ? prefix : kind === "read" ? `${prefix}shared` : own;
      const call = performance.now();
      const told = await client.ask(kind, key);
      this.deeds.push({ user, client: name, kind, key, call, end: performance.now(), told });
      await delay(told.type === "Refused" ? PAUSE_REFUSED_MS : PAUSE_MS);
    }
    client.close();
  }

  /** A stream of what alice may see, to its end. */
  async #watch({ httpPort }: ClusterNode, opened: PromiseWithResolvers<void>): Promise<void> {
    const { signal } = this.#streamsEnd;
    const headers = basicOf({ user: this.#alice, password: PASSWORD });
    const parser = new EventParser();
    try {
      const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/events?prefix=${TAKEN}`, { headers, signal });
      assertEquals(reply.status, 200);
      opened.resolve();
      for await (const text of (reply.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
        for (const { data } of parser.push(text)) {
          if (typeof data["key"] === "string") this.seen.push({ user: this.#alice, key: data["key"] });
        }
      }
    } catch (error) {
      // It ends in order, or with its node; one that does not begin fails the test.
      opened.reject(error);
    }
  }

  /** Asks every node for a change of a user, each again until one of them says that it is done. */
  async #untilDone(
    { method, user, body }: { readonly method: string; readonly user: string; readonly body?: unknown },
  ): Promise<void> {
    let isDone = false;
    await Promise.any(this.#cluster.nodes.map(async ({ httpPort }) => {
      await waitFor(async () => {
        if (isDone) return true;
        const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/users/${user}`, {
          method,
          headers: basicOf(ROOT),
          ...body === undefined ? {} : { body: JSON.stringify(body) },
          signal: AbortSignal.timeout(10_000),
        });
        const text = await reply.text();
        // What another node has done already is done.
        isDone ||= reply.ok || /"code":"(user_exists|no_such_right|no_such_user)"/.test(text);
        return isDone || undefined;
      }, { what: `${method} of ${user} is done` });
    }));
  }

  async #list({ httpPort }: ClusterNode, prefix: string): Promise<readonly string[]> {
    const keys: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const query: string = `prefix=${prefix}&limit=1000&keys_only&cursor=${cursor}`;
      const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/kv?${query}`, { headers: basicOf(ROOT) });
      assertEquals(reply.status, 200);
      const page: { items: { key: string }[]; cursor: string | null } = await reply.json();
      keys.push(...page.items.map(({ key }) => key));
      cursor = page.cursor;
    }
    return keys;
  }
}
