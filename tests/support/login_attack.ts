/** Somebody guesses passwords at 10 000 a minute, from one address, and everybody else is to come in. */

import { assert, assertEquals, assertLess } from "@std/assert";
import type { Buffer } from "node:buffer";
import { createConnection, type Socket } from "node:net";
import type { ProcessCluster } from "./process_cluster.ts";
import { residentBytes } from "./process_usage.ts";
import { delay, waitFor, withDeadline } from "./wait.ts";

const PASSWORD = "battery-staple";
const HERE = "127.0.0.1";
const ELSEWHERE = "127.0.0.2";
/** 10 000 a minute. */
const ATTEMPTS_PER_TICK = 10;
const TICK_MS = 60;
/** So many attempts are made before the others try: more than a node lets one address have under way. */
const WARM_UP = 200;
const LOGIN_MS_MAX = 1_000;
/** On a machine that is slow, or busy with other things: so many times as long as a login takes there while nobody guesses. */
const SLOWDOWN_MAX = 10;
/** Three passwords at a time take 48 MiB. */
const GROWTH_MAX = 150 * 1_048_576;

/** One line over a connection of its own from `address`, and the reply; "" when the connection ends before. */
function askFrom(address: string, { port, line, open }: Attempt): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: HERE, port, localAddress: address });
    open?.add(socket);
    let received = "";
    socket.on("connect", () => socket.write(`${line}\n`));
    socket.on("data", (data: Buffer) => {
      received += data.toString("latin1");
      if (received.endsWith("\n")) socket.destroy();
    });
    // The end of the node, or of this test.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      open?.delete(socket);
      resolve(received.trimEnd());
    });
  });
}

interface Attempt {
  readonly port: number;
  readonly line: string;
  /** The connections of an attack, to be closed at its end. */
  readonly open?: Set<Socket>;
}

/** Attempts with a wrong password until it is disposed: what `nameOf` says, each over a connection of its own. */
class Attack implements Disposable {
  #made = 0;
  readonly #replies = new Map<string, number>();
  readonly #open = new Set<Socket>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(port: number, nameOf: (attempt: number) => string) {
    this.#timer = setInterval(() => {
      for (let at = 0; at < ATTEMPTS_PER_TICK; at++) {
        this.#made += 1;
        const line = `AUTH ${nameOf(this.#made)} guess-${this.#made}`;
        void askFrom(HERE, { port, line, open: this.#open }).then((reply) => {
          this.#replies.set(reply, (this.#replies.get(reply) ?? 0) + 1);
        });
      }
    }, TICK_MS);
  }

  /** Resolves once it is under way. */
  async warmUp(): Promise<void> {
    await waitFor(() => this.#made >= WARM_UP || undefined, { what: "the attack is under way" });
  }

  /** How often that was the reply. */
  count(reply: string): number {
    return this.#replies.get(reply) ?? 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const socket of this.#open) socket.destroy();
  }
}

/** How long and how often. */
export interface GuessingOptions {
  /** How long each of the two attacks goes on at least. */
  readonly attackMs: number;
  /** Newcomers during an attack, from each address. Half of them have to be quick: a machine may hold up a few. */
  readonly newcomers: number;
}

/**
 * Guesses at some users, then at ever new names, from one address. Throws unless newcomers come in within a second, or what stands for
 * it on a slow machine, and when the node grows. While some users are guessed at these are others from that address, and anybody from another one. While names are new each time
 * they are those from another address, and those from that one who have come in before: no name tells a newcomer from a guess.
 */
export async function withstandGuesses(cluster: ProcessCluster, options: GuessingOptions): Promise<void> {
  const { clientPort: port, process } = cluster.node(0);
  const { attackMs, newcomers } = options;
  // In its first second a cluster may not take users yet.
  await waitFor(() => addUser(cluster, "root").then(() => true), { what: "the first user is made" });
  const make = (kind: string) =>
    Promise.all(Array.from({ length: newcomers }, (_, at) => addUser(cluster, `${kind}${at}`)));
  const [victims, same, others, strangers] = [await make("a"), await make("b"), await make("c"), await make("d")];
  const quietMs = await comeIn(HERE, { port, names: await make("e"), pauseMs: 0 });
  const limitMs = Math.max(LOGIN_MS_MAX, SLOWDOWN_MAX * quietMs);
  const before = residentBytes(process?.pid ?? 0);
  const pauseMs = attackMs / newcomers;
  {
    using attack = new Attack(port, (attempt) => victims[attempt % victims.length] ?? "");
    await attack.warmUp();
    for (const [address, names] of [[HERE, same], [ELSEWHERE, others], [ELSEWHERE, victims]] as const) {
      const ms = await comeIn(address, { port, names, pauseMs: pauseMs / 3 });
      assertLess(ms, limitMs, `from ${address}`);
    }
    assert(attack.count("Error: Overloaded. Too many logins are waiting; try again later.") > 0);
  }
  {
    using attack = new Attack(port, (attempt) => `nobody${attempt}`);
    await attack.warmUp();
    for (const [address, names] of [[ELSEWHERE, strangers], [HERE, same]] as const) {
      const ms = await comeIn(address, { port, names, pauseMs: pauseMs / 2 });
      assertLess(ms, limitMs, `from ${address}`);
    }
    assert(attack.count("Error: Wrong user or password.") > 0);
  }
  assertLess(residentBytes(process?.pid ?? 0) - before, GROWTH_MAX, "growth of memory");
}

async function addUser(cluster: ProcessCluster, name: string): Promise<string> {
  const reply = await fetch(`http://127.0.0.1:${cluster.node(0).httpPort}/v1/users/${name}`, {
    method: "PUT",
    headers: { authorization: `Basic ${btoa(`root:${PASSWORD}`)}`, "content-type": "application/json" },
    body: JSON.stringify({ password: PASSWORD }),
  });
  const said = await reply.text();
  assert(reply.ok, said);
  return name;
}

interface Newcomers {
  readonly port: number;
  readonly names: readonly string[];
  readonly pauseMs: number;
}

/** How long the median of their logins took, in ms. */
async function comeIn(address: string, { port, names, pauseMs }: Newcomers): Promise<number> {
  const times: number[] = [];
  for (const name of names) {
    const begun = performance.now();
    const reply = askFrom(address, { port, line: `AUTH ${name} ${PASSWORD}` });
    assertEquals(await withDeadline(reply, { what: `${name} from ${address} is judged` }), "Logged in.");
    times.push(performance.now() - begun);
    await delay(pauseMs);
  }
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? Infinity;
}
