/** Clients of one user in each protocol: what they are told of reads and writes, in the same words. */

import { delay } from "../wait.ts";
import { type Command, Connection } from "../resp/connection.ts";
import type { Reply } from "../resp/reply.ts";
import { TextClient } from "../text_client.ts";

/** What became of a request. `Open`: it was not done, or nobody knows. */
export type Told =
  | { readonly type: "Done" }
  /** Of these keys something was shown, the first of them where they are many. */
  | { readonly type: "Shown"; readonly keys: readonly string[] }
  /** For want of a login or of a right. */
  | { readonly type: "Refused" | "Open"; readonly why: string };

/** What clients do. A guarded write is one in a transaction that watches its key, where the protocol has that. */
export const KINDS = ["write", "guarded write", "read", "list"] as const;

/** One of them. */
export type Kind = (typeof KINDS)[number];

/** A protocol with logins. */
export type UserProtocol = "resp" | "text" | "http";

/** Who asks, and where. */
export interface Account {
  readonly user: string;
  readonly password: string;
}

/** One client of a node. */
export interface UserClient {
  /** Never rejects. `key` is a key, or the beginning of those that are listed. */
  ask(kind: Kind, key: string): Promise<Told>;
  close(): void;
}

/** Ports of a node on this machine. */
export interface UserPorts {
  readonly clientPort: number;
  readonly httpPort: number;
}

const TIMEOUT_MS = 10_000;
/** Of a list: all of it has the beginning that was asked for. */
const KEYS_KEPT = 3;
/** After a connection that was refused or that ended. */
const RETRY_MS = 50;

/** A client in a protocol. */
export function makeUserClient(protocol: UserProtocol, ports: UserPorts, account: Account): UserClient {
  switch (protocol) {
    case "http":
      return new HttpUser(ports.httpPort, account);
    case "resp":
      return new ConnectedUser(() => RespUser.open(ports.clientPort, account));
    default:
      return new ConnectedUser(() => TextUser.open(ports.clientPort, account));
  }
}

/** The header of HTTP by which a user comes in. */
export function basicOf({ user, password }: Account): Readonly<Record<string, string>> {
  return { authorization: `Basic ${btoa(`${user}:${password}`)}` };
}

function open(why: unknown): Told {
  return { type: "Open", why: why instanceof Error ? why.message : String(why) };
}

class HttpUser implements UserClient {
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(port: number, account: Account) {
    this.#origin = `http://127.0.0.1:${port}`;
    this.#headers = basicOf(account);
  }

  async ask(kind: Kind, key: string): Promise<Told> {
    const path = kind === "list"
      ? `/v1/kv?prefix=${encodeURIComponent(key)}&limit=1000&keys_only`
      : `/v1/kv/${encodeURIComponent(key)}`;
    const isWrite = kind === "write" || kind === "guarded write";
    const condition = kind === "guarded write" ? { "if-none-match": "*" } : {};
    try {
      const reply = await fetch(this.#origin + path, {
        method: isWrite ? "PUT" : "GET",
        headers: { ...this.#headers, ...condition },
        ...isWrite ? { body: "v" } : {},
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await reply.text();
      if (reply.status === 401 || reply.status === 403) return { type: "Refused", why: text };
      if (reply.status === 404) return { type: "Shown", keys: [] };
      if (!reply.ok) return open(text);
      if (isWrite) return { type: "Done" };
      if (kind === "read") return { type: "Shown", keys: [key] };
      const { items } = JSON.parse(text) as { readonly items: readonly { readonly key: string }[] };
      return { type: "Shown", keys: items.slice(0, KEYS_KEPT).map((item) => item.key) };
    } catch (error) {
      await delay(RETRY_MS);
      return open(error);
    }
  }

  close(): void {
    // Requests have connections of the runtime.
  }
}

/** What a connection that is logged in does; it may reject, which ends it. */
interface Session {
  readonly closed: boolean;
  ask(kind: Kind, key: string): Promise<Told>;
  close(): void;
}

/** Connects, and again when that has ended. */
class ConnectedUser implements UserClient {
  readonly #connect: () => Promise<Session | Told>;
  #session: Session | undefined;

  constructor(connect: () => Promise<Session | Told>) {
    this.#connect = connect;
  }

  async ask(kind: Kind, key: string): Promise<Told> {
    try {
      if (this.#session === undefined || this.#session.closed) {
        this.close();
        const session = await this.#connect();
        if ("type" in session) {
          await delay(RETRY_MS);
          return session;
        }
        this.#session = session;
      }
      return await this.#session.ask(kind, key);
    } catch (error) {
      this.close();
      await delay(RETRY_MS);
      return open(error);
    }
  }

  close(): void {
    this.#session?.close();
    this.#session = undefined;
  }
}

class RespUser implements Session {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static async open(port: number, { user, password }: Account): Promise<RespUser | Told> {
    const connection = await Connection.open(`127.0.0.1:${port}`);
    const reply = await connection.ask(["AUTH", user, password], TIMEOUT_MS);
    if (reply.type === "Status") return new RespUser(connection);
    connection[Symbol.dispose]();
    return refusalIn(reply);
  }

  get closed(): boolean {
    return this.#connection.broken !== undefined;
  }

  async ask(kind: Kind, key: string): Promise<Told> {
    if (kind === "guarded write") {
      return toldByTransaction(await this.#connection.exchange(guarded(key), TIMEOUT_MS), key);
    }
    const command = kind === "write" ? ["SET", key, "v"] : kind === "read" ? ["GET", key] : ["KEYS", `${key}*`];
    const reply = await this.#connection.ask(command, TIMEOUT_MS);
    switch (reply.type) {
      case "Status":
        return { type: "Done" };
      case "Bulk":
        return { type: "Shown", keys: [key] };
      case "Null":
        return { type: "Shown", keys: [] };
      case "Array":
        return {
          type: "Shown",
          keys: reply.items.slice(0, KEYS_KEPT).map((item) => item.type === "Bulk" ? item.text : ""),
        };
      default:
        return refusalIn(reply);
    }
  }

  close(): void {
    this.#connection[Symbol.dispose]();
  }
}

function guarded(key: string): readonly Command[] {
  return [["WATCH", key], ["MULTI"], ["SET", key, "v"], ["EXEC"], ["UNWATCH"]];
}

function toldByTransaction(replies: readonly Reply[], key: string): Told {
  const done = replies[3];
  if (done?.type === "Array" && done.items[0]?.type === "Status") return { type: "Done" };
  const refused = replies.map(refusalIn).find(({ type }) => type === "Refused");
  return refused ?? open(`${key}: ${JSON.stringify(done)}`);
}

function refusalIn(reply: Reply): Told {
  const why = "text" in reply ? reply.text : reply.type;
  return reply.type === "Error" && /^(NOPERM|NOAUTH|WRONGPASS) /.test(why) ? { type: "Refused", why } : open(why);
}

/** Only the leader does what is asked for. */
class TextUser implements Session {
  readonly #client: TextClient;

  private constructor(client: TextClient) {
    this.#client = client;
  }

  static async open(port: number, { user, password }: Account): Promise<TextUser | Told> {
    const client = await TextClient.connect(port, { timeoutMs: TIMEOUT_MS });
    const reply = await client.ask(`AUTH ${user} ${password}`);
    if (reply === "Logged in.") return new TextUser(client);
    client.close();
    return refusalInLine(reply);
  }

  get closed(): boolean {
    return this.#client.closed;
  }

  async ask(kind: Kind, key: string): Promise<Told> {
    const isWrite = kind === "write" || kind === "guarded write";
    const reply = await this.#client.ask(isWrite ? `PUT ${key} v` : `GET ${key}`);
    if (reply === `${key} added successfully.`) return { type: "Done" };
    if (reply.startsWith(`value of ${key}: `)) return { type: "Shown", keys: [key] };
    if (reply === `Error: ${key} does not exist.`) return { type: "Shown", keys: [] };
    return refusalInLine(reply);
  }

  close(): void {
    this.#client.close();
  }
}

function refusalInLine(why: string): Told {
  const isRefused = /^Error: (Not permitted|Authentication required|Wrong user or password)/.test(why);
  return isRefused ? { type: "Refused", why } : open(why);
}
