/** Snapshot files on their way to peers: each is read through before its first chunk leaves, and let go when it is of no use. */

import type { Clock } from "../../base/clock.ts";
import { CorruptionError, FormatVersionError } from "../../base/errors.ts";
import type { InstallSnapshot, InstallSnapshotResult } from "../../raft/messages.ts";
import type { Index, NodeId } from "../../raft/types.ts";
import type { SnapshotSource } from "../../storage/storage.ts";
import { SNAPSHOT_SLICE_MS } from "../limits.ts";

const NO_DATA = new Uint8Array(0);

/** What the sender asks of the owner of the files. */
export interface SnapshotSenderParts {
  readonly clock: Clock;
  /** The snapshots that are open here, newest first. */
  open(): readonly SnapshotSource[];
  /** Whether the peer can read that file. */
  canRead(peer: NodeId, source: SnapshotSource): boolean;
  /** The newest is of no use: another is to be made of the state in memory. May be called again and again. */
  replaceNewest(why: Unusable): void;
  /** A failure that ends the process. */
  failed(error: unknown): void;
  warn(message: string): void;
}

/** Why a file is not sent: it is damaged on this disk, or its compression is beyond the peer. */
export type Unusable = "damaged" | "unreadable";

/** One file for one peer. */
interface Sending {
  readonly peer: NodeId;
  readonly source: SnapshotSource;
  /** Undefined until the peer has answered: nothing is read for one that is down. */
  unread: Iterator<unknown> | undefined;
  /** The whole file was read and found right. */
  isWhole: boolean;
}

/**
 * What is sent to whom.
 *
 * A file may be damaged long after it was written and verified. Sent all the same it would cost each peer a whole transfer to
 * find out, again and again; so it is read here first, for every transfer, in slices, once the peer answers. Until then, and
 * while a damaged one is replaced, the peer gets chunks without data: they keep it from campaigning.
 */
export class SnapshotSender {
  readonly #parts: SnapshotSenderParts;
  readonly #sending = new Map<NodeId, Sending>();
  readonly #damaged = new WeakSet<SnapshotSource>();
  #closed = false;

  /** Sends nothing yet. */
  constructor(parts: SnapshotSenderParts) {
    this.#parts = parts;
  }

  /** The files on their way. */
  get sources(): readonly SnapshotSource[] {
    return [...this.#sending.values()].map((sending) => sending.source);
  }

  /** The message as it may leave now; undefined when its file is gone (the core looks anew at what the peer needs). */
  fill(message: InstallSnapshot, chunkBytesMax: number): InstallSnapshot | undefined {
    const source = this.#sourceFor(message);
    if (source === undefined) return undefined;
    const why = this.#whyUnusable(message.to, source);
    if (why !== undefined) {
      this.stop(message.to);
      if (source !== this.#parts.open()[0]) return undefined;
      this.#parts.replaceNewest(why);
      return empty(message);
    }
    const sending = this.#sending.get(message.to);
    if (sending === undefined) {
      this.#sending.set(message.to, { peer: message.to, source, unread: undefined, isWhole: false });
    }
    if (sending?.isWhole !== true) return empty(message);
    const data = this.#read(sending, { offset: message.offset, lengthMax: chunkBytesMax });
    return data === undefined ? empty(message) : { ...message, data };
  }

  /** Undefined where the file was damaged since it was read through: of an encrypted one nothing damaged can be read. */
  #read(sending: Sending, { offset, lengthMax }: { readonly offset: number; readonly lengthMax: number }) {
    try {
      return sending.source.readChunk(offset, lengthMax);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#foundDamaged(sending, error);
      return undefined;
    }
  }

  /** A peer answered a chunk, or could not use what it was sent. */
  heard({ from, lastIncludedIndex, rejected }: InstallSnapshotResult): void {
    const sending = this.#sending.get(from);
    if (sending === undefined || !holds(sending.source, lastIncludedIndex)) return;
    if (rejected) return this.#rejected(sending);
    if (sending.unread !== undefined) return;
    sending.unread = sending.source.check()[Symbol.iterator]();
    this.#readOn(sending);
  }

  /** Lets go of what is open for the peer. */
  stop(peer: NodeId): void {
    const sending = this.#sending.get(peer);
    this.#sending.delete(peer);
    if (sending !== undefined) this.closeUnlessUsed(sending.source);
  }

  /** Lets go of what is open for peers that are not being sent a snapshot any more. */
  prune(receiving: ReadonlySet<NodeId>): void {
    for (const peer of [...this.#sending.keys()]) if (!receiving.has(peer)) this.stop(peer);
  }

  /** Closes a file that nobody needs. */
  closeUnlessUsed(source: SnapshotSource): void {
    if (!this.#parts.open().includes(source) && !this.sources.includes(source)) source.close();
  }

  /** Nothing is read any more. */
  end(): void {
    this.#closed = true;
  }

  #whyUnusable(peer: NodeId, source: SnapshotSource): Unusable | undefined {
    if (this.#damaged.has(source)) return "damaged";
    return this.#parts.canRead(peer, source) ? undefined : "unreadable";
  }

  #sourceFor({ to, lastIncludedIndex }: InstallSnapshot): SnapshotSource | undefined {
    const sending = this.#sending.get(to);
    if (sending !== undefined && holds(sending.source, lastIncludedIndex)) return sending.source;
    this.stop(to);
    return this.#parts.open().find((candidate) => holds(candidate, lastIncludedIndex));
  }

  /** Its next snapshot is read through again, whichever that is. */
  #rejected({ peer, source }: Sending): void {
    this.stop(peer);
    const { index } = source.description.lastIncluded;
    this.#parts.warn(
      `Node ${peer} cannot use the snapshot at index ${index}, its log says why; the newest one is sent after a pause`,
    );
  }

  /** One slice: a small file is read at once. */
  #readOn(sending: Sending): void {
    const { clock } = this.#parts;
    const end = clock.now() + SNAPSHOT_SLICE_MS;
    try {
      while (!sending.isWhole && clock.now() < end) sending.isWhole = sending.unread?.next().done === true;
    } catch (error) {
      if (!(error instanceof CorruptionError) && !(error instanceof FormatVersionError)) throw error;
      return this.#foundDamaged(sending, error);
    }
    if (!sending.isWhole) clock.after(0, () => this.#readOnLater(sending));
  }

  #readOnLater(sending: Sending): void {
    // Its file may be closed by now.
    if (this.#closed || this.#sending.get(sending.peer) !== sending) return;
    try {
      this.#readOn(sending);
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  #foundDamaged({ peer, source }: Sending, error: Error): void {
    const { index } = source.description.lastIncluded;
    this.#damaged.add(source);
    this.stop(peer);
    this.#parts.warn(`Cannot send the snapshot at index ${index} to node ${peer}: ${error.message}`);
  }
}

/** Keeps the peer waiting: it answers with the byte that it wants, and stores nothing. */
function empty(message: InstallSnapshot): InstallSnapshot {
  return { ...message, data: NO_DATA, done: false };
}

function holds(source: SnapshotSource, lastIncludedIndex: Index): boolean {
  return source.description.lastIncluded.index === lastIncludedIndex;
}
