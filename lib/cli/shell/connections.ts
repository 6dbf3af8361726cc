/** The nodes a client may talk to, and the connection it has to one of them. */

import { ConnectionLostError, type TextRequest } from "../../cluster/text_connection.ts";
import { type Endpoint, parseAddress } from "../../transport/address.ts";
import { Failure } from "../failures.ts";
import { normaliseHost } from "../peers.ts";
import { quoteForPeople, UsageError } from "../usage_error.ts";

/** A connection, as `TextConnection` is one. */
export interface Connection {
  readonly address: string;
  request(request: TextRequest): Promise<string>;
  close(): void;
}

/** What listens there is no node of KVStore, or none that can be spoken to like this: no other command can fare better. */
export class ForeignServerFailure extends Failure {}

/** Opens a connection; throws `ConnectionLostError`, or `ForeignServerFailure`. */
export type Connect = (endpoint: Endpoint, timeoutMs: number) => Promise<Connection>;

/** Reads `--connect`; certificates are for names as they were given. Throws `UsageError`. */
export function readConnectList(list: string, { keepsNames = false } = {}): readonly Endpoint[] {
  const items = list.split(",").map((item) => item.trim()).filter((item) => item !== "");
  const endpoints = items.map((item) => {
    const endpoint = parseAddress(/^[0-9]+$/.test(item) ? `127.0.0.1:${item}` : item);
    if (endpoint !== undefined) {
      return keepsNames ? endpoint : { ...endpoint, hostname: normaliseHost(endpoint.hostname) };
    }
    throw new UsageError(
      `--connect has the entry ${quoteForPeople(item)}; write host:port, for example 127.0.0.1:5000`,
    );
  });
  if (endpoints.length > 0) return endpoints;
  throw new UsageError("--connect names no node; write host:port, for example 127.0.0.1:5000");
}

/** Goes through the nodes in turn and keeps to one as long as it answers. */
export class Connections {
  readonly #endpoints: readonly Endpoint[];
  readonly #connect: Connect;
  #next = 0;
  #current: Connection | undefined;

  constructor(endpoints: readonly Endpoint[], connect: Connect) {
    this.#endpoints = endpoints;
    this.#connect = connect;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** The connection in use, if any. */
  get current(): Connection | undefined {
    return this.#current;
  }

  /** The connection in use, or one to the first node that answers. Throws `Failure` when none does; what else answers counts as none. */
  async get(timeoutMs: number): Promise<Connection> {
    if (this.#current !== undefined) return this.#current;
    let [last, foreign]: unknown[] = [];
    for (let tried = 0; tried < this.#endpoints.length; tried++) {
      const endpoint = this.#endpoints[this.#next];
      this.#next = (this.#next + 1) % this.#endpoints.length;
      if (endpoint === undefined) continue;
      try {
        this.#current = await this.#connect(endpoint, timeoutMs);
        return this.#current;
      } catch (error) {
        if (error instanceof ForeignServerFailure) foreign ??= error;
        else if (!(error instanceof ConnectionLostError)) throw error;
        last = error;
      }
    }
    throw foreign ?? this.#unreachable(last);
  }

  /** A connection of its own to one node. Throws `ConnectionLostError`, or `ForeignServerFailure`. */
  open(endpoint: Endpoint, timeoutMs: number): Promise<Connection> {
    return this.#connect(endpoint, timeoutMs);
  }

  /** Closes the connection in use: the next `get` goes on to the next node. */
  drop(): void {
    this.#current?.close();
    this.#current = undefined;
  }

  #unreachable(last: unknown): Failure {
    if (this.#endpoints.length === 1 && last instanceof Error) {
      return new Failure(`${last.message}; is the node running?`);
    }
    const all = this.#endpoints.map(({ hostname, port }) => `${hostname}:${port}`).join(", ");
    return new Failure(`Cannot connect to any node of ${all}; is the cluster running? --connect names other addresses`);
  }
}
