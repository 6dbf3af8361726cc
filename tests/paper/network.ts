/** Several servers and the messages between them, delivered in order unless a test loses some. One process, no clock. */

import { fail } from "@std/assert";
import type { Event } from "../../lib/raft/events.ts";
import type { InstallSnapshot, Message } from "../../lib/raft/messages.ts";
import { DEFAULT_RAFT_LIMITS } from "../../lib/raft/limits.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import { type Effects, Server, type Setup, until } from "./support.ts";

const DELIVERIES_MAX = 20_000;

/** A cluster. Election timeouts differ by id, so that votes do not split for ever. */
export class Network {
  readonly servers = new Map<NodeId, Server>();
  /** Servers that neither send nor get anything, nor see time pass. */
  readonly down = new Set<NodeId>();
  /** Messages for which this says true never arrive. */
  isLost: (message: Message) => boolean = () => false;
  /** Messages delivered so far. */
  readonly delivered: Message[] = [];
  readonly #chunkBytesMax: number;
  #queue: Message[] = [];

  constructor(setups: readonly Setup[]) {
    this.#chunkBytesMax = setups[0]?.limits?.chunkBytesMax ?? DEFAULT_RAFT_LIMITS.chunkBytesMax;
    for (const setup of setups) {
      const id = setup.id ?? fail("Every server of a network needs its id");
      this.servers.set(id, new Server({ drawElectionTimeout: () => 15 + id * 9, ...setup }));
    }
  }

  server(id: NodeId): Server {
    return this.servers.get(id) ?? fail(`No server ${id}`);
  }

  /** One event at one server, and everything that follows from it everywhere. */
  run(id: NodeId, event: Event): Effects {
    const effects = this.#send(this.server(id).run(event));
    this.deliver();
    return effects;
  }

  propose(id: NodeId, ...commands: string[]): Effects {
    return this.run(id, { type: "Propose", id: 1, commands });
  }

  /** A tick at each server that is up, then delivery. */
  tick(count = 1): void {
    for (let done = 0; done < count; done++) {
      for (const server of this.servers.values()) {
        if (!this.down.has(server.id)) this.#send(server.tick());
      }
      this.deliver();
    }
  }

  /** Ticks until `done`. */
  tickUntil(done: () => boolean): void {
    until(done, () => this.tick());
  }

  /** Only this server's time passes until it leads. */
  elect(id: NodeId): Server {
    const server = this.server(id);
    until(() => server.status.role === "Leader", () => {
      this.#send(server.tick());
      this.deliver();
    });
    return server;
  }

  /** The leader of the highest term among the servers that are up, if there is one. */
  get leader(): Server | undefined {
    const leaders = [...this.servers.values()].filter(({ id, status }) =>
      status.role === "Leader" && !this.down.has(id)
    );
    return leaders.sort((a, b) => b.status.currentTerm - a.status.currentTerm)[0];
  }

  deliver(): void {
    for (let count = 0; this.#queue.length > 0; count++) {
      if (count === DELIVERIES_MAX) fail("The servers never stop talking");
      const message = this.#queue.shift();
      if (message === undefined || this.isLost(message)) continue;
      const receiver = this.servers.get(message.to);
      if (receiver === undefined || this.down.has(message.to) || this.down.has(message.from)) continue;
      const filled = message.type === "InstallSnapshot" ? this.#fill(message) : message;
      this.delivered.push(filled);
      this.#receive(receiver, filled);
    }
  }

  #receive(receiver: Server, message: Message): void {
    const effects = this.#send(receiver.receive(message));
    for (const chunk of effects.snapshotChunks) {
      if (!chunk.done) continue;
      const { lastIncluded, configuration, offset, data } = chunk;
      const snapshot = { lastIncluded, configuration, bytes: offset + data.length };
      this.#send(receiver.run({ type: "SnapshotInstalled", snapshot }));
    }
  }

  /** The sender's driver reads the chunk from its snapshot file. */
  #fill(message: InstallSnapshot): InstallSnapshot {
    const bytes = this.server(message.from).snapshot?.bytes ?? fail("A snapshot that was never taken");
    return { ...message, data: new Uint8Array(Math.min(this.#chunkBytesMax, bytes - message.offset)) };
  }

  #send(effects: Effects): Effects {
    this.#queue.push(...effects.messages, ...effects.durableMessages);
    return effects;
  }
}
