/** Reads server-sent events as a browser does. */

/** One event that was dispatched. */
export interface ServerEvent {
  readonly type: string;
  /** JSON of the data. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The last id so far, that of this event included. */
  readonly lastEventId: string;
  /** Whether this event came with an id. */
  readonly hasId: boolean;
}

/** Takes pieces of a stream, cut anywhere. */
export class EventParser {
  readonly comments: string[] = [];
  lastEventId = "";
  retryMs: number | undefined;
  #rest = "";
  #type = "";
  #data: string[] = [];
  #hasId = false;

  /** The events that are complete with this piece. */
  push(text: string): ServerEvent[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#take(line) ?? []);
  }

  #take(line: string): ServerEvent | undefined {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) {
      this.comments.push(line.slice(1).trim());
      return undefined;
    }
    const colon = line.indexOf(":");
    const field = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "retry") this.retryMs = Number(value);
    else if (field === "id") {
      this.lastEventId = value;
      this.#hasId = true;
    } else throw new Error(`Not a line of an event stream: ${line}`);
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const data = this.#data.join("\n");
    const event = { type: this.#type, lastEventId: this.lastEventId, hasId: this.#hasId };
    this.#data = [];
    this.#type = "";
    this.#hasId = false;
    return data === "" ? undefined : { ...event, data: JSON.parse(data) as Record<string, unknown> };
  }
}
