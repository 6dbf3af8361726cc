/** Counts messages by type, for METRICS. */

import type { PeerMessage } from "./forward.ts";

/** Totals since the start of the process. */
export class MessageCounts {
  readonly sent: Map<string, number> = new Map();
  readonly received: Map<string, number> = new Map();

  countSent(message: PeerMessage): void {
    this.sent.set(message.type, (this.sent.get(message.type) ?? 0) + 1);
  }

  countReceived(message: PeerMessage): void {
    this.received.set(message.type, (this.received.get(message.type) ?? 0) + 1);
  }
}
