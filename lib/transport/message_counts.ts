/** Counts messages by type, for METRICS. */

import type { Message } from "../raft/messages.ts";

/** Totals since the start of the process. */
export class MessageCounts {
  readonly sent: Map<string, number> = new Map();
  readonly received: Map<string, number> = new Map();

  countSent(message: Message): void {
    this.sent.set(message.type, (this.sent.get(message.type) ?? 0) + 1);
  }

  countReceived(message: Message): void {
    this.received.set(message.type, (this.received.get(message.type) ?? 0) + 1);
  }
}
