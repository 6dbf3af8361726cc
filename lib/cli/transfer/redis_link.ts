/** One connection to a Redis that keys are copied from, and what its refusals mean for whoever runs the import. */

import { bytesToString } from "../../base/bytes.ts";
import { parseAddress } from "../../client/address.ts";
import { type Attempt, Connection } from "../../client/connection.ts";
import { platformConnector } from "../../client/connector.ts";
import { ServerError } from "../../client/errors.ts";
import type { Reply } from "../../client/replies.ts";
import type { Word } from "../../client/words.ts";
import type { Credentials } from "../credentials.ts";
import { Failure } from "../failures.ts";
import { quoteForPeople, UsageError } from "../usage_error.ts";

/** How long a Redis may take to accept a connection, in ms. */
export const REDIS_CONNECT_MS = 5_000;
/** How long a Redis may leave requests without any answer, in ms: a long script or a slow disk keeps it from all others. */
export const REDIS_SILENCE_MS = 60_000;
/** How often the silence is looked at, in ms. */
const LOOK_MS = 1_000;

/** Whom to log in as, and where. */
export interface RedisLogin {
  /** The user may be left out, as with an old Redis that has only a password. */
  readonly credentials: Partial<Pick<Credentials, "name">> & Pick<Credentials, "password"> | undefined;
  /** The number of the database. */
  readonly database: number;
}

/** Asks one Redis. Every method rejects with `Failure` when the connection breaks, or the answer is an error that nobody expects. */
export class RedisLink implements Disposable {
  /** For people. */
  readonly name: string;
  readonly #connection: Connection;
  readonly #watch: ReturnType<typeof setInterval>;

  /** Connects, logs in and takes the database. Throws `UsageError` for an address that is none, and `Failure`. */
  static async open(address: string, { credentials, database }: RedisLogin): Promise<RedisLink> {
    const place = parseAddress(address);
    if (place === undefined) {
      throw new UsageError(`--from-redis is ${quoteForPeople(address)}; write host:port, for example 127.0.0.1:6379`);
    }
    const link = new RedisLink(address, await connect(address, place));
    try {
      if (credentials !== undefined) {
        const { name, password } = credentials;
        await link.ask(name === undefined ? ["AUTH", password] : ["AUTH", name, password]);
      }
      if (database !== 0) await link.ask(["SELECT", database]);
      return link;
    } catch (error) {
      link[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(address: string, connection: Connection) {
    this.name = `Redis at ${address}`;
    this.#connection = connection;
    this.#watch = setInterval(() => {
      if (connection.silentMs(performance.now()) > REDIS_SILENCE_MS) {
        connection.close(new Error(`no answer for ${REDIS_SILENCE_MS} ms`));
      }
    }, LOOK_MS);
  }

  /** The answer. */
  async ask(words: readonly Word[]): Promise<Reply> {
    const reply = await this.try(words);
    if (reply instanceof ServerError) throw this.refusal(String(words[0]), reply);
    return reply;
  }

  /** What an error means that nobody expects. */
  refusal(command: string, { message }: ServerError): Failure {
    return new Failure(`${this.name} refuses ${command}: ${message.replace(/\.$/, "")}`);
  }

  /** The answer, which may be an error. Requests that are made in one turn leave together. */
  async try(words: readonly Word[]): Promise<Reply> {
    return this.#take(await this.#connection.ask(words));
  }

  /** The answers to requests between which it does nothing else. */
  async together(requests: readonly (readonly Word[])[]): Promise<readonly Reply[]> {
    const [, ...attempts] = [["MULTI"], ...requests, ["EXEC"]].map((words) => this.#connection.ask(words));
    const replies = (await Promise.all(attempts)).map((attempt) => this.#take(attempt));
    const done = replies.at(-1);
    if (Array.isArray(done)) return done;
    const refused = replies.find((reply) => reply instanceof ServerError);
    throw this.refusal("MULTI", refused instanceof ServerError ? refused : new ServerError("ERR it did nothing"));
  }

  /** Whether it is a part of a Redis Cluster, and so has not every key. One that does not say is none. */
  async isPartOfCluster(): Promise<boolean> {
    const info = await this.try(["INFO", "cluster"]);
    return info instanceof Uint8Array && /^cluster_enabled:1\r?$/m.test(bytesToString(info));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watch);
    this.#connection.close(new Error("the import is done"));
  }

  #take(attempt: Attempt): Reply {
    if (attempt.type === "Reply") return attempt.reply;
    throw new Failure(`The connection to ${this.name} broke: ${attempt.cause.message}`);
  }
}

async function connect(address: string, place: { readonly host: string; readonly port: number }): Promise<Connection> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${REDIS_CONNECT_MS} ms`)), REDIS_CONNECT_MS);
  try {
    return await Connection.open(place, { connector: platformConnector(), signal: late.signal, lost: () => {} });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(`Cannot connect to Redis at ${address}: ${why}`);
  } finally {
    clearTimeout(timer);
  }
}
