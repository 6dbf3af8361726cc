/** The clients that speak the Redis protocol, as CLIENT LIST shows them and CLIENT KILL ends them. */

import type { ClientLink } from "../../net/session.ts";
import type { RespReply, RespVersion } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";

/** Which replies a client wants: CLIENT REPLY. `SkipNext` becomes `Skip` for one request, and then `On`. */
export type ReplyMode = "On" | "Off" | "SkipNext" | "Skip";

/** A command of a queue and what became of it. */
export interface ExecutedCommand {
  readonly number: number;
  readonly words: Words;
  readonly reply: RespReply;
}

/** What a connection holds in memory, in bytes, and how much of a MULTI. */
export interface ClientHoldings {
  /** Input that is not done with: requests that wait, and the one that is looked at. */
  readonly inputBytes: number;
  /** Words of the request that is looked at. */
  readonly wordBytes: number;
  /** Commands queued; -1 without MULTI. */
  readonly queued: number;
  readonly queueBytes: number;
}

/** One connection. Its session changes it; everybody may read it. */
export class ClientRecord {
  /** Unique in this process, ascending. */
  readonly id: number;
  readonly link: ClientLink;
  readonly holdings: () => ClientHoldings;
  name = "";
  libraryName = "";
  libraryVersion = "";
  version: RespVersion = 2;
  replies: ReplyMode = "On";
  /** Whether it reads from this node although the node does not lead (READONLY, in cluster mode). */
  readsAnywhere = false;
  /** The last command, such as `get` or `client|list`; "" before the first. */
  path = "";
  /** The number of the last command or subcommand in the table; 0 for a name that nothing has. */
  commandNumber = 0;
  /** Whether the last command was refused before anything was done. */
  isRejected = false;
  /** The commands of the queue that EXEC has just done; taken by its session when EXEC is answered. */
  executed: ExecutedCommand[] = [];
  /** `Clock.now()` of its last command. */
  lastAt: number;

  /** A client that has just come. */
  constructor(id: number, { link, holdings }: ClientParts) {
    this.id = id;
    this.link = link;
    this.holdings = holdings;
    this.lastAt = link.openedAt;
  }

  /** Back to the beginning: RESET. */
  reset(): void {
    this.name = "";
    this.version = 2;
    this.replies = "On";
    this.readsAnywhere = false;
  }
}

/** What a client is made of. */
export interface ClientParts {
  readonly link: ClientLink;
  /** Read when somebody asks. */
  readonly holdings: () => ClientHoldings;
}

/** Every client of a port that speaks this protocol. */
export class ClientRegistry {
  readonly #clients = new Map<number, ClientRecord>();
  #lastId = 0;

  /** The clients, the oldest first. */
  get all(): Iterable<ClientRecord> {
    return this.#clients.values();
  }

  /** Enters a client under a new id. */
  add(parts: ClientParts): ClientRecord {
    this.#lastId += 1;
    const client = new ClientRecord(this.#lastId, parts);
    this.#clients.set(client.id, client);
    return client;
  }

  /** Forgets a client that is gone. */
  remove(client: ClientRecord): void {
    this.#clients.delete(client.id);
  }
}
