/** The clients of a simulated cluster: one operation at a time each, every answer judged at once and kept in a history. */

import { bareCommand, type Command, encodeCommand, unstampCommand } from "../../lib/kv/commands.ts";
import { type CommandResult, resultToJson } from "../../lib/kv/results.ts";
import type { WriteOutcome } from "../../lib/node/api.ts";
import type { Entry } from "../../lib/raft/types.ts";
import type { Random } from "../../lib/base/random.ts";
import type { Operation } from "../linearizability/history.ts";
import type { Words } from "./call_maker.ts";
import type { Check } from "./check.ts";
import { type DrawnType, makeCommand, WRITE_SHARES } from "./command_maker.ts";
import { noteOverload } from "./lowered_limits.ts";
import type { SimServer } from "./server.ts";
import { IN_HISTORIES, isPutIfAbsent, isSameCommand, operationOf, shownOf } from "./operations.ts";
import { type Completion, describe, type Pending } from "./pending.ts";
import { PlainReads } from "./plain_reads.ts";
import type { ProbedNode, Protocol } from "./probes.ts";
import { HttpWork } from "./protocols/http_work.ts";
import { RespWork } from "./protocols/resp_work.ts";
import { QueryWork } from "./query_work.ts";
import { SessionWork } from "./session_work.ts";
import { TextWork } from "./text/text_work.ts";
import { LOGIN_SHARE, UserWork } from "./user_work.ts";
import type { World } from "./world.ts";

/** After so many operations a key is left for a new one, so that histories of one key stay short enough to be searched. */
const OPERATIONS_PER_KEY = 250;
/** Names that trip programs over. */
const KEY_NAMES = ["key", "__proto__", "\x00\xff", "constructor", "a b", "\r\n", "k\u00e9", ""] as const;

/** Shares of the work beside the writes, in hundredths. */
const READ_SHARE = 20;
const QUERY_SHARE = 16;
const SESSION_SHARE = 3;
const TEXT_SHARE = 8;
/** A pipeline is several requests. */
const RESP_SHARE = 2;
const HTTP_SHARE = 2;

/** What the clients did, and what is true of it. */
export class Workload implements Check {
  readonly name = "workload";
  readonly history: Operation[] = [];
  /** How often each kind of operation was done. */
  readonly done = new Map<string, number>();
  acknowledged = 0;
  unknown = 0;
  refused = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #text: TextWork;
  readonly #resp: RespWork;
  readonly #http: HttpWork;
  readonly #reads: PlainReads;
  readonly #queries: QueryWork;
  readonly #sessionWork: SessionWork;
  readonly #users: UserWork;
  readonly #words: Words;
  readonly #open = new Map<number, Pending>();
  readonly #refusedCommands = new Set<string>();
  readonly #committedPuts = new Set<string>();
  readonly #keyUses: number[] = [];
  #clients = 0;
  #values = 0;
  #completedIndex = 0;
  #stamp = 0;
  readonly sessions: number[] = [];
  #stopping = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#text = new TextWork(world, this);
    this.#words = {
      random: this.#random,
      now: () => world.server(0).wallClockMs(),
      key: (family) => `${family}${this.#pickKey()}`,
      value: () => this.newValue(),
    };
    this.#resp = new RespWork(world, { workload: this, words: this.#words });
    this.#http = new HttpWork(world, { workload: this, words: this.#words });
    this.#reads = new PlainReads(world, { workload: this, random: this.#random, pickKey: () => this.#pickKey() });
    this.#queries = new QueryWork({ world, workload: this, words: this.#words });
    this.#sessionWork = new SessionWork({ workload: this, words: this.#words });
    this.#users = new UserWork(world, { workload: this, words: this.#words, http: this.#http, resp: this.#resp });
    world.onEnd.push((server) => this.#serverEnded(server));
  }

  /** Operations that have not ended. */
  get open(): number {
    return this.#open.size;
  }

  /** The login of those who do the ordinary work. */
  get login(): number {
    return this.#users.keeper;
  }

  /** Begins the clients. */
  start(): void {
    for (let count = 0; count < this.#world.settings.clients; count++) this.#think(this.newClient());
    this.#reads.patrol();
  }

  /** Ends each client after its present operation. */
  stop(): void {
    this.#stopping = true;
    this.#reads.stop();
  }

  /** Takes an operation into the history; the calls of one run are told apart by their times. */
  begin(
    client: number,
    what: Pick<Pending, "operation" | "key" | "argument" | "server"> & { readonly isPatrol?: boolean },
  ): Pending {
    const known = this.#completedIndex;
    const pending = {
      client,
      isPatrol: false,
      ...what,
      call: this.#now(),
      known,
      hiddenMs: this.#world.expiredKeys.hiddenMs,
      life: what.server.life,
      finished: false,
    };
    this.#open.set(client, pending);
    this.#world.clock.busy = true;
    this.#world.trace(() => `client ${client} asks node ${what.server.id}: ${describe(pending)}`);
    return pending;
  }

  /** An operation was done. `index` is null where the protocol does not tell it. */
  complete(pending: Pending, { as, ...end }: Completion): void {
    const { client, key, call } = pending;
    const { operation, argument } = as ?? pending;
    this.count(operation);
    this.acknowledged += 1;
    if (end.index !== null) {
      if (end.index < pending.known) {
        this.#world.violate(
          "stale",
          `${describe(pending)} took effect at ${end.index}, after ${pending.known} was known`,
        );
      }
      this.#completedIndex = Math.max(this.#completedIndex, end.index);
    }
    if (this.#isInHistory(operation)) {
      this.history.push({ client, operation, key, argument, call, return: this.#now(), outcome: "ok", ...end });
    }
    this.#finish(pending, client, () => `done, ${end.result} at ${end.index}`);
  }

  /** It is not known whether it was done. What a client does afterwards it does under another name. */
  lose(pending: Pending): void {
    const { client, operation, key, argument, call } = pending;
    this.unknown += 1;
    if (operation !== "get" && operation !== "ask" && this.#isInHistory(operation)) {
      const none = { result: null, return: null, index: null } as const;
      this.history.push({ client, operation, key, argument, call, outcome: "unknown", ...none });
    }
    this.#finish(pending, this.newClient(), () => "unknown");
  }

  /** What removes every key at once is no operation of a history; where that is done, the model of all keys alone judges. */
  #isInHistory(operation: string): boolean {
    return !this.#world.settings.flushes && IN_HISTORIES.has(operation);
  }

  /** It was certainly not done. */
  refuse(pending: Pending, why: string): void {
    if (why === "Overloaded") noteOverload(this.#world, { done: this.done, what: describe(pending) });
    if (!pending.isPatrol) this.refused += 1;
    this.#finish(pending, pending.client, () => `not done: ${why}`);
  }

  /** Writes in a protocol by way of a node, as clients do that nobody else waits for. */
  probe(protocol: Protocol, probed: ProbedNode): void {
    const writers = { api: { probe: this.#probeNode }, text: this.#text, resp: this.#resp, http: this.#http };
    writers[protocol].probe(this.newClient(), probed);
  }

  readonly #probeNode = (client: number, { server, node, done }: ProbedNode): void => {
    const command: Command = { type: "Put", key: `probe${server.id}`, value: this.newValue() };
    const { login } = this;
    const encoded = encodeCommand(command, undefined, login);
    const pending = this.begin(client, { ...operationOf(command), server, isPatrol: true });
    node.submit(command, (outcome) => {
      if (this.wrote(pending, { command, encoded, outcome })) done();
    }, { login });
  };

  /** A client that nobody has heard of before. */
  newClient(): number {
    return this.#clients += 1;
  }

  /** Counts something that was done. */
  count(name: string): void {
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
  }

  /** A command of its own that is never used again. */
  newValue(): string {
    this.#values += 1;
    const length = this.#random.below(this.#world.settings.valueBytesMax);
    return `${this.#values}.`.padEnd(length, "\u00e9x");
  }

  /** See `Check`. No write that was refused is ever done, and none is done twice. */
  committed(entry: Entry): void {
    if (entry.type !== "Command") return;
    if (this.#refusedCommands.has(unstampCommand(entry.command))) {
      const refused = JSON.stringify(entry.command);
      this.#world.violate("refused-but-done", `${refused} was refused, and is entry ${entry.index}`);
    }
    const command = bareCommand(entry.command);
    if (command[2] !== "P" && command[2] !== "T") return;
    if (this.#committedPuts.has(command)) {
      this.#world.violate("done-twice", `${JSON.stringify(entry.command)} is done again by entry ${entry.index}`);
    }
    this.#committedPuts.add(command);
  }

  #now(): number {
    this.#stamp = Math.max(this.#stamp + 1, Math.round(this.#world.clock.now() * 1e6));
    return this.#stamp;
  }

  #think(client: number): void {
    if (this.#stopping) return;
    const pauseMs = -Math.log(1 - this.#random.fraction()) * this.#world.settings.thinkMs;
    this.#world.clock.plan(pauseMs, { action: () => this.#act(client), life: undefined, isArrival: false });
  }

  #act(client: number): void {
    const server = this.#pickServer();
    const node = server?.node;
    if (this.#stopping) return;
    if (server === undefined || node === undefined) return this.#think(client);
    let share = this.#random.below(100);
    for (const [type, width] of Object.entries(WRITE_SHARES) as [DrawnType, number][]) {
      if (share < width) return this.#write(client, server, this.#makeCommand(type));
      share -= width;
    }
    if (share < READ_SHARE) return this.#reads.read(client, server, { node, isPatrol: false });
    share -= READ_SHARE;
    if (share < LOGIN_SHARE && this.#users.logIn) return this.#users.actByLogin(client, server, node);
    if (share < QUERY_SHARE) return this.#queries.act(client, server, node);
    share -= QUERY_SHARE;
    if (share < SESSION_SHARE) return this.#sessionWork.act(client, server);
    share -= SESSION_SHARE;
    if (this.#world.settings.users && share < TEXT_SHARE + RESP_SHARE) return this.#users.act(client, server, node);
    if (share < TEXT_SHARE) return this.#text.act(client, server, node);
    share -= TEXT_SHARE;
    if (share < RESP_SHARE) return this.#resp.act(client, server, node);
    if (share < RESP_SHARE + HTTP_SHARE) return this.#http.act(client, server, { node, login: this.login });
    node.status();
    node.members();
    node.logTail(10);
    node.rpcCounts();
    this.#think(client);
  }

  /** The leader as far as it is known, now and then any node. */
  #pickServer(): SimServer | undefined {
    const running = this.#world.running();
    if (running.length === 0) return undefined;
    const server = this.#random.pick(running);
    const leaderId = server.node?.status().raft.leaderId;
    const leader = leaderId === undefined ? undefined : this.#world.servers[leaderId];
    return leader?.state === "Running" && !leader.life.paused && this.#random.chance(0.7) ? leader : server;
  }

  #pickKey(): string {
    const at = this.#random.below(this.#world.settings.keys);
    const uses = this.#keyUses[at] ?? 0;
    this.#keyUses[at] = uses + 1;
    return `${KEY_NAMES[at % KEY_NAMES.length]}${at}.${Math.floor(uses / OPERATIONS_PER_KEY)}`;
  }

  #makeCommand(type: DrawnType): Command {
    const { sessions } = this;
    const { flushes } = this.#world.settings;
    return makeCommand(type, { words: this.#words, sessions, flushes, plainKey: () => this.#pickKey() });
  }

  #write(client: number, server: SimServer, command: Command): void {
    const { login } = this;
    const encoded = encodeCommand(command, undefined, login);
    const pending = this.begin(client, { ...operationOf(command), server });
    const done = (outcome: WriteOutcome) => void this.wrote(pending, { command, encoded, outcome });
    // On any node, which passes it on, or only where the leader is.
    if (this.#random.chance(0.5)) server.node?.submit(command, done, { login });
    else server.node?.write(command, done, login);
  }

  /** Judges how a write has ended; returns whether it was done. `encoded` is the command as it was submitted. */
  wrote(
    pending: Pending,
    { command, encoded, outcome }: {
      readonly command: Command;
      readonly encoded: string;
      readonly outcome: WriteOutcome;
    },
  ): boolean {
    if (!this.isExpected(pending)) return false;
    if (outcome.type === "Unknown") this.lose(pending);
    else if (outcome.type === "NotDone") {
      if (command.type === "Put" || command.type === "Transaction") this.noteRefused(encoded);
      this.refuse(pending, outcome.reason);
    } else if (!this.isDenied(pending, { result: outcome.result, encoded })) {
      this.#takeResult(pending, { command, encoded, result: outcome.result });
      return true;
    }
    return false;
  }

  /** Whether a write was refused in its place in the log, since its login or a right is gone: then it has ended with that. */
  isDenied(pending: Pending, judged: { readonly result: CommandResult; readonly encoded: string }): boolean {
    const { type, reason } = { reason: "", ...judged.result };
    if (type !== "Forbidden" && reason !== "NotLoggedIn") return false;
    this.judgeResult(pending, judged);
    this.count(type === "Forbidden" ? "forbidden" : "refused login");
    this.refuse(pending, type);
    return true;
  }

  #takeResult(
    pending: Pending,
    { command, encoded, result }: {
      readonly command: Command;
      readonly encoded: string;
      readonly result: CommandResult;
    },
  ): void {
    const index = result.revision;
    this.#countAs(command, pending.operation);
    this.judgeResult(pending, { result, encoded });
    if (result.type === "Reply" && command.type === "OpenSession") this.sessions.push(index);
    this.complete(pending, { ...shownOf(result, pending), index });
  }

  /** What is refused as certainly not done is in the log neither before nor after. */
  noteRefused(encoded: string): void {
    this.#refusedCommands.add(encoded);
    const index = this.#world.reference.indexOf(encoded);
    if (index === undefined) return;
    this.#world.violate("refused-but-done", `${JSON.stringify(encoded)} is refused, and was done as entry ${index}`);
  }

  /** Counts under the names of the command and of its call what is counted under the name of its operation as well. */
  #countAs(command: Command, operation: string): void {
    const call = command.type === "Call" ? [command.call[0]?.toLowerCase() ?? ""] : [];
    const names = new Set([command.type.toLowerCase(), ...call, ...(isPutIfAbsent(command) ? ["put if absent"] : [])]);
    names.delete(operation);
    for (const name of names) this.count(name);
  }

  /** The entry that was acknowledged is the one that was sent, and its result is what the model of all keys says. */
  judgeResult(
    pending: Pending,
    { result, encoded }: { readonly result: CommandResult; readonly encoded: string },
  ): void {
    const index = result.revision;
    const entry = this.#world.reference.at(index);
    if (entry?.type !== "Command" || !isSameCommand(unstampCommand(entry.command), encoded)) {
      this.#world.violate("acknowledged", `${describe(pending)} was acknowledged as entry ${index}, which is another`);
    }
    const told = JSON.stringify(resultToJson(result));
    const wanted = JSON.stringify(this.#world.reference.resultAt(index));
    if (told !== wanted) {
      this.#world.violate("acknowledged", `${describe(pending)}: ${told} at ${index}, not ${wanted}`);
    }
  }

  /** A callback comes once, from a process that lives. */
  isExpected(pending: Pending): boolean {
    const { life } = pending.server;
    if (life !== pending.life || !life.alive) return false;
    if (pending.finished) this.#world.violate("callback", `${describe(pending)} was answered twice`);
    return !pending.finished;
  }

  #serverEnded(server: SimServer): void {
    for (const pending of [...this.#open.values()]) {
      if (pending.life !== server.life) continue;
      pending.lost?.();
      this.lose(pending);
    }
  }

  #finish(pending: Pending, client: number, outcome: () => string): void {
    pending.finished = true;
    this.#open.delete(pending.client);
    this.#world.trace(() => `client ${pending.client} ${describe(pending)}: ${outcome()}`);
    if (!pending.isPatrol) this.#think(client);
  }
}
