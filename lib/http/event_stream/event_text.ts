/** The text of the change stream: server-sent events whose data is JSON. Byte strings, so UTF-8 where text is sent. */

import type { KeyRecord } from "../../kv/key_record.ts";
import type { Change } from "../../kv/change.ts";
import { byteField, recordFields } from "../record_json.ts";
import { RECONNECT_MS } from "./limits.ts";

/** How long a client waits before it connects again; the first thing sent. */
export const OPENING = `retry: ${RECONNECT_MS}\n\n`;

/**
 * Makes one text of changes entry by entry. Only the last event of an entry carries its id: whoever resumes behind an id has
 * seen all of the entry, and an id never stands for a part of it.
 */
export class EventText {
  readonly #pieces: string[] = [];
  #pending = "";
  #bytes = 0;

  /** Bytes made so far, the pending event not included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an event, as `changeEvent` makes it. */
  add(event: string): void {
    this.#flush();
    this.#pending = event;
  }

  /** No more events come of that entry; without an id when those who read must not resume here. */
  endEntry(id: number | undefined): void {
    if (this.#pending !== "" && id !== undefined) this.#push(`id: ${id}\n`);
    this.#flush();
  }

  /** All of it. */
  take(): string {
    return this.#pieces.join("");
  }

  #flush(): void {
    if (this.#pending !== "") this.#push(this.#pending);
    this.#pending = "";
  }

  #push(text: string): void {
    this.#pieces.push(text);
    this.#bytes += text.length;
  }
}

/** The event of a change, without an id. The same for every watcher. */
export function changeEvent({ type, key, record, previousRevision }: Change, revision: number): string {
  const previous = `"previous_revision":${previousRevision ?? null}`;
  if (record !== undefined) return `event: put\ndata: {${recordFields(key, record)},${previous}}\n\n`;
  const name = type === "Expire" ? "expire" : "delete";
  return `event: ${name}\ndata: {${byteField("key", key)},"mod_revision":${revision},${previous}}\n\n`;
}

/** The event of a key of the state that a stream begins with. */
export function recordEvent(key: string, record: KeyRecord): string {
  return `event: snapshot\ndata: {${recordFields(key, record)}}\n\n`;
}

/** The state follows, as of `revision` or newer. */
export function snapshotBegin(revision: number): string {
  return `event: snapshot-begin\ndata: {"revision":${revision}}\n\n`;
}

/** What was sent makes the state as of `revision`. */
export function snapshotEnd(revision: number): string {
  return `id: ${revision}\nevent: snapshot-end\ndata: {"revision":${revision}}\n\n`;
}

/** Every wanted change up to `revision` has been sent. */
export function progressEvent(revision: number): string {
  return `id: ${revision}\nevent: progress\ndata: {"revision":${revision}}\n\n`;
}

/** A comment that shows that the stream lives. */
export function heartbeat(revision: number): string {
  return `: heartbeat ${revision}\n\n`;
}

/** What lies behind the last id is not known any more, up to `oldest`. */
export function resetEvent(oldest: number): string {
  return `event: reset\ndata: {"code":"compacted","oldest":${oldest}}\n\n`;
}

/** Why a stream ends although more may come. */
export type StreamError = "no_quorum" | "stopping";

/** The last event of a stream that this node ends. */
export function errorEvent(code: StreamError): string {
  return `event: error\ndata: {"code":"${code}"}\n\n`;
}
