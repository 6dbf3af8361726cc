/** Messages on their way out: what only this node's parts know is filled in at the last moment. */

import type { Message } from "../../raft/messages.ts";
import type { Core, Stages } from "../parts.ts";

type Needed = Core & Pick<Stages, "snapshots">;

/** Gives messages to the transport; they leave with its next flush. */
export class Outbox {
  readonly #parts: Needed;

  constructor(parts: Needed) {
    this.#parts = parts;
  }

  /** Sends a message that waits for nothing. */
  transmit(message: Message): void {
    const { transport, time, snapshots, raftLimits, inbox } = this.#parts;
    if (message.type !== "InstallSnapshot") return void transport.send(time.filled(message));
    const filled = snapshots.fill(message, raftLimits.chunkBytesMax);
    if (filled !== undefined) return void transport.send(filled);
    // The file is gone: without this the core would ask for its chunks for ever. It looks anew at what the peer needs.
    inbox.put({ type: "PeerDisconnected", peer: message.to });
  }

  /** Sends messages that waited, at once. */
  release(messages: readonly Message[]): void {
    if (this.#parts.lifetime.isOver) return;
    for (const message of messages) this.transmit(message);
    this.#parts.transport.flush();
  }
}
