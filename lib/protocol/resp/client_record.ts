/** The clients that speak the Redis protocol, as CLIENT LIST shows them and CLIENT KILL ends them. */

import type { ClientLink } from "../protocol.ts";
import type { RespVersion } from "./reply_writer.ts";

/** Which replies a client wants: CLIENT REPLY. `SkipNext` becomes `Skip` for one request, and then `On`. */
export type ReplyMode = "On" | "Off" | "SkipNext" | "Skip";

/** One connection. Its session changes it; everybody may read it. */
export class ClientRecord {
  /** Unique in this process, ascending. */
  readonly id: number;
  readonly link: ClientLink;
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
  /** `Clock.now()` of its last command. */
  lastAt: number;

  /** A client that has just come. */
  constructor(id: number, link: ClientLink) {
    this.id = id;
    this.link = link;
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

/** Every client of a port that speaks this protocol. */
export class ClientRegistry {
  readonly #clients = new Map<number, ClientRecord>();
  #lastId = 0;

  /** The clients, the oldest first. */
  get all(): Iterable<ClientRecord> {
    return this.#clients.values();
  }

  /** Enters a client under a new id. */
  add(link: ClientLink): ClientRecord {
    this.#lastId += 1;
    const client = new ClientRecord(this.#lastId, link);
    this.#clients.set(client.id, client);
    return client;
  }

  /** Forgets a client that is gone. */
  remove(client: ClientRecord): void {
    this.#clients.delete(client.id);
  }
}
