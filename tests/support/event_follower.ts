/** A watcher that lives through nodes that die: it connects to another one and resumes behind the last id it has seen. */

import { EventClient } from "./event_client.ts";
import type { ServerEvent } from "./event_parser.ts";
import { delay } from "./wait.ts";

const RETRY_MS = 50;

/** Follows changes until it is stopped. */
export class EventFollower {
  /** Changes of entries that came whole, in the order in which they came. */
  readonly changes: ServerEvent[] = [];
  /** Types of other events than changes and progress, and how often the stream was opened. */
  readonly others: string[] = [];
  connections = 0;
  #lastEventId: string;
  #stopping = false;
  #client: EventClient | undefined;
  readonly #done: Promise<void>;

  /** Begins behind revision `since`; `nextPort` says where to connect to each time. */
  constructor(nextPort: () => number, { since, query = "" }: { readonly since: string; readonly query?: string }) {
    this.#lastEventId = since;
    this.#done = this.#follow(nextPort, query);
  }

  /** Ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#client?.[Symbol.dispose]();
    await this.#done;
  }

  async #follow(nextPort: () => number, query: string): Promise<void> {
    while (!this.#stopping) {
      try {
        using client = await EventClient.open({ port: nextPort(), query, lastEventId: this.#lastEventId });
        this.connections += 1;
        this.#client = client;
        // It is told to end while it connects.
        if (!this.#stopping) await client.ended;
        this.#take(client);
      } catch {
        await delay(RETRY_MS);
      }
    }
  }

  /** The changes that the present connection has brought so far. */
  get received(): number {
    return this.changes.length + (this.#client?.changes.length ?? 0);
  }

  /** What came behind the last id belongs to an entry that did not come whole: it comes again. */
  #take(client: EventClient): void {
    this.#client = undefined;
    const { events } = client;
    const end = events.findLastIndex(({ hasId }) => hasId);
    for (const event of events.slice(0, end + 1)) {
      if (["put", "delete", "expire"].includes(event.type)) this.changes.push(event);
      else if (event.type !== "progress") this.others.push(event.type);
      this.#lastEventId = event.lastEventId;
    }
    this.others.push(...events.slice(end + 1).map(({ type }) => type).filter((type) => type === "reset"));
  }
}
