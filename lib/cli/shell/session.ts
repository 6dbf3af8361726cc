/**
 * Runs commands against a cluster: finds a node that answers, follows the notice of who leads, and repeats what was
 * certainly not done. What may have been done is never repeated.
 */

import { askStatus, type NodeView } from "../../cluster/probe.ts";
import { ConnectionLostError } from "../../cluster/text_connection.ts";
import { type Endpoint, parseAddress } from "../../transport/address.ts";
import type { NodeId } from "../../raft/types.ts";
import { Failure } from "../failures.ts";
import { type Connection, type Connections, ForeignServerFailure } from "./connections.ts";
import { classifyReply, namedLeader, type ReplyKind } from "./reply.ts";
import { type CommandTraits, traitsOf } from "./vocabulary.ts";

/** Redirects followed for one attempt; more means that the nodes disagree just now. */
const HOPS_MAX = 3;
/** The pause before asking again after a definite refusal, in ms. */
const RETRY_MS = 100;
/** Longest wait for one connection, in ms: a node that hangs must not use up the time for the others. */
const CONNECT_MS_MAX = 2_000;
/** How long a reply may take beyond the time for finding a leader: servers have deadlines of their own. */
const REPLY_GRACE_MS = 1_000;
const NO_LEADER_TEXT = "Error: No leader. It cannot be reached.";
const UNKNOWN_TEXT = "Error: Outcome unknown. The write may or may not take effect.";

/** What came of one command. */
export interface Answer {
  readonly kind: ReplyKind;
  /** A byte string without its last line end. */
  readonly reply: string;
  /** The address of the node that answered, when it is another one than the connection's. */
  readonly via: string | undefined;
}

/** What a session works with. */
export interface SessionOptions {
  readonly connections: Connections;
  readonly timeoutMs: number;
  readonly now: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** One user's session. Commands are run one after the other. */
export class Session {
  readonly #options: SessionOptions;
  /** Where a redirect led to; used again as long as it leads. */
  #leader: Connection | undefined;
  #leaderId: NodeId | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The node in use and its role, for the prompt; undefined when no node answers. Throws `ForeignServerFailure`. */
  async describe(): Promise<NodeView | undefined> {
    const { connections, timeoutMs } = this.#options;
    for (let attempt = 0; attempt <= connections.endpoints.length; attempt++) {
      try {
        const connection = await connections.get(this.#connectMs());
        return await askStatus(connection, Math.min(timeoutMs, CONNECT_MS_MAX));
      } catch (error) {
        if (error instanceof Failure && !(error instanceof ForeignServerFailure)) return undefined;
        if (!(error instanceof ConnectionLostError)) throw error;
        connections.drop();
      }
    }
    return undefined;
  }

  /** Runs one line, a byte string. Throws `Failure` when no node can be reached. */
  async run(line: string): Promise<Answer> {
    const traits = traitsOf(line);
    const deadline = this.#options.now() + this.#options.timeoutMs;
    for (;;) {
      const answer = await this.#attempt(line, traits);
      const mayRepeat = traits.kind !== "node" && (answer.kind === "NoLeader" || answer.kind === "NotLeader");
      if (!mayRepeat || this.#options.now() + RETRY_MS >= deadline) return answer;
      await this.#options.sleep(RETRY_MS);
      // Another node may see a leader where this one, cut off, does not.
      if (this.#options.connections.endpoints.length > 1) this.#options.connections.drop();
    }
  }

  close(): void {
    this.#options.connections.drop();
    this.#leader?.close();
  }

  async #attempt(line: string, traits: CommandTraits): Promise<Answer> {
    const first = await this.#ask(line, traits);
    if (traits.kind !== "write") return first;
    let answer = first;
    for (let hop = 0; hop < HOPS_MAX && answer.kind === "NotLeader"; hop++) {
      const leader = await this.#connectToLeader(namedLeader(answer.reply));
      if (leader === undefined) return answer;
      answer = await this.#askLeader(leader, { line, traits });
    }
    return answer;
  }

  /** Asks the node in use; goes on to the next one as long as that is certain not to do anything twice. */
  async #ask(line: string, traits: CommandTraits): Promise<Answer> {
    const { connections } = this.#options;
    for (let attempt = 0;; attempt++) {
      const connection = await this.#freshConnection(traits);
      try {
        return await this.#exchange(connection, { line, traits });
      } catch (error) {
        if (!(error instanceof ConnectionLostError)) throw error;
        connections.drop();
        const repeatable = error.sent === "NotSent" || traits.kind === "read";
        if (repeatable && attempt < connections.endpoints.length) continue;
        if (traits.kind === "write") return { kind: "Unknown", reply: UNKNOWN_TEXT, via: undefined };
        throw new Failure(error.message);
      }
    }
  }

  /** A connection that was idle may be dead without a sign; a write must not become uncertain because of that. */
  async #freshConnection({ kind }: CommandTraits): Promise<Connection> {
    const { connections } = this.#options;
    const idle = connections.current;
    if (idle !== undefined && kind !== "read") {
      try {
        await askStatus(idle, CONNECT_MS_MAX);
      } catch (error) {
        if (!(error instanceof ConnectionLostError)) throw error;
        connections.drop();
      }
    }
    return await connections.get(this.#connectMs());
  }

  async #askLeader(
    leader: Connection,
    { line, traits }: { line: string; traits: CommandTraits },
  ): Promise<Answer> {
    try {
      return { ...await this.#exchange(leader, { line, traits }), via: leader.address };
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      this.#leader = undefined;
      if (error.sent === "NotSent") return { kind: "NoLeader", reply: NO_LEADER_TEXT, via: undefined };
      return { kind: "Unknown", reply: UNKNOWN_TEXT, via: leader.address };
    }
  }

  async #exchange(
    connection: Connection,
    { line, traits }: { line: string; traits: CommandTraits },
  ): Promise<Answer> {
    const timeoutMs = this.#options.timeoutMs + REPLY_GRACE_MS;
    const reply = await connection.request({ line, multiLine: traits.multiLine, timeoutMs });
    return { kind: classifyReply(traits, reply), reply, via: undefined };
  }

  /** The connection to node `id`; undefined when its address is not known or it does not answer. */
  async #connectToLeader(id: NodeId | undefined): Promise<Connection | undefined> {
    const { connections } = this.#options;
    const endpoint = id === undefined ? undefined : await this.#findNode(id);
    if (endpoint === undefined) return undefined;
    if (this.#leader !== undefined && this.#leaderId === id && await isAlive(this.#leader)) return this.#leader;
    this.#leader?.close();
    this.#leader = undefined;
    this.#leaderId = id;
    try {
      this.#leader = await connections.open(endpoint, this.#connectMs());
    } catch (error) {
      // What has taken the port of a leader that died says nothing of the node in use.
      if (!(error instanceof ConnectionLostError || error instanceof ForeignServerFailure)) throw error;
      // A node with TLS beside its plain ports tells the others of the plain ones.
      if (error instanceof ForeignServerFailure) this.#leader = await this.#findAmongOwn(id);
    }
    return this.#leader;
  }

  /** A connection to node `id` by one of the addresses that were given. */
  async #findAmongOwn(id: NodeId | undefined): Promise<Connection | undefined> {
    const { connections } = this.#options;
    for (const endpoint of connections.endpoints) {
      try {
        const connection = await connections.open(endpoint, this.#connectMs());
        if ((await askStatus(connection, CONNECT_MS_MAX)).nodeId === id) return connection;
        connection.close();
      } catch (error) {
        if (!(error instanceof ConnectionLostError || error instanceof ForeignServerFailure)) throw error;
      }
    }
    return undefined;
  }

  async #findNode(id: NodeId): Promise<Endpoint | undefined> {
    try {
      const connection = await this.#options.connections.get(this.#connectMs());
      const reply = await connection.request({ line: "CLUSTER", multiLine: true, timeoutMs: CONNECT_MS_MAX });
      return findClientAddress(reply, id);
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      this.#options.connections.drop();
      return undefined;
    }
  }

  #connectMs(): number {
    return Math.min(this.#options.timeoutMs, CONNECT_MS_MAX);
  }
}

async function isAlive(connection: Connection): Promise<boolean> {
  try {
    await askStatus(connection, CONNECT_MS_MAX);
    return true;
  } catch (error) {
    if (error instanceof ConnectionLostError) return false;
    throw error;
  }
}

/** The client address of node `id` in a CLUSTER reply: what comes first in the line that begins with `Node <id>:`. */
export function findClientAddress(reply: string, id: NodeId): Endpoint | undefined {
  for (const line of reply.split("\n")) {
    const match = /^Node ([0-9]+): ([^ ,]+)(?:,|$)/.exec(line);
    if (match !== null && Number(match[1]) === id) return parseAddress(match[2] ?? "");
  }
  return undefined;
}
