/** Clients of the text protocol that log in by a token, and put, get and delete on the same connection until their login ends. */

import { assert } from "../../../lib/base/assert.ts";
import type { Random } from "../../../lib/base/random.ts";
import { type Command, encodeCommand } from "../../../lib/kv/commands.ts";
import { ClientMetrics } from "../../../lib/net/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../../lib/net/limits.ts";
import { MemoryBudget } from "../../../lib/net/memory_budget.ts";
import type { ClientLink, ProtocolSession } from "../../../lib/net/session.ts";
import { TurnBudget } from "../../../lib/net/turn_budget.ts";
import { TurnTime } from "../../../lib/net/turn_time.ts";
import type { Node } from "../../../lib/node/node.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { startTextConversation } from "../../../lib/protocol/text/interpreter.ts";
import { gateOf } from "../../support/gate.ts";
import type { Workload } from "../clients.ts";
import { operationOf } from "../operations.ts";
import type { Pending } from "../pending.ts";
import { type Asked, RecordingNode } from "../protocols/recording_node.ts";
import type { SimServer } from "../server.ts";
import { replyToRead, replyToRefusal, replyToWrite } from "../text/replies.ts";
import type { World } from "../world.ts";
import { appliedIndex, type Credentials, holdsAt, mayBeRefused, wasGood } from "./credentials.ts";

const KEYS = 3;
const OPERATIONS_PER_KEY = 200;
const REUSED = 0.85;

const LOGGED_IN = "Logged in.";
const WRONG = "Error: Wrong user or password.";
const NOT_KNOWN = "Error: The users are not known here yet. Try again later.";
const NOBODY = "Error: Authentication required. AUTH <user> <password> logs you in.";

/** What is counted. */
export const TEXT_LOGIN_NAMES = [
  ...["text login", "text login refused", "text by a login", "text ended with its login"] as const,
];

/** A line that waits for its reply. */
interface Line {
  readonly pending: Pending;
  /** Undefined for one that logs in or reads. */
  readonly command: Command | undefined;
  readonly isLogin: boolean;
  /** What the session asked of the node for it. */
  asked: Asked | undefined;
}

/** A connection; one line at a time. */
interface Open {
  readonly server: SimServer;
  readonly life: SimServer["life"];
  readonly node: Node;
  readonly login: number;
  /** What the node had applied when it was opened. */
  readonly openedAt: number;
  readonly session: ProtocolSession;
  isIn: boolean;
  hasEnded: boolean;
  line: Line | undefined;
}

/** What is known before the session is there. */
type Opening = Pick<Open, "server" | "node" | "login">;

/** Opens connections, sends lines and judges the replies. */
export class TextLogins {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #random: Random;
  #open: readonly Open[] = [];
  #uses = 0;

  constructor(world: World, { workload, random }: { readonly workload: Workload; readonly random: Random }) {
    this.#world = world;
    this.#workload = workload;
    this.#random = random;
  }

  /** One line of a client on a connection of any user, or the login of a new one. */
  actAs(client: number, server: SimServer, { node, as }: { readonly node: Node; readonly as: Credentials }): void {
    const known = this.#open.filter((open) => open.isIn && open.line === undefined && isUsable(open));
    const open = known.length > 0 && this.#random.chance(REUSED) ? this.#random.pick(known) : undefined;
    if (open === undefined) return this.#logIn(client, server, { node, as });
    this.#uses += 1;
    const key = `textlogin${this.#random.below(KEYS)}.${Math.floor(this.#uses / OPERATIONS_PER_KEY)}`;
    const name = this.#random.pick(["PUT", "GET", "GET", "DELETE"] as const);
    if (name === "GET") {
      const pending = this.#workload.begin(client, { operation: "get", key, argument: null, server: open.server });
      return this.#send(open, { pending, command: undefined, isLogin: false, asked: undefined }, `GET ${key}`);
    }
    const value = this.#workload.newValue().replaceAll("\u00e9", "-");
    const command: Command = name === "PUT" ? { type: "Put", key, value } : { type: "Delete", key };
    const pending = this.#workload.begin(client, { ...operationOf(command), server: open.server });
    const line = name === "PUT" ? `PUT ${key} ${value}` : `DELETE ${key}`;
    this.#send(open, { pending, command, isLogin: false, asked: undefined }, line);
  }

  /** Every connection of a login that has ended is ended by the node that has applied that. */
  watch(): void {
    this.#open = this.#open.filter(isUsable);
    for (const { server, node, login, isIn, line } of this.#open) {
      const waits = line?.asked !== undefined && line.asked.outcome === undefined;
      if (!isIn || waits || server.life.paused || holdsAt(this.#world, { node, login })) continue;
      this.#violate(server, `the connection of login ${login}, which has ended, goes on`);
    }
  }

  #logIn(client: number, server: SimServer, { node, as }: { readonly node: Node; readonly as: Credentials }): void {
    const open = this.#openAt({ server, node, login: as.login });
    this.#open = [...this.#open, open];
    const pending = this.#workload.begin(client, { operation: "text login", key: "", argument: null, server });
    this.#send(open, { pending, command: undefined, isLogin: true, asked: undefined }, `AUTH ${as.user} ${as.token}`);
  }

  #openAt({ server, node, login }: Opening): Open {
    const { clock } = server;
    assert(clock !== undefined, "A server that serves has a clock");
    this.#uses += 1;
    const recorder = {
      asks: (asked: Asked) => this.#asks(open, asked),
      ended: () => {},
      looks: () => {},
    };
    const recording = new RecordingNode(node, { metrics: new Registry(), recorder });
    const link = this.#linkOf(clock.now(), {
      reply: (line) => this.#replied(open, line),
      end: () => this.#ended(open),
    });
    const session = startTextConversation(link, {
      node: recording,
      changeMember: (change) => node.changeMember(change),
      gate: gateOf(node, clock),
      clock,
      log: () => {},
      warn: () => {},
      metrics: new ClientMetrics(recording.metrics),
      budget: new MemoryBudget(CLIENT_MEMORY_BYTES_MAX),
      turns: new TurnBudget(clock, REQUESTS_PER_TURN_MAX),
      turnTime: new TurnTime(clock),
      httpPort: undefined,
      connectionsMax: () => 1,
      connections: () => 1,
    });
    const state = { isIn: false, hasEnded: false, line: undefined };
    const open: Open = { server, life: server.life, node, login, openedAt: appliedIndex(node), session, ...state };
    return open;
  }

  #linkOf(
    openedAt: number,
    { reply, end }: { readonly reply: (line: string) => void; readonly end: () => void },
  ): ClientLink {
    // Whoever is refused does not hold up others.
    const remote = `textclient${this.#uses}:1`;
    const counts = { bytesReceived: 0, bytesSent: 0, readBufferBytes: 0, unsentBytes: 0 };
    return { remote, openedAt, ...counts, send: reply, wake: () => {}, finish: end, abort: end };
  }

  #send(open: Open, line: Line, text: string): void {
    open.line = line;
    open.session.receive(`${text}\n`);
  }

  #asks(open: Open, asked: Asked): void {
    if (!isAlive(open)) return;
    const { server, node, login, line } = open;
    const isAllowed = line !== undefined && !line.isLogin && !open.hasEnded && holdsAt(this.#world, { node, login });
    if (!isAllowed) return this.#violate(server, `asks for ${asked.encoded ?? "a read"} under login ${login}`);
    line.asked = asked;
  }

  #ended(open: Open): void {
    if (!isUsable(open)) return;
    const { server, node, login, line } = open;
    if (holdsAt(this.#world, { node, login })) return this.#violate(server, `ended, and login ${login} holds`);
    open.hasEnded = true;
    this.#workload.count("text ended with its login");
    // As sockets do: not from within the session.
    server.clock?.after(0, () => open.session.closed());
    if (line !== undefined && !line.pending.finished) this.#workload.lose(line.pending);
  }

  #replied(open: Open, text: string): void {
    const { line, server } = open;
    if (!isUsable(open)) return;
    open.line = undefined;
    if (line === undefined || !text.endsWith("\n")) return this.#violate(server, `${JSON.stringify(text)} for nothing`);
    if (!this.#workload.isExpected(line.pending)) return;
    const reply = text.slice(0, -1);
    if (line.isLogin) return this.#judgeLogin(open, { line, reply });
    if (reply === NOBODY && line.asked?.outcome?.type !== "Done") return this.#judgeNobody(open, line);
    this.#workload.count("text by a login");
    this.#judge(open, { line, reply });
  }

  #judgeLogin(open: Open, { line: { pending }, reply }: Answered): void {
    const { server, node, login, openedAt: shownAt } = open;
    const shown = { node, login, shownAt };
    if (reply === LOGGED_IN) {
      if (!wasGood(this.#world, shown)) return this.#violate(server, `login ${login} had ended, and came in`);
      open.isIn = true;
      return this.#workload.complete(pending, { result: null, index: null });
    }
    const isRefused = reply === WRONG && mayBeRefused(this.#world, shown);
    if (!isRefused && reply !== NOT_KNOWN) return this.#violate(server, `${reply} for login ${login}`);
    open.hasEnded = true;
    server.clock?.after(0, () => open.session.closed());
    this.#workload.count("text login refused");
    this.#workload.refuse(pending, "no login");
  }

  #judgeNobody({ server, node, login }: Open, { pending }: Line): void {
    if (holdsAt(this.#world, { node, login })) return this.#violate(server, `login ${login} holds, and was refused`);
    this.#workload.count("refused login");
    this.#workload.refuse(pending, "no login");
  }

  #judge(open: Open, { line, reply }: Answered): void {
    const { server, node, login } = open;
    const { pending, command, asked } = line;
    const { outcome, encoded } = asked ?? {};
    const wanted = command === undefined ? undefined : encodeCommand(command, undefined, login);
    if (outcome === undefined || encoded !== wanted) {
      return this.#violate(server, `${JSON.stringify(reply)} without ${wanted ?? "a read"}`);
    }
    const { key } = pending;
    switch (outcome.type) {
      case "Unknown":
        this.#expect(pending, reply, replyToWrite(outcome, { key, node }));
        return this.#workload.lose(pending);
      case "NotDone":
        this.#expect(pending, reply, replyToRefusal(outcome, { key, node }));
        if (command?.type === "Put" && wanted !== undefined) this.#workload.noteRefused(wanted);
        return this.#workload.refuse(pending, outcome.reason);
      case "Ready":
        return this.#judgeRead(open, { line, reply });
      default: {
        const judged = { result: outcome.result, encoded: wanted ?? "" };
        if (this.#workload.isDenied(pending, judged)) return this.#expect(pending, reply, NOBODY);
        this.#expect(pending, reply, replyToWrite(outcome, { key, node }));
        this.#workload.judgeResult(pending, judged);
        const shown = outcome.result.type === "Delete" ? outcome.result.existed : null;
        this.#workload.complete(pending, { result: shown, index: outcome.result.revision });
      }
    }
  }

  /** It shows what the model has at the index at which it read, and at which the login held. */
  #judgeRead({ server, node, login }: Open, { line: { pending, asked }, reply }: Answered): void {
    const index = appliedIndex(node);
    const confirmed = asked?.outcome?.type === "Ready" ? asked.outcome.index : Infinity;
    if (index < confirmed) this.#violate(server, `confirmed at ${confirmed}, and applied is ${index}`);
    if (!holdsAt(this.#world, { node, login })) this.#violate(server, `shown to login ${login}, which has ended`);
    this.#world.expiredKeys.read(pending, node);
    const value = this.#world.reference.seenAt(pending.key, { index, nowMs: node.state.readTimeMs })?.value;
    this.#expect(pending, reply, replyToRead(value, { key: pending.key, node }));
    this.#workload.complete(pending, { result: value ?? null, index });
  }

  #expect({ server }: Pending, reply: string, wanted: string | RegExp): void {
    const fits = typeof wanted === "string" ? reply === wanted : wanted.test(reply);
    if (!fits) this.#violate(server, `${JSON.stringify(reply)}, not ${wanted}`);
  }

  #violate({ id }: SimServer, what: string): void {
    this.#world.violate("text logins", `node ${id}: ${what}`);
  }
}

/** A reply, without its end. */
interface Answered {
  readonly line: Line;
  readonly reply: string;
}

function isAlive({ server, life }: Open): boolean {
  return server.life === life && life.alive;
}

function isUsable(open: Open): boolean {
  return !open.hasEnded && isAlive(open);
}
