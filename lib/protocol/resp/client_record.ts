/** The clients that speak the Redis protocol, as CLIENT LIST shows them and CLIENT KILL ends them. */

import type { Gate, Visitor } from "../../access/gate.ts";
import { type Login, loginId } from "../../access/login.ts";
import type { CommandOrigin } from "../../kv/commands.ts";
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

const NOBODY: CommandOrigin = {};

/** One connection. Its session changes it; everybody may read it. */
export class ClientRecord implements Visitor {
  /** Unique in this process, ascending. */
  readonly id: number;
  readonly link: ClientLink;
  readonly holdings: () => ClientHoldings;
  readonly #gate: Pick<Gate, "enter" | "leave">;
  readonly #end: () => void;
  name = "";
  libraryName = "";
  libraryVersion = "";
  version: RespVersion = 2;
  replies: ReplyMode = "On";
  #login: Login | undefined;
  #isGone = false;
  /** What its writes carry. */
  origin: CommandOrigin = NOBODY;
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
  constructor(id: number, { link, holdings, gate, end }: ClientParts) {
    this.#gate = gate;
    this.#end = end;
    this.id = id;
    this.link = link;
    this.holdings = holdings;
    this.lastAt = link.openedAt;
  }

  /** Who is logged in. */
  get login(): Login | undefined {
    return this.#login;
  }

  set login(login: Login | undefined) {
    // Its password was still worked on: nobody would leave again.
    if (this.#isGone) return;
    this.#login = login;
    this.origin = { login: loginId(login) };
    if (login === undefined) this.#gate.leave(this);
    else this.#gate.enter(this);
  }

  /** It has said who it is before there are users: with the first one its connection ends, and it comes back as a user. */
  claimed(): void {
    if (!this.#isGone) this.#gate.enter(this);
  }

  /** See `Visitor`. */
  loginEnded(): void {
    this.#end();
  }

  /** The connection is closed: nobody logs in there any more. */
  left(): void {
    this.login = undefined;
    this.#isGone = true;
  }

  /** Back to the beginning: RESET. */
  reset(): void {
    this.login = undefined;
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
  readonly gate: Pick<Gate, "enter" | "leave">;
  /** Ends the conversation, once what has begun is answered. */
  readonly end: () => void;
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
    client.left();
    this.#clients.delete(client.id);
  }
}
