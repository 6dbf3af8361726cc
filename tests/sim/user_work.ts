/** Clients of a cluster with users: one of them makes, changes and removes the others, who go on under logins that may have ended. */

import { type Command, encodeCommand } from "../../lib/kv/commands.ts";
import { NO_LOGIN } from "../../lib/kv/users.ts";
import type { WriteOutcome } from "../../lib/node/api.ts";
import type { Node } from "../../lib/node/node.ts";
import type { Words } from "./call_maker.ts";
import type { Workload } from "./clients.ts";
import type { Asker } from "./grant_reads.ts";
import { GrantWork, type Submit } from "./grant_work.ts";
import { type Asked, operationOf } from "./operations.ts";
import { LoginWork } from "./logins/login_work.ts";
import type { HttpWork } from "./protocols/http_work.ts";
import type { RespWork } from "./protocols/resp_work.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** The user who looks after the others, and is never removed. */
const KEEPER = "keeper";
/** Users beside that one, as far as it is known of them. */
const OTHERS_MAX = 4;
/** Logins that have ended, the newest of which are used on. */
const ENDED_KEPT = 8;
/** Of what is done here, so much is by users with rights by prefix, and so much of the rest changes the others. */
const GRANTS_SHARE = 0.5;
const CHANGES_SHARE = 0.25;
const HTTP_SHARE = 0.5;
/** How often somebody uses a login that has ended, if there is one. */
const ENDED_SHARE = 0.3;
/** Where users log in, so much of what is done here is by those, and so many hundredths of what all clients do, beside that. */
const LOGINS_SHARE = 0.2;
/** See `LOGINS_SHARE`. */
export const LOGIN_SHARE = 10;

/** So many times each node is asked for something under a login that ends, within so many times the latency of the network. */
const ASKED_AT_THE_END = 3;
const ASKED_WITHIN_LATENCIES = 4;

/** What is counted of users. */
export const USER_NAMES = ["setuser", "removeuser", "write by a user", "refused login", "http by a user"] as const;

/** One who can log in. */
interface Known {
  readonly name: string;
  readonly login: number;
}

/** What changes users and what they do. */
export class UserWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #words: Words;
  readonly #http: HttpWork;
  readonly #grants: GrantWork;
  readonly #logins: LoginWork | undefined;
  #keeper = NO_LOGIN;
  #others: readonly Known[] = [];
  #ended: readonly number[] = [];
  #names = 0;

  constructor(world: World, parts: {
    readonly workload: Workload;
    readonly words: Words;
    readonly http: HttpWork;
    readonly resp: RespWork;
  }) {
    this.#world = world;
    this.#workload = parts.workload;
    this.#words = parts.words;
    this.#http = parts.http;
    const submit: Submit = (asked, done) => this.#submit(asked, done);
    this.#grants = new GrantWork(world, { ...parts, submit });
    const { users, logins } = world.settings;
    this.#logins = users && logins ? new LoginWork(world, { ...parts, submit }) : undefined;
  }

  /** The login of the clients whom nobody removes; `NO_LOGIN` until there are users. */
  get keeper(): number {
    return this.#keeper;
  }

  /** One operation of a client. */
  act(client: number, server: SimServer, node: Node): void {
    if (this.#keeper === NO_LOGIN) return this.#begin(client, server, node);
    const { random } = this.#words;
    if (this.logIn && random.chance(LOGINS_SHARE)) return this.actByLogin(client, server, node);
    if (random.chance(GRANTS_SHARE)) return this.#grants.act(client, server, { node, keeper: this.#keeper });
    if (random.chance(CHANGES_SHARE)) return this.#change(client, server);
    const login = this.#pickLogin();
    if (random.chance(HTTP_SHARE)) return this.#http.act(client, server, { node, login });
    this.#write(client, server, login);
  }

  /** Whether there are users who log in. */
  get logIn(): boolean {
    return this.#logins !== undefined && this.#keeper !== NO_LOGIN;
  }

  /** One operation of somebody who logs in. */
  actByLogin(client: number, server: SimServer, node: Node): void {
    this.#logins?.act(client, server, {
      node,
      keeper: { name: KEEPER, login: this.#keeper, isAdmin: true },
      others: [
        ...this.#others.map((user) => ({ ...user, isAdmin: true })),
        ...this.#grants.users.map((user) => ({ ...user, isAdmin: false })),
      ],
    });
  }

  /** Makes the first user; where that was done and nobody heard of it, its login is looked up. */
  #begin(client: number, server: SimServer, node: Node): void {
    const login = node.users.find(KEEPER)?.login;
    if (login !== undefined) this.#keeper = login;
    this.#submit({ client, server, command: this.#setUser("First", KEEPER) }, (made) => {
      this.#keeper = made;
    });
  }

  #change(client: number, server: SimServer): void {
    const { random } = this.#words;
    const picked = this.#others.length > 0 ? random.pick(this.#others) : undefined;
    if (picked === undefined || (this.#others.length < OTHERS_MAX && random.chance(0.5))) {
      this.#names += 1;
      const name = `user${this.#names}`;
      return this.#submit({ client, server, command: this.#setUser("Create", name) }, (login) => {
        this.#others = [...this.#others, { name, login }];
      });
    }
    const { name } = picked;
    // From now on it may have ended.
    this.#others = this.#others.filter((other) => other !== picked);
    this.#ended = [picked.login, ...this.#ended].slice(0, ENDED_KEPT);
    this.#askEverywhere(picked.login);
    if (random.chance(0.5)) return this.#submit({ client, server, command: { type: "RemoveUser", name } }, () => {});
    this.#submit({ client, server, command: this.#setUser("Change", name) }, (login) => {
      this.#others = [...this.#others, { name, login }];
    });
  }

  /** What a login asks for in the moment in which it ends may be shown before that, and not after. */
  #askEverywhere(login: number): void {
    for (const server of this.#world.running()) {
      if (server.node === undefined) continue;
      for (let count = 0; count < ASKED_AT_THE_END; count++) {
        const { node } = server;
        const action = () => this.#http.ask(this.#workload.newClient(), server, { node, login });
        const { latencyMs } = this.#world.settings;
        const delayMs = this.#words.random.fraction() * ASKED_WITHIN_LATENCIES * latencyMs;
        this.#world.clock.plan(delayMs, { action, life: server.life, isArrival: false });
      }
    }
  }

  #write(client: number, server: SimServer, login: number): void {
    const command: Command = { type: "Put", key: this.#words.key(""), value: this.#words.value() };
    this.#submit({ client, server, command, login }, () => this.#workload.count("write by a user"));
  }

  #submit(
    { client, server, command, login = this.#keeper, isPatrol = false }:
      & Pick<Asker, "client" | "server">
      & Partial<Asker>
      & { readonly command: Command },
    done: (index: number) => void,
  ): void {
    const asked: Asked = operationOf(command);
    const pending = this.#workload.begin(client, { ...asked, server, isPatrol });
    const ended = (outcome: WriteOutcome) => {
      const isDone = this.#workload.wrote(pending, {
        command,
        encoded: encodeCommand(command, undefined, login),
        outcome,
      });
      if (!isDone || outcome.type !== "Done") return;
      const { type, revision } = outcome.result;
      if (type !== "Refused") done(revision);
    };
    server.node?.submit(command, ended, { login });
  }

  #pickLogin(): number {
    const { random } = this.#words;
    const logins = this.#others.map(({ login }) => login);
    if (this.#ended.length > 0 && (logins.length === 0 || random.chance(ENDED_SHARE))) return random.pick(this.#ended);
    return random.pick([this.#keeper, ...logins]);
  }

  #setUser(rule: "First" | "Create" | "Change", name: string): Command {
    const digits = (length: number) => {
      return Array.from({ length }, () => this.#words.random.below(16).toString(16)).join("");
    };
    return { type: "SetUser", rule, name, hash: `scrypt:14:8:1:${digits(32)}:${digits(64)}` };
  }
}
