/** A server of this process whose every answer a test decides: replies, errors, closed connections, answers kept back. */

import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { waitFor } from "../wait.ts";
import { bulk, error, list, OK, status } from "./encode.ts";
import { readRequests } from "./requests.ts";

/** Instead of an answer: the connection is closed, behind the answers before it. */
export const CLOSE = Symbol("close");

/** A reply in RESP, or the end of the connection; perhaps later, when the requests behind it have been carried out already. */
export type Answer = string | typeof CLOSE | Promise<string | typeof CLOSE>;

/** Decides the answer to a request; undefined leaves it to the server's own few. */
export type Script = (words: readonly string[]) => Answer | undefined;

/** A server on a port of 127.0.0.1. */
export class ScriptedServer implements AsyncDisposable {
  /** Every request so far. */
  readonly requests: (readonly string[])[] = [];
  /** What INFO names as the leader. */
  leader = "";
  /** Connections so far. */
  accepted = 0;
  readonly #script: Script;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<unknown>[] = [];

  constructor(script: Script = () => undefined, port = 0) {
    this.#script = script;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#running.push(this.#accept());
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Requests of that name so far. */
  named(name: string): readonly (readonly string[])[] {
    return this.requests.filter((words) => words[0] === name);
  }

  /** Resolves once there were `count` requests of that name. */
  async seen(name: string, count = 1): Promise<void> {
    await waitFor(() => this.named(name).length >= count ? true : undefined, {
      what: `${count} requests ${name}`,
      everyMs: 2,
    });
  }

  /** Closes every connection, and goes on listening. */
  cut(): void {
    for (const connection of this.#connections) closeQuietly(connection);
  }

  /** Stops listening and closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    closeQuietly(this.#listener);
    this.cut();
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    try {
      for (;;) {
        const connection = await this.#listener.accept();
        // Else the second of two small answers waits for the client's acknowledgement of the first.
        connection.setNoDelay(true);
        this.accepted += 1;
        this.#connections.add(connection);
        this.#running.push(this.#serve(connection));
      }
    } catch {
      // The listener was closed.
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let input = "";
    let sending = Promise.resolve();
    try {
      for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
        const { requests, rest } = readRequests(input + bytesToString(buffer, 0, count));
        input = rest;
        this.requests.push(...requests);
        const answers = requests.map((words) => this.#script(words) ?? this.#ownAnswer(words));
        sending = sending.then(() => send(connection, answers)).catch(() => {});
      }
    } catch {
      // The connection was closed, here or there.
    }
    this.#connections.delete(connection);
    closeQuietly(connection);
  }

  #ownAnswer(words: readonly string[]): Answer {
    switch (words[0]) {
      case "HELLO":
        return `%2\r\n${bulk("server")}${bulk("scripted")}${bulk("proto")}:3\r\n`;
      case "PING":
        return status("PONG");
      case "INFO":
        return bulk(`# Raft\r\nraft_role:follower\r\nraft_leader_address:${this.leader}\r\nraft_term:3\r\n`);
      case "SET":
        return OK;
      case "MGET":
        return list(words.slice(1).map((key) => bulk(key)));
      default:
        return error(`ERR unknown command '${words[0]}'`);
    }
  }
}

/** What is there leaves in one write; what comes later, behind it. */
async function send(connection: Deno.TcpConn, answers: readonly Answer[]): Promise<void> {
  let ready = "";
  for (const answer of answers) {
    if (typeof answer !== "string") {
      await write(connection, ready);
      ready = "";
    }
    const told = typeof answer === "string" ? answer : await answer;
    if (told === CLOSE) return closeQuietly(connection);
    ready += told;
  }
  await write(connection, ready);
}

async function write(connection: Deno.TcpConn, text: string): Promise<void> {
  const bytes = stringToBytes(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // It was closed before.
  }
}
