/** One server for tests: a RaftNode with a disk that forgets what was not synced, and a state machine that is a list. */

import { assert } from "../../lib/base/assert.ts";
import type { Event } from "../../lib/raft/events.ts";
import type { Message } from "../../lib/raft/messages.ts";
import type { RaftLimits } from "../../lib/raft/options.ts";
import { RaftNode } from "../../lib/raft/raft_node.ts";
import {
  type Configuration,
  type Entry,
  type EntryId,
  type HardState,
  type NodeId,
  type SnapshotDescription,
  type Term,
  toTicks,
  ZERO_ENTRY_ID,
} from "../../lib/raft/types.ts";
import type { LogWrite, SnapshotChunk, Update } from "../../lib/raft/update.ts";
import type { Random } from "../../lib/base/random.ts";

/** A snapshot file: what it describes and the state, one applied entry per line, as bytes. */
export interface SnapshotFile {
  readonly description: SnapshotDescription;
  readonly bytes: Uint8Array;
}

/** What a server is made of. */
export interface SimServerOptions {
  readonly id: NodeId;
  readonly configuration: Configuration;
  readonly limits: RaftLimits;
  readonly random: Random;
  /** The term that its file holds at first. */
  readonly term: Term;
  /** See `RaftOptions`. */
  makeClusterId?(): string;
}

/** A message that waits for the hard state with this number to be durable. */
interface Waiting {
  readonly hardState: number;
  readonly message: Message;
}

/** A write in the page cache; discarded when a snapshot has replaced what it belongs to. */
interface UnsyncedWrite {
  readonly write: LogWrite;
  discarded: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A server that can be stepped, synced in parts, crashed and started again. Messages that may leave are in `outgoing`. */
export class SimServer {
  readonly id: NodeId;
  node: RaftNode;
  up = true;
  /** The event of the last step. */
  lastEvent: Event | undefined;
  /** Messages that have left the server. */
  outgoing: Message[] = [];
  /** Entries applied in this life and before, from the first on. */
  applied: Entry[] = [];
  /** The driver may take its time to load a received snapshot. */
  loading: SnapshotFile | undefined;
  readonly #options: SimServerOptions;
  #incarnation = 0;
  // The disk: what survives a crash.
  #hardState: HardState;
  #log: Entry[] = [];
  #snapshot: SnapshotFile | undefined;
  // What is written but not synced.
  #unsyncedWrites: UnsyncedWrite[] = [];
  #unsyncedHardStates: HardState[] = [];
  #hardStatesBegun = 0;
  #waiting: Waiting[] = [];
  readonly #openFiles = new Map<number, Uint8Array>();
  #receiving: { readonly lastIncluded: EntryId; bytes: number[] } | undefined;

  constructor(options: SimServerOptions) {
    this.id = options.id;
    this.#options = options;
    this.#hardState = { currentTerm: options.term, votedFor: undefined };
    this.node = this.#start();
  }

  /** Everything the disk would give back after a crash now. */
  get durableLog(): readonly Entry[] {
    return this.#log;
  }

  get snapshotIndex(): number {
    return this.#snapshot?.description.lastIncluded.index ?? 0;
  }

  get unsynced(): number {
    return this.#unsyncedWrites.length + this.#unsyncedHardStates.length;
  }

  /** Whether the term the node is in would survive a crash. Until then nothing it wrote in that term has left it. */
  get isTermDurable(): boolean {
    return this.#unsyncedHardStates.length === 0;
  }

  /** Steps the node and performs the effects that need no sync. */
  step(event: Event): Update {
    this.lastEvent = event;
    const update = this.node.step(event);
    if (update.hardState !== undefined) this.#unsyncedHardStates.push(update.hardState);
    const before = this.#hardStatesBegun;
    if (update.hardState !== undefined) this.#hardStatesBegun += 1;
    for (const write of update.writes) this.#unsyncedWrites.push({ write, discarded: false });
    for (const chunk of update.snapshotChunks) this.#storeChunk(chunk);
    for (const message of update.messages) this.#send({ hardState: before, message: this.#filled(message) });
    for (const message of update.durableMessages) this.#send({ hardState: this.#hardStatesBegun, message });
    this.applied.push(...update.apply);
    return update;
  }

  /** Makes the oldest `count` hard states durable and lets the messages go that waited for them. */
  syncHardStates(count: number): void {
    const last = this.#unsyncedHardStates.splice(0, count).at(-1);
    if (last !== undefined) this.#hardState = last;
    const durable = this.#hardStatesBegun - this.#unsyncedHardStates.length;
    this.outgoing.push(...this.#waiting.filter(({ hardState }) => hardState <= durable).map(({ message }) => message));
    this.#waiting = this.#waiting.filter(({ hardState }) => hardState > durable);
  }

  /** Makes the oldest `count` writes durable and tells the node. */
  syncWrites(count: number): Update | undefined {
    const writes = this.#unsyncedWrites.splice(0, count);
    for (const write of writes) this.#store(write);
    const last = writes.at(-1)?.write;
    const entry = last?.entries.at(-1);
    if (last === undefined || entry === undefined) return undefined;
    const id = { index: entry.index, term: entry.term };
    return this.step({ type: "Persisted", write: last.number, last: id });
  }

  /** Makes everything durable. */
  sync(): Update | undefined {
    this.syncHardStates(this.#unsyncedHardStates.length);
    return this.syncWrites(this.#unsyncedWrites.length);
  }

  /** Takes a snapshot of the state machine and keeps `keep` entries before it in the log. */
  takeSnapshot(keep: number): Update | undefined {
    const last = this.applied.at(-1);
    if (last === undefined || last.index <= this.snapshotIndex || this.loading !== undefined) return undefined;
    const lastIncluded = { index: last.index, term: last.term };
    const bytes = encoder.encode(this.applied.map((entry) => JSON.stringify(entry)).join("\n"));
    const description = { lastIncluded, configuration: this.#configurationAt(), bytes: bytes.length };
    this.#snapshot = { description, bytes };
    const keepFrom = Math.max(1, last.index + 1 - keep);
    // The disk keeps what the log keeps; what is dropped is in the snapshot.
    this.#log = this.#log.filter((entry) => entry.index >= keepFrom);
    return this.step({ type: "SnapshotTaken", snapshot: description, keepFrom });
  }

  /** Loads the snapshot that was received, or refuses it. */
  finishLoading(good: boolean): Update | undefined {
    const file = this.loading;
    this.loading = undefined;
    if (file === undefined) return undefined;
    const { lastIncluded } = file.description;
    if (!good) return this.step({ type: "SnapshotRejected", lastIncluded });
    this.#discardFor(lastIncluded);
    this.#snapshot = file;
    this.applied = decodeState(file.bytes);
    return this.step({ type: "SnapshotInstalled", snapshot: file.description });
  }

  /** The process dies. Of what was not synced, the oldest `writes` and `hardStates` happen to have reached the disk. */
  crash(survivors: { readonly writes: number; readonly hardStates: number }): void {
    for (const write of this.#unsyncedWrites.slice(0, survivors.writes)) this.#store(write);
    const hardState = this.#unsyncedHardStates.slice(0, survivors.hardStates).at(-1);
    if (hardState !== undefined) this.#hardState = hardState;
    this.up = false;
    this.outgoing = [];
    this.#waiting = [];
    this.#unsyncedWrites = [];
    this.#unsyncedHardStates = [];
    this.#hardStatesBegun = 0;
    this.#receiving = undefined;
    this.loading = undefined;
  }

  /** The process starts again from its disk. */
  restart(): void {
    assert(!this.up, `Cannot start server ${this.id}: it is up`);
    this.up = true;
    this.applied = this.#snapshot === undefined ? [] : decodeState(this.#snapshot.bytes);
    this.node = this.#start();
  }

  /** Raft figure 13: what follows the snapshot stays only if the log has its last entry; the rest of the disk is discarded. */
  #discardFor(lastIncluded: EntryId): void {
    const written = [...this.#log, ...this.#unsyncedWrites.flatMap(({ write }) => write.entries)];
    const found = written.findLast((entry) => entry.index === lastIncluded.index);
    const kept = found?.term === lastIncluded.term;
    this.#log = kept ? this.#log.filter((entry) => entry.index > lastIncluded.index) : [];
    if (!kept) { for (const unsynced of this.#unsyncedWrites) unsynced.discarded = true; }
  }

  #start(): RaftNode {
    const { random, limits, makeClusterId } = this.#options;
    this.#incarnation += 1;
    const from = this.snapshotIndex;
    return new RaftNode({
      id: this.id,
      initialConfiguration: this.#options.configuration,
      hardState: this.#hardState,
      snapshot: this.#snapshot?.description,
      entries: this.#log.filter((entry) => entry.index > from),
      incarnation: this.#incarnation * 1000 + this.id,
      ...(makeClusterId === undefined ? {} : { makeClusterId }),
      drawElectionTimeout: () =>
        toTicks(random.between(limits.electionTimeoutTicksMin, 2 * limits.electionTimeoutTicksMin)),
      drawDisconnectDelay: () => toTicks(random.between(1, 5)),
      limits,
    });
  }

  #send(waiting: Waiting): void {
    const durable = this.#hardStatesBegun - this.#unsyncedHardStates.length;
    if (waiting.hardState <= durable) this.outgoing.push(waiting.message);
    else this.#waiting.push(waiting);
  }

  #store({ write, discarded }: UnsyncedWrite): void {
    if (discarded) return;
    const first = write.entries[0];
    assert(first !== undefined, "Cannot write no entries");
    this.#log = [...this.#log.filter((entry) => entry.index < first.index), ...write.entries];
  }

  /** What the driver does: fills a chunk from the snapshot file, which it keeps open for transfers under way. */
  #filled(message: Message): Message {
    if (message.type !== "InstallSnapshot") return message;
    const file = this.#fileOf(message.lastIncludedIndex);
    const end = message.offset + this.#options.limits.chunkBytesMax;
    return { ...message, data: file.slice(message.offset, end) };
  }

  #fileOf(index: number): Uint8Array {
    if (this.#snapshot !== undefined) this.#openFiles.set(this.snapshotIndex, this.#snapshot.bytes);
    const file = this.#openFiles.get(index);
    assert(file !== undefined, `Cannot send snapshot ${index}: it was never open`);
    return file;
  }

  #storeChunk(chunk: SnapshotChunk): void {
    if (chunk.offset === 0) this.#receiving = { lastIncluded: chunk.lastIncluded, bytes: [] };
    const receiving = this.#receiving;
    assert(receiving !== undefined && receiving.bytes.length === chunk.offset, "A chunk out of order was handed out");
    receiving.bytes.push(...chunk.data);
    if (!chunk.done) return;
    const bytes = new Uint8Array(receiving.bytes);
    const description = {
      lastIncluded: chunk.lastIncluded,
      configuration: chunk.configuration,
      bytes: bytes.length,
    };
    this.loading = { description, bytes };
  }

  #configurationAt(): Configuration {
    const found = this.applied.findLast((entry) => entry.type === "Configuration");
    return found?.type === "Configuration" ? found.configuration : this.#options.configuration;
  }
}

/** The entry a log or snapshot ends with. */
export function lastIdOf(entries: readonly Entry[]): EntryId {
  const last = entries.at(-1);
  return last === undefined ? ZERO_ENTRY_ID : { index: last.index, term: last.term };
}

function decodeState(bytes: Uint8Array): Entry[] {
  const text = decoder.decode(bytes);
  return text === "" ? [] : text.split("\n").map((line): Entry => JSON.parse(line));
}
