/**
 * Drives one RaftNode by hand-made events, the way its driver would: collects writes, answers `Persisted`, remembers what a
 * disk would hold. The server under test has id 1 in a cluster of voters 1, 2, 3 unless a test says otherwise.
 */

import { assertEquals, fail } from "@std/assert";
import { DEFAULT_RAFT_LIMITS } from "../../lib/raft/limits.ts";
import { RaftNode } from "../../lib/raft/raft_node.ts";
import { toIndex, toTerm, toTicks } from "../../lib/raft/types.ts";
import type { Event } from "../../lib/raft/events.ts";
import type { Message } from "../../lib/raft/messages.ts";
import type { RaftLimits } from "../../lib/raft/options.ts";
import type { RaftStatus } from "../../lib/raft/status.ts";
import type { Configuration, Entry, HardState, NodeId, SnapshotDescription } from "../../lib/raft/types.ts";
import type { LogWrite, Update } from "../../lib/raft/update.ts";

/** Ticks between heartbeats in these tests. */
export const HEARTBEAT = 2;
/** Shortest election timeout. */
export const TIMEOUT_MIN = 10;
/** The election timeout that is drawn unless a test injects another. */
export const TIMEOUT = 15;
/** The drawn delay after `PeerDisconnected(leader)`. */
export const DISCONNECT_DELAY = 3;

const STEPS_MAX = 1_000;

/** What a test wants of the server under test; everything has a default. */
export interface Setup {
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
  readonly incarnation?: number;
  readonly drawElectionTimeout?: () => number;
}

/** A configuration of members whose addresses do not matter. */
export function configurationOf(
  voters: readonly NodeId[],
  others: { readonly votersOld?: readonly NodeId[]; readonly learners?: readonly NodeId[] } = {},
): Configuration {
  const votersOld = others.votersOld ?? [];
  const learners = others.learners ?? [];
  const ids = [...new Set([...voters, ...votersOld, ...learners])].sort((a, b) => a - b);
  const members = ids.map((id) => ({ id, address: `h:${id}`, clientAddress: `c:${id}`, identity: "" }));
  return { members, voters, votersOld, learners };
}

/** The log of commands whose terms are `terms`, from index `first` on; equal (index, term) gives an equal command. */
export function logOf(terms: readonly number[], first = 1): Entry[] {
  return terms.map((term, at) => ({
    type: "Command",
    index: toIndex(first + at),
    term: toTerm(term),
    command: `${first + at}@${term}`,
  }));
}

/** A configuration entry. */
export function configurationEntry(
  id: { readonly index: number; readonly term: number },
  configuration: Configuration,
): Entry {
  return { type: "Configuration", index: toIndex(id.index), term: toTerm(id.term), configuration };
}

/** A snapshot of the log up to `last`, of 10 bytes and voters 1, 2, 3 unless said otherwise. */
export function snapshotAt(
  last: { readonly index: number; readonly term: number },
  rest: { readonly bytes?: number; readonly configuration?: Configuration } = {},
): SnapshotDescription {
  return {
    lastIncluded: { index: toIndex(last.index), term: toTerm(last.term) },
    configuration: rest.configuration ?? configurationOf([1, 2, 3]),
    bytes: rest.bytes ?? 10,
  };
}

/** The terms of a log, which with the indexes say everything about it. */
export function termsOf(entries: readonly Entry[]): number[] {
  return entries.map((entry) => entry.term);
}

/** The message type with discriminant `T`. */
export type MessageOf<T extends Message["type"]> = Extract<Message, { readonly type: T }>;

/** One Update, or several in a row as if they were one. */
export class Effects implements Update {
  readonly hardState: HardState | undefined;
  readonly writes: Update["writes"];
  readonly snapshotChunks: Update["snapshotChunks"];
  readonly messages: Update["messages"];
  readonly durableMessages: Update["durableMessages"];
  readonly apply: Update["apply"];
  readonly confirmedReads: Update["confirmedReads"];
  readonly refusedReads: Update["refusedReads"];
  readonly accepted: Update["accepted"];
  readonly refused: Update["refused"];

  constructor(updates: readonly Update[]) {
    this.hardState = updates.findLast((update) => update.hardState !== undefined)?.hardState;
    this.writes = updates.flatMap((update) => update.writes);
    this.snapshotChunks = updates.flatMap((update) => update.snapshotChunks);
    this.messages = updates.flatMap((update) => update.messages);
    this.durableMessages = updates.flatMap((update) => update.durableMessages);
    this.apply = updates.flatMap((update) => update.apply);
    this.confirmedReads = updates.flatMap((update) => update.confirmedReads);
    this.refusedReads = updates.flatMap((update) => update.refusedReads);
    this.accepted = updates.flatMap((update) => update.accepted);
    this.refused = updates.flatMap((update) => update.refused);
  }

  /** Every message of `type`, to `peer` if given, whichever list it leaves by. */
  sent<T extends Message["type"]>(type: T, peer?: NodeId): MessageOf<T>[] {
    return pick([...this.messages, ...this.durableMessages], type)
      .filter((message) => peer === undefined || message.to === peer);
  }

  /** The one message of `type`, to `peer` if given; fails when there are none or several. */
  sole<T extends Message["type"]>(type: T, peer?: NodeId): MessageOf<T> {
    const found = this.sent(type, peer);
    assertEquals(found.length, 1, `messages of type ${type}`);
    return found[0] ?? fail();
  }

  /** Entries written, all writes together. */
  get written(): Entry[] {
    return this.writes.flatMap((write) => write.entries);
  }

  /** Ids of the confirmed reads. */
  get confirmedIds(): number[] {
    return this.confirmedReads.map((read) => read.id);
  }
}

/** The messages of one type. */
export function pick<T extends Message["type"]>(messages: readonly Message[], type: T): MessageOf<T>[] {
  return messages.filter((message): message is MessageOf<T> => message.type === type);
}

/** Calls `run` until `done`, and fails rather than never ending. */
export function until(done: () => boolean, run: () => void): void {
  for (let count = 0; !done(); count++) {
    if (count === STEPS_MAX) fail(`Not reached in ${STEPS_MAX} steps`);
    run();
  }
}

/** A RaftNode, its disk, and peers that can be made to agree with everything. */
export class Server {
  readonly id: NodeId;
  /** The log as written so far, durable or not, after the snapshot it started from. */
  log: Entry[];
  /** Every entry handed out for application, in order. */
  readonly applied: Entry[] = [];
  /** The last hard state asked for. */
  hardState: HardState;
  snapshot: SnapshotDescription | undefined;
  readonly #setup: Setup;
  #node: RaftNode;
  #durable: Entry[];
  #pending: LogWrite[] = [];
  /** How far the pretended peers hold the log. */
  readonly #matched = new Map<NodeId, number>();

  constructor(setup: Setup = {}) {
    this.#setup = setup;
    this.id = setup.id ?? 1;
    this.log = [...(setup.entries ?? [])];
    this.#durable = this.log;
    this.snapshot = setup.snapshot;
    const lastTerm = this.log.at(-1)?.term ?? setup.snapshot?.lastIncluded.term ?? 0;
    this.hardState = { currentTerm: toTerm(setup.term ?? lastTerm), votedFor: setup.votedFor };
    this.#node = this.#start();
  }

  get status(): RaftStatus {
    return this.#node.status();
  }

  /** One event, and nothing made durable. */
  step(event: Event): Effects {
    const effects = new Effects([this.#node.step(event)]);
    if (effects.hardState !== undefined) this.hardState = effects.hardState;
    for (const write of effects.writes) this.log = appendTo(this.log, write);
    this.#pending.push(...effects.writes);
    this.applied.push(...effects.apply);
    if (event.type === "SnapshotTaken" || event.type === "SnapshotInstalled") this.snapshot = event.snapshot;
    return effects;
  }

  /** Reports the `count` oldest outstanding writes (all, when left out) as durable. */
  persist(count = this.#pending.length): Effects {
    const done = this.#pending.splice(0, count);
    for (const write of done) this.#durable = appendTo(this.#durable, write);
    const write = done.at(-1);
    const last = write?.entries.at(-1);
    if (write === undefined || last === undefined) return new Effects([]);
    return this.step({ type: "Persisted", write: write.number, last: { index: last.index, term: last.term } });
  }

  /** One event, with everything it writes durable at once. */
  run(event: Event): Effects {
    const updates = [this.step(event)];
    while (this.#pending.length > 0) updates.push(this.persist());
    return new Effects(updates);
  }

  receive(message: Message): Effects {
    return this.run({ type: "Receive", message });
  }

  tick(count = 1): Effects {
    return new Effects(Array.from({ length: count }, () => this.run({ type: "Tick" })));
  }

  propose(...commands: string[]): Effects {
    return this.run({ type: "Propose", id: 1, commands });
  }

  read(id: number): Effects {
    return this.run({ type: "Read", id });
  }

  /** Asks for these voters and learners. */
  change(voters: readonly NodeId[], learners: readonly NodeId[] = []): Effects {
    const { members } = configurationOf(voters, { learners });
    return this.run({ type: "ChangeMembership", id: 9, members, voters, learners });
  }

  /** The process dies and starts again with what was durable. */
  restart(): void {
    this.#pending = [];
    this.log = [...this.#durable];
    this.#node = this.#start();
  }

  /** Answers every AppendEntries in `effects`, and those that follow, as peers with the leader's own log would. */
  acknowledge(effects: Effects, peers?: readonly NodeId[]): Effects {
    const updates: Effects[] = [];
    let queue = effects.sent("AppendEntries");
    for (let count = 0; queue.length > 0; count++) {
      if (count === STEPS_MAX) fail("The leader never stops sending");
      const message = queue.shift();
      if (message === undefined || (peers !== undefined && !peers.includes(message.to))) continue;
      const match = Math.max(this.#matched.get(message.to) ?? 0, message.prevLogIndex + message.entries.length);
      this.#matched.set(message.to, match);
      const { to: from, from: to, term, round } = message;
      const answer = this.receive({
        ...{ type: "AppendEntriesResult", from, to, term, success: true, matchIndex: toIndex(match), round },
        ...{ rejectedIndex: toIndex(0), conflictIndex: toIndex(0), conflictTerm: toTerm(0) },
      });
      updates.push(answer);
      queue = queue.concat(answer.sent("AppendEntries"));
    }
    return new Effects(updates);
  }

  #start(): RaftNode {
    const setup = this.#setup;
    return new RaftNode({
      id: this.id,
      initialConfiguration: setup.configuration ??
        configurationOf(setup.voters ?? [1, 2, 3], { learners: setup.learners ?? [] }),
      hardState: this.hardState,
      snapshot: this.snapshot,
      entries: this.log,
      incarnation: setup.incarnation ?? 77,
      drawElectionTimeout: () => toTicks(setup.drawElectionTimeout?.() ?? TIMEOUT),
      drawDisconnectDelay: () => toTicks(DISCONNECT_DELAY),
      limits: {
        ...DEFAULT_RAFT_LIMITS,
        heartbeatTicks: toTicks(HEARTBEAT),
        electionTimeoutTicksMin: toTicks(TIMEOUT_MIN),
        ...setup.limits,
      },
    });
  }
}

/** A log file after a write: what is at or above its first index is replaced. */
function appendTo(log: readonly Entry[], write: LogWrite): Entry[] {
  const first = write.entries[0]?.index ?? fail("Empty write");
  return [...log.filter((entry) => entry.index < first), ...write.entries];
}

/** Lets time pass until the server asks for pre-votes. */
export function campaign(server: Server): Effects {
  let effects = new Effects([]);
  until(() => effects.sent("RequestVote").length > 0, () => effects = server.tick());
  return effects;
}

/**
 * Grants the requests for votes in `effects`, those to `peers` only if given, until the role changes. Returns what the last
 * answer led to, before anything is durable.
 */
export function grant(server: Server, effects: Effects, ...peers: NodeId[]): Effects {
  const role = server.status.role;
  let answer = new Effects([]);
  for (const request of effects.sent("RequestVote")) {
    if (peers.length > 0 && !peers.includes(request.to)) continue;
    const { to: from, from: to, term, preVote } = request;
    const message = { type: "RequestVoteResult", from, to, term, preVote, voteGranted: true } as const;
    answer = server.step({ type: "Receive", message });
    if (server.status.role !== role) break;
  }
  return answer;
}

/** Makes the server a candidate with pre-votes from everybody; the result holds its requests for votes. */
export function makeCandidate(server: Server): Effects {
  const effects = grant(server, campaign(server));
  assertEquals(server.status.role, "Candidate");
  return effects;
}

/** Makes the server leader; its no-op is neither durable nor sent further than the returned effects. */
export function elect(server: Server): Effects {
  const effects = grant(server, makeCandidate(server));
  assertEquals(server.status.role, "Leader");
  return effects;
}

/** A leader whose no-op is committed and whose peers hold all its log. */
export function leaderOf(setup: Setup = {}): Server {
  const server = new Server(setup);
  const effects = elect(server);
  server.acknowledge(new Effects([effects, server.persist()]));
  // A heartbeat more, so that every peer has been told the commit index.
  server.acknowledge(server.tick(HEARTBEAT));
  assertEquals(server.status.termCommitted, true);
  return server;
}
