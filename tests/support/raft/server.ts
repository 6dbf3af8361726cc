/**
 * One core as its driver runs it: a disk that forgets what was not synced, a state machine that is a list, and messages that
 * leave when what they promise is durable. By itself it has id 1 among voters 1, 2, 3.
 */

import { assert } from "../../../lib/base/assert.ts";
import type { Event } from "../../../lib/raft/events.ts";
import { DEFAULT_RAFT_LIMITS } from "../../../lib/raft/limits.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import type { RaftLimits } from "../../../lib/raft/options.ts";
import { RaftNode } from "../../../lib/raft/raft_node.ts";
import type { RaftStatus } from "../../../lib/raft/status.ts";
import {
  type Configuration,
  type Entry,
  type EntryId,
  type HardState,
  type NodeId,
  type SnapshotDescription,
  toTerm,
  toTicks,
} from "../../../lib/raft/types.ts";
import type { SnapshotChunk } from "../../../lib/raft/update.ts";
import { RaftDisk, type SnapshotFile, type Survivors } from "./disk.ts";
import { Effects } from "./effects.ts";
import { configurationOf } from "./values.ts";
import { encodeCommands } from "../../../lib/raft/run.ts";
import { runsOf } from "../runs.ts";

/** Ticks between heartbeats. */
export const HEARTBEAT = 2;
/** Shortest election timeout. */
export const TIMEOUT_MIN = 10;
/** The election timeout that is drawn unless a test injects another. */
export const TIMEOUT = 15;
/** The drawn delay after `PeerDisconnected(leader)`. */
export const DISCONNECT_DELAY = 3;

/** What a server is made of; everything has a default. */
export interface RaftServerOptions {
  readonly id?: NodeId;
  readonly voters?: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** Instead of `voters` and `learners`. */
  readonly configuration?: Configuration;
  /** Defaults to the highest term in the log or snapshot. */
  readonly term?: number;
  readonly votedFor?: NodeId | undefined;
  readonly entries?: readonly Entry[];
  readonly snapshot?: SnapshotDescription;
  readonly limits?: Partial<RaftLimits>;
  /** Of its first life. */
  readonly incarnation?: number;
  drawElectionTimeout?(): number;
  drawDisconnectDelay?(): number;
  /** See `RaftOptions`. */
  makeClusterId?(): string;
}

/** A message that waits until so many hard states are durable. */
interface Waiting {
  readonly hardStates: number;
  readonly message: Message;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A server that can be stepped, synced in parts, crashed and started again. */
export class RaftServer {
  readonly id: NodeId;
  readonly disk: RaftDisk;
  node: RaftNode;
  up = true;
  /** No test takes the directory of a core away. */
  readonly rejoins = false;
  /** The event of the last step. */
  lastEvent: Event | undefined;
  /** Messages that have left the server. */
  outgoing: Message[] = [];
  /** Entries applied in this life, after those of the snapshot. */
  applied: Entry[] = [];
  /** A received snapshot; the driver may take its time to load it. */
  loading: SnapshotFile | undefined;
  readonly #options: RaftServerOptions;
  readonly #configuration: Configuration;
  readonly #limits: RaftLimits;
  #incarnation: number;
  #waiting: Waiting[] = [];
  readonly #openFiles = new Map<number, Uint8Array>();
  #receiving: { readonly lastIncluded: EntryId; bytes: number[] } | undefined;

  constructor(options: RaftServerOptions = {}) {
    const { id = 1, entries = [], snapshot, votedFor, voters = [1, 2, 3], learners = [] } = options;
    this.id = id;
    this.#options = options;
    this.#configuration = options.configuration ?? configurationOf(voters, { learners });
    const timing = { heartbeatTicks: toTicks(HEARTBEAT), electionTimeoutTicksMin: toTicks(TIMEOUT_MIN) };
    this.#limits = { ...DEFAULT_RAFT_LIMITS, ...timing, ...options.limits };
    this.#incarnation = options.incarnation ?? 1000 + id;
    const term = options.term ?? entries.at(-1)?.term ?? snapshot?.lastIncluded.term ?? 0;
    this.disk = new RaftDisk({
      hardState: { currentTerm: toTerm(term), votedFor },
      log: entries,
      snapshot: snapshot === undefined ? undefined : blankFile(snapshot),
    });
    this.node = this.#start();
  }

  /** Another object in each life. */
  get life(): object {
    return this.node;
  }

  get status(): RaftStatus {
    return this.node.status();
  }

  /** The log behind the snapshot as written so far, durable or not. */
  get log(): readonly Entry[] {
    return this.disk.log;
  }

  /** The last hard state that was written, durable or not. */
  get hardState(): HardState {
    return this.disk.hardState;
  }

  /** Steps the node and performs the effects that need no sync. */
  step(event: Event): Effects {
    this.lastEvent = event;
    this.#storeSnapshotOf(event);
    const effects = new Effects([this.node.step(event)]);
    const before = this.disk.hardStatesWritten;
    this.disk.write(effects);
    for (const chunk of effects.snapshotChunks) this.#storeChunk(chunk);
    for (const message of effects.messages) this.#send({ hardStates: before, message: this.#filled(message) });
    for (const message of effects.durableMessages) this.#send({ hardStates: this.disk.hardStatesWritten, message });
    this.applied.push(...effects.applied);
    return effects;
  }

  /** One event, with everything it writes durable at once. */
  run(event: Event): Effects {
    const updates = [this.step(event)];
    while (this.disk.unsynced > 0) updates.push(this.persist());
    return new Effects(updates);
  }

  receive(message: Message): Effects {
    return this.run({ type: "Receive", message });
  }

  tick(count = 1): Effects {
    return new Effects(Array.from({ length: count }, () => this.run({ type: "Tick" })));
  }

  propose(...commands: string[]): Effects {
    return this.run({ type: "Propose", id: 1, commands: encodeCommands(commands) });
  }

  read(id: number): Effects {
    return this.run({ type: "Read", id });
  }

  /** Asks for these voters and learners. */
  change(voters: readonly NodeId[], learners: readonly NodeId[] = []): Effects {
    const { members } = configurationOf(voters, { learners });
    return this.run({ type: "ChangeMembership", id: 9, members, voters, learners });
  }

  /** Makes all hard states and the oldest `writes` writes (all, when left out) durable. */
  persist(writes = Infinity): Effects {
    this.syncHardStates(Infinity);
    return new Effects([this.syncWrites(writes)].filter((update) => update !== undefined));
  }

  /** Makes the oldest `count` hard states durable and lets the messages go that waited for them. */
  syncHardStates(count: number): void {
    this.disk.syncHardStates(count);
    const waiting = this.#waiting.splice(0);
    for (const message of waiting) this.#send(message);
  }

  /** Makes the oldest `count` writes durable and tells the node. */
  syncWrites(count: number): Effects | undefined {
    const write = this.disk.syncWrites(count);
    return write && this.step({ type: "Persisted", write: write.number, last: write.run.last });
  }

  /** Takes a snapshot of the state machine and keeps `keep` entries before it in the log. */
  takeSnapshot(keep: number): Effects | undefined {
    const last = this.applied.at(-1);
    if (last === undefined || last.index <= this.disk.snapshotIndex || this.loading !== undefined) return undefined;
    const lastIncluded = { index: last.index, term: last.term };
    const bytes = encoder.encode(this.applied.map((entry) => JSON.stringify(entry)).join("\n"));
    const snapshot = { lastIncluded, configuration: this.#appliedConfiguration(), bytes: bytes.length };
    const keepFrom = Math.max(1, last.index + 1 - keep);
    this.disk.keepSnapshot({ description: snapshot, bytes }, keepFrom);
    return this.step({ type: "SnapshotTaken", snapshot, keepFrom });
  }

  /** Loads the snapshot that was received, or refuses it. */
  finishLoading(good: boolean): Effects | undefined {
    const file = this.loading;
    this.loading = undefined;
    if (file === undefined) return undefined;
    if (!good) return this.step({ type: "SnapshotRejected", lastIncluded: file.description.lastIncluded });
    this.#install(file);
    return this.step({ type: "SnapshotInstalled", snapshot: file.description });
  }

  /** The process dies. */
  crash(survivors: Survivors): void {
    this.disk.crash(survivors);
    this.up = false;
    this.outgoing = [];
    this.#waiting = [];
    this.#receiving = undefined;
    this.loading = undefined;
  }

  /** The process starts again from its disk. */
  restart(): void {
    assert(!this.up, `Cannot start server ${this.id}: it is up`);
    this.up = true;
    this.applied = decodeState(this.disk.snapshot);
    this.#incarnation += 1000;
    this.node = this.#start();
  }

  #start(): RaftNode {
    const { drawElectionTimeout, drawDisconnectDelay, makeClusterId } = this.#options;
    const { hardState, log, snapshot } = this.disk.durable;
    return new RaftNode({
      id: this.id,
      initialConfiguration: this.#configuration,
      hardState,
      snapshot: snapshot?.description,
      runs: runsOf(log.filter((entry) => entry.index > this.disk.snapshotIndex)),
      incarnation: this.#incarnation,
      ...(makeClusterId === undefined ? {} : { makeClusterId }),
      drawElectionTimeout: () => toTicks(drawElectionTimeout?.() ?? TIMEOUT),
      drawDisconnectDelay: () => toTicks(drawDisconnectDelay?.() ?? DISCONNECT_DELAY),
      limits: this.#limits,
    });
  }

  #send(waiting: Waiting): void {
    if (waiting.hardStates <= this.disk.hardStatesDurable) this.outgoing.push(waiting.message);
    else this.#waiting.push(waiting);
  }

  /** A test may say itself that there is a snapshot; its state is blank then. */
  #storeSnapshotOf(event: Event): void {
    if (event.type !== "SnapshotTaken" && event.type !== "SnapshotInstalled") return;
    if (event.snapshot === this.disk.snapshot?.description) return;
    if (event.type === "SnapshotTaken") this.disk.keepSnapshot(blankFile(event.snapshot), event.keepFrom);
    else this.#install(blankFile(event.snapshot));
  }

  #install(file: SnapshotFile): void {
    this.loading = undefined;
    this.disk.installSnapshot(file);
    this.applied = decodeState(file);
  }

  /** What the driver does: fills a chunk from the snapshot file, which it keeps open for transfers under way. */
  #filled(message: Message): Message {
    if (message.type !== "InstallSnapshot") return message;
    const { snapshot, snapshotIndex } = this.disk;
    if (snapshot !== undefined) this.#openFiles.set(snapshotIndex, snapshot.bytes);
    const file = this.#openFiles.get(message.lastIncludedIndex);
    assert(file !== undefined, `Cannot send snapshot ${message.lastIncludedIndex}: it was never open`);
    return { ...message, data: file.slice(message.offset, message.offset + this.#limits.chunkBytesMax) };
  }

  #storeChunk({ lastIncluded, configuration, offset, data, done }: SnapshotChunk): void {
    if (offset === 0) this.#receiving = { lastIncluded, bytes: [] };
    const receiving = this.#receiving;
    assert(receiving !== undefined && receiving.bytes.length === offset, "A chunk out of order was handed out");
    receiving.bytes.push(...data);
    if (!done) return;
    const bytes = new Uint8Array(receiving.bytes);
    this.loading = { description: { lastIncluded, configuration, bytes: bytes.length }, bytes };
  }

  #appliedConfiguration(): Configuration {
    const found = this.applied.findLast((entry) => entry.type === "Configuration");
    if (found?.type === "Configuration") return found.configuration;
    return this.disk.snapshot?.description.configuration ?? this.#configuration;
  }
}

/** A file of the right size for a snapshot of which only the description is known. */
function blankFile(description: SnapshotDescription): SnapshotFile {
  return { description, bytes: encoder.encode(" ".repeat(description.bytes)) };
}

function decodeState(file: SnapshotFile | undefined): Entry[] {
  const text = decoder.decode(file?.bytes).trim();
  return text === "" ? [] : text.split("\n").map((line): Entry => JSON.parse(line));
}
