/** Runs that a test makes up, step by step, for a check to judge: no core is asked whether they are possible. */

import type { Event } from "../../../../../lib/raft/events.ts";
import type { Message } from "../../../../../lib/raft/messages.ts";
import type { Run } from "../../../../../lib/raft/run.ts";
import type { PeerProgress } from "../../../../../lib/raft/status.ts";
import {
  type Configuration,
  type Entry,
  type EntryId,
  type NodeId,
  type Role,
  toIndex,
  toTerm,
  toTicks,
  ZERO_ENTRY_ID,
} from "../../../../../lib/raft/types.ts";
import type { Update } from "../../../../../lib/raft/update.ts";
import { runOf, runsOf } from "../../../runs.ts";
import { configurationOf } from "../../values.ts";
import type { CheckedCore, CheckedServer, RaftCheck } from "../check.ts";
import { Shadows } from "../shadow.ts";

/** What a made-up server is, as far as checks look. */
export interface MadeUpState {
  readonly role: Role;
  readonly term: number;
  readonly votedFor: NodeId | undefined;
  readonly leaderId: NodeId | undefined;
  readonly commitIndex: number;
  readonly log: readonly Entry[];
  /** The end of the log when left out. */
  readonly durableIndex: number | undefined;
  readonly snapshot: EntryId;
  readonly configuration: Configuration;
  readonly configurationIndex: number;
  readonly termCommitted: boolean;
  readonly matches: ReadonlyMap<NodeId, number>;
}

/** What happens in one step: the event, its effects, and how the server changes. */
export interface MadeUpStep extends Partial<MadeUpState> {
  readonly event?: Event;
  /** Received, instead of `event`. */
  readonly message?: Message;
  /** Written, each list in a write of its own for each term: takes the place of the log from the first one on. */
  readonly write?: readonly Entry[];
  readonly apply?: readonly Entry[];
  readonly update?: Partial<Update>;
}

const NOTHING: Update = {
  hardState: undefined,
  writes: [],
  snapshotChunks: [],
  messages: [],
  durableMessages: [],
  apply: [],
  confirmedReads: [],
  refusedReads: [],
  accepted: [],
  refused: [],
};

const FRESH: MadeUpState = {
  role: "Follower",
  term: 1,
  votedFor: undefined,
  leaderId: undefined,
  commitIndex: 0,
  log: [],
  durableIndex: undefined,
  snapshot: ZERO_ENTRY_ID,
  configuration: configurationOf([1, 2, 3]),
  configurationIndex: 0,
  termCommitted: false,
  matches: new Map(),
};

/** One server: in its state is what its last step made of it. */
class MadeUpServer implements CheckedServer {
  life = {};
  rejoins = false;
  state = FRESH;
  /** Of the writes in this life. */
  writes = 0;
  readonly raft: CheckedCore;

  constructor(readonly id: NodeId) {
    this.raft = coreOf(this);
  }
}

/** A run of several servers under one check. Whatever the check says is kept until it is asked for. */
export class MadeUpRun {
  readonly shadows = new Shadows((message) => this.#violations.push(message));
  readonly #servers = new Map<NodeId, MadeUpServer>();
  readonly #checks: readonly RaftCheck[];
  #violations: string[] = [];

  /** `make` makes the check that is looked at; the shadows follow every step before it. */
  constructor(make: (violate: (message: string) => void, shadows: Shadows) => RaftCheck) {
    this.#checks = [this.shadows, make((message) => this.#violations.push(message), this.shadows)];
  }

  /** One step of a server. */
  step(id: NodeId, { event, message, write = [], apply = [], update = {}, ...change }: MadeUpStep): void {
    const server = this.#server(id);
    const writes = runsOf(write).map((run) => ({ number: server.writes += 1, run }));
    const log = [...server.state.log.filter(({ index }) => index < (write[0]?.index ?? Infinity)), ...write];
    server.state = { ...server.state, log, ...change };
    const happened: Event = event ?? (message === undefined ? { type: "Tick" } : { type: "Receive", message });
    const effects = { ...NOTHING, writes, apply: runsOf(apply), ...update };
    for (const check of this.#checks) check.stepped?.(server, { raft: server.raft, event: happened, update: effects });
    for (const left of [...effects.messages, ...effects.durableMessages]) {
      for (const check of this.#checks) check.sent?.(server, left);
    }
  }

  /** The process of a server ends, and another one begins with this. */
  restart(id: NodeId, change: Partial<MadeUpState> = {}): void {
    const server = this.#server(id);
    for (const check of this.#checks) check.ended?.(server);
    server.life = {};
    server.writes = 0;
    server.state = { ...server.state, role: "Follower", matches: new Map(), commitIndex: 0, ...change };
    for (const check of this.#checks) check.started?.(server, server.raft.status());
  }

  /** An entry is committed, as that server says. */
  commit(id: NodeId, entry: Entry): void {
    for (const check of this.#checks) check.committed?.(entry, this.#server(id).raft);
  }

  /** A server begins anew with an empty directory, and is not admitted yet. */
  wipe(id: NodeId): void {
    const server = this.#server(id);
    for (const check of this.#checks) check.wiped?.(server);
    server.rejoins = true;
    this.restart(id, FRESH);
  }

  /** What was found since it was last asked, each once. */
  found(): readonly string[] {
    const found = [...new Set(this.#violations)];
    this.#violations = [];
    return found;
  }

  #server(id: NodeId): MadeUpServer {
    const server = this.#servers.get(id) ?? new MadeUpServer(id);
    this.#servers.set(id, server);
    return server;
  }
}

/** The messages of the tests, with what no check looks at filled in. */
export const MESSAGES = {
  append(from: NodeId, to: NodeId, what: { term: number; prev: EntryId; entries?: readonly Entry[]; round?: number }) {
    const { term, prev, entries = [], round = 0 } = what;
    return {
      type: "AppendEntries",
      from,
      to,
      term: toTerm(term),
      prevLogIndex: prev.index,
      prevLogTerm: prev.term,
      entries: runOf(entries) as Run | undefined,
      leaderCommit: toIndex(0),
      round,
      confirm: false,
    } as const;
  },

  /** An acknowledgement of the log up to an index; a refusal where there is none. */
  appended(from: NodeId, to: NodeId, what: { term: number; matchIndex?: number; round?: number }) {
    const { term, matchIndex, round = 0 } = what;
    return {
      type: "AppendEntriesResult",
      from,
      to,
      term: toTerm(term),
      success: matchIndex !== undefined,
      matchIndex: toIndex(matchIndex ?? 0),
      rejectedIndex: toIndex(0),
      conflictIndex: toIndex(0),
      conflictTerm: toTerm(0),
      round,
    } as const;
  },

  vote(from: NodeId, to: NodeId, term: number) {
    const common = { type: "RequestVoteResult", preVote: false, voteGranted: true } as const;
    return { ...common, from, to, term: toTerm(term) };
  },

  question(from: NodeId, to: NodeId, what: { term: number; token: number }) {
    return { type: "ReadIndex", from, to, term: toTerm(what.term), incarnation: from, token: what.token } as const;
  },

  answer(from: NodeId, to: NodeId, what: { term: number; token: number; readIndex: number }) {
    const { term, token, readIndex } = what;
    const rest = { incarnation: to, token, confirmed: true, readIndex: toIndex(readIndex), timeMs: 0 };
    return { type: "ReadIndexResult", from, to, term: toTerm(term), ...rest } as const;
  },
};

/** The name of an entry, of plain numbers. */
export function entryId(index: number, term: number): EntryId {
  return { index: toIndex(index), term: toTerm(term) };
}

function coreOf(server: { readonly id: NodeId; readonly state: MadeUpState }): CheckedCore {
  const lastOf = ({ log, snapshot }: MadeUpState): EntryId => log.at(-1) ?? snapshot;
  const durableOf = (state: MadeUpState): EntryId => {
    const last = lastOf(state);
    const index = state.durableIndex ?? last.index;
    return state.log.find((entry) => entry.index === index) ?? (index === last.index ? last : entryId(index, 0));
  };
  return {
    get role() {
      return server.state.role;
    },
    get currentTerm() {
      return toTerm(server.state.term);
    },
    get leaderId() {
      return server.state.leaderId;
    },
    get commitIndex() {
      return toIndex(server.state.commitIndex);
    },
    get clusterId() {
      return undefined;
    },
    get configuration() {
      return server.state.configuration;
    },
    get configurationIndex() {
      return toIndex(server.state.configurationIndex);
    },
    get lastEntry() {
      return lastOf(server.state);
    },
    get lastDurable() {
      return durableOf(server.state);
    },
    logTail(count) {
      return server.state.log.slice(-count);
    },
    status() {
      const { state, id } = server;
      const last = lastOf(state);
      return {
        id,
        role: state.role,
        currentTerm: toTerm(state.term),
        votedFor: state.votedFor,
        leaderId: state.leaderId,
        commitIndex: toIndex(state.commitIndex),
        firstIndex: state.log[0]?.index ?? toIndex(last.index + 1),
        lastEntry: last,
        lastDurable: durableOf(state),
        snapshot: state.snapshot,
        logBytes: 0,
        configuration: state.configuration,
        termCommitted: state.termCommitted,
        progress: Array.from(state.matches, ([peer, matchIndex]): PeerProgress => ({
          id: peer,
          state: "Replicate",
          matchIndex: toIndex(matchIndex),
          nextIndex: toIndex(matchIndex + 1),
          silentTicks: toTicks(0),
        })),
        transferTarget: undefined,
        electionsStarted: 0,
      };
    },
  };
}
