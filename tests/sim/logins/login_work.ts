/** Users who come in with tokens, which are made, used, revoked and expire meanwhile, and who have sessions and connections of their own. */

import { hashSecret, writeToken } from "../../../lib/access/tokens.ts";
import type { Command } from "../../../lib/kv/commands.ts";
import { NEVER } from "../../../lib/kv/tokens.ts";
import type { Node } from "../../../lib/node/node.ts";
import { makeSharedCall, type Words } from "../call_maker.ts";
import type { Workload } from "../clients.ts";
import { GrantReads } from "../grant_reads.ts";
import type { Submit } from "../grant_work.ts";
import type { HttpWork } from "../protocols/http_work.ts";
import { RESP_LOGIN_NAMES, type RespWork } from "../protocols/resp_work.ts";
import type { SimServer } from "../server.ts";
import type { World } from "../world.ts";
import type { Credentials } from "./credentials.ts";
import { OWNED_SESSION_NAMES, OwnedSessions, type SessionUser } from "./owned_sessions.ts";
import { TEXT_LOGIN_NAMES, TextLogins } from "./text_logins.ts";

/** The newest tokens, those that are good no more among them. */
const TOKENS_KEPT = 8;
const MADE_SHARE = 0.15;
const REVOKED_SHARE = 0.08;
/** How often somebody uses a token without a look at whether it may be good. */
const ANY_SHARE = 0.2;
/** By whom tokens are made and revoked: their user, the one who looks after all, or else anybody, by a token too. */
const OWN_SHARE = 0.6;
const KEEPER_SHARE = 0.3;
const EXPIRES_SHARE = 0.4;
const TTL_MS = { least: 1_000, most: 6_000 } as const;
/** Few, so that some are taken. */
const NAMES = 6;

/** What is done with a token, in hundredths; the rest on connections of the text protocol. */
const SHARES = { write: 12, read: 12, http: 16, session: 20, resp: 20 } as const;

/** So many times each node is asked for something by a token that is revoked, within so many times the latency of the network. */
const ASKED_AT_THE_END = 2;
const ASKED_WITHIN_LATENCIES = 4;

/** What is counted. */
export const LOGIN_NAMES: readonly string[] = [
  ...["addtoken", "removetoken", "write by a token", "http by a token", "expired token", "ended token"],
  ...OWNED_SESSION_NAMES,
  ...RESP_LOGIN_NAMES,
  ...TEXT_LOGIN_NAMES,
];

/** One who can log in with a password. */
export interface PasswordUser {
  readonly name: string;
  readonly login: number;
  /** Whether he may do everything, always: what one may do on a connection is then known by whether his login holds. */
  readonly isAdmin: boolean;
}

/** A token that somebody has. */
interface Token extends Credentials {
  readonly name: string;
  readonly isAdmin: boolean;
}

/** Where something is asked, and who there is. */
export interface LoginTurn {
  readonly node: Node;
  /** Who looks after the others. */
  readonly keeper: PasswordUser;
  readonly others: readonly PasswordUser[];
}

/** Makes tokens, and does everything with them that can be done. */
export class LoginWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #words: Words;
  readonly #http: HttpWork;
  readonly #resp: RespWork;
  readonly #text: TextLogins;
  readonly #reads: GrantReads;
  readonly #sessions: OwnedSessions;
  readonly #submit: Submit;
  #tokens: readonly Token[] = [];

  /** Watches the connections of its users from now on. */
  constructor(world: World, parts: {
    readonly workload: Workload;
    readonly words: Words;
    readonly http: HttpWork;
    readonly resp: RespWork;
    readonly submit: Submit;
  }) {
    this.#world = world;
    this.#workload = parts.workload;
    this.#words = parts.words;
    this.#http = parts.http;
    this.#resp = parts.resp;
    this.#text = new TextLogins(world, { workload: parts.workload, random: parts.words.random });
    this.#reads = new GrantReads(world, parts);
    this.#sessions = new OwnedSessions(parts);
    this.#submit = parts.submit;
    world.watchWith({
      name: "logins",
      watch: () => {
        this.#resp.watchLogins();
        this.#text.watch();
      },
    });
  }

  /** One operation of a client. */
  act(client: number, server: SimServer, turn: LoginTurn): void {
    const { random } = this.#words;
    if (this.#tokens.length === 0 || random.chance(MADE_SHARE)) return this.#make(client, server, turn);
    if (random.chance(REVOKED_SHARE)) return this.#revoke(client, server, turn);
    this.#use(client, server, turn);
  }

  #use(client: number, server: SimServer, turn: LoginTurn): void {
    const { random } = this.#words;
    const { node } = turn;
    const token = this.#pick(() => true);
    this.#countEnd(token);
    const { login } = token;
    const asker = { client, server, login, isPatrol: false };
    let share = random.below(100);
    if (share < SHARES.write) return this.#write(asker);
    share -= SHARES.write;
    if (share < SHARES.read) return this.#reads.read(asker, node);
    share -= SHARES.read;
    if (share < SHARES.http) return this.#http.act(client, server, { node, login, token: token.token });
    share -= SHARES.http;
    if (share < SHARES.session) return this.#sessions.act(client, server, this.#sessionUsers(turn));
    share -= SHARES.session;
    const as = token.isAdmin ? token : this.#pick(({ isAdmin }) => isAdmin);
    // Before it knows of users a node takes whoever comes for everybody.
    if (!as.isAdmin || node.users.size === 0) return this.#write(asker);
    if (share < SHARES.resp) return this.#resp.actAs(client, server, { node, as });
    this.#text.actAs(client, server, { node, as });
  }

  #write(asker: { readonly client: number; readonly server: SimServer; readonly login: number }): void {
    const words = this.#words;
    const command: Command = words.random.chance(0.5)
      ? { type: "Put", key: words.key(""), value: words.value() }
      : { type: "Call", call: makeSharedCall(words) };
    this.#submit({ ...asker, isPatrol: false, command }, () => this.#workload.count("write by a token"));
  }

  /** One of those that are wanted and may be good, if there is one. */
  #pick(isWanted: (token: Token) => boolean): Token {
    const { random } = this.#words;
    const { reference } = this.#world;
    const wanted = this.#tokens.filter(isWanted);
    const good = wanted.filter(({ login }) => reference.allowsAt(login, reference.lastIndex));
    if (good.length > 0 && !random.chance(ANY_SHARE)) return random.pick(good);
    return random.pick(wanted.length > 0 ? wanted : this.#tokens);
  }

  #countEnd({ login }: Token): void {
    const { reference } = this.#world;
    const { lastIndex } = reference;
    if (reference.allowsAt(login, lastIndex)) return;
    const { expiresAt = NEVER } = reference.tokenOf(login) ?? {};
    const hasExpired = expiresAt !== NEVER && expiresAt <= reference.timeAt(lastIndex);
    this.#workload.count(hasExpired ? "expired token" : "ended token");
  }

  /** Everybody, by each way in which he may come in. */
  #sessionUsers({ keeper, others }: LoginTurn): readonly SessionUser[] {
    return [...[keeper, ...others].map(({ name, login }) => ({ user: name, login })), ...this.#tokens];
  }

  #make(client: number, server: SimServer, turn: LoginTurn): void {
    const { random } = this.#words;
    const { keeper, others } = turn;
    const { name: user, login, isAdmin } = random.pick([keeper, ...others]);
    const name = `token${random.below(NAMES)}`;
    const secret = Array.from({ length: SECRET_DIGITS }, () => random.below(16).toString(16)).join("");
    const ttlMs = random.chance(EXPIRES_SHARE) ? random.between(TTL_MS.least, TTL_MS.most) : NEVER;
    const command: Command = { type: "AddToken", user, name, hash: hashSecret(secret), ttlMs };
    const by = this.#changer(login, turn);
    this.#submit({ client, server, login: by, isPatrol: false, command }, (id) => {
      const token = { login: id, user, name, token: writeToken({ id, secret }), isAdmin };
      this.#tokens = [token, ...this.#tokens].slice(0, TOKENS_KEPT);
    });
  }

  #revoke(client: number, server: SimServer, turn: LoginTurn): void {
    const token = this.#pick(() => true);
    const { user, name } = token;
    this.#askEverywhere(token);
    const own = [turn.keeper, ...turn.others].find((each) => each.name === user)?.login;
    const login = this.#changer(own ?? turn.keeper.login, turn);
    this.#submit({ client, server, login, isPatrol: false, command: { type: "RemoveToken", user, name } }, () => {});
  }

  #changer(own: number, { keeper, others }: LoginTurn): number {
    const { random } = this.#words;
    const share = random.fraction();
    if (share < OWN_SHARE) return own;
    if (share < OWN_SHARE + KEEPER_SHARE) return keeper.login;
    return random.pick([...others, ...this.#tokens, keeper]).login;
  }

  /** What is asked for in the moment in which a token goes may be done before that, and not after. */
  #askEverywhere({ login, token }: Token): void {
    const { random } = this.#words;
    for (const server of this.#world.running()) {
      const { node } = server;
      if (node === undefined) continue;
      for (let count = 0; count < ASKED_AT_THE_END; count++) {
        const action = () => {
          const asker = { client: this.#workload.newClient(), server, login, isPatrol: true };
          if (random.chance(0.5)) return this.#reads.read(asker, node);
          this.#http.ask(asker.client, server, { node, login, token });
        };
        const delayMs = random.fraction() * ASKED_WITHIN_LATENCIES * this.#world.settings.latencyMs;
        this.#world.clock.plan(delayMs, { action, life: server.life, isArrival: false });
      }
    }
  }
}

const SECRET_DIGITS = 40;
